//! Expressions of `PromQL`, built from the table of metrics: a name that it does not have does not
//! compile. How each metric is read, and by which labels, is checked by a test of `metrics`.

mod expr;
mod series;

pub(crate) use self::expr::{Expr, JOBS, number};
#[cfg(test)]
pub(crate) use self::expr::{Reading, Usage};
pub(crate) use self::series::{bucket, buckets, counter, gauge, observations};

#[cfg(test)]
mod tests {
    use shared::metrics::{labels as label, table};

    use super::{bucket, counter, gauge};

    #[test]
    fn an_expression_is_of_one_job_or_of_all() {
        let expr = counter(&table::DELIVERIES).rate("5m").sum_by(&[&label::DOOR_OUTCOME]);
        let rule = "sum by (job, outcome) (rate(rolecall_deliveries_total[5m]))";
        assert_eq!(expr.in_rule(), rule);
        let query = "sum by (job, outcome) (rate(rolecall_deliveries_total{job=\"$job\"}[5m]))";
        assert_eq!(expr.in_dashboard(), query);
    }

    #[test]
    fn labels_and_buckets_are_chosen() {
        let series = bucket(&table::STAGE_SECONDS, "10").with(&label::STAGE, &["door_to_applied"]);
        let want = "rolecall_stage_seconds_bucket{le=~\"10|10.0\",stage=\"door_to_applied\"}[1h]";
        assert_eq!(series.increase("1h").in_rule(), format!("increase({want})"));
        let series =
            counter(&table::REFUSALS).without(&label::DOOR_REFUSAL, &["timeout", "aborted"]);
        let want = "rolecall_refusals_total{reason!~\"timeout|aborted\"}";
        assert_eq!(series.now().in_rule(), want);
    }

    #[test]
    fn brackets_are_where_they_are_needed() {
        let size = || gauge(&table::D1_SIZE).now().max();
        let name = "max by (job) (rolecall_d1_size_bytes)";
        let expr = size().minus(size()).divided_by(size()).above(0.5).and(size().age().below(1.0));
        let want = format!("({name} - {name}) / {name} > 0.5\nand\ntime() - {name} < 1");
        assert_eq!(expr.in_rule(), want);
        let expr = size().minus(size().minus(size())).and(size().or(size()));
        let want = format!("{name} - ({name} - {name})\nand\n({name}\nor\n{name})");
        assert_eq!(expr.in_rule(), want);
        let labeled = size().labeled(&label::WORKER, "ssr").above(0.5).in_rule();
        assert_eq!(
            labeled,
            format!("label_replace({name}, \"worker\", \"ssr\", \"\", \"\") > 0.5")
        );
    }
}
