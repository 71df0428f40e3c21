//! The page as text, in both formats.

use std::collections::BTreeSet;

use shared::metrics::flush::{LastFlush, SeriesValue, ShardTotals};
use shared::metrics::kind::{Kind, Origin};
use shared::metrics::table::{self, METRICS};
use shared::time::UnixMillis;

use super::{MetricsPage, encoded};
use crate::metrics::accept::Format;
use crate::metrics::samples::Samples;
use crate::metrics::shards;

fn page(samples: Samples, format: Format) -> String {
    encoded(MetricsPage { samples, schema: "0008_metrics.sql".into() }, format).unwrap()
}

fn value(metric: &str, labels: &[&str], value: u64, buckets: &[u64]) -> SeriesValue {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    SeriesValue { metric: metric.into(), labels, value, buckets: buckets.to_vec() }
}

fn shard(flushed_at: i64, values: Vec<SeriesValue>) -> ShardTotals {
    let at = |worker: &str, at| LastFlush { worker: worker.into(), at: UnixMillis(at) };
    ShardTotals {
        last_flush: vec![at("ingest", flushed_at), at("later", 1)],
        values,
        flushes: vec![value("", &["counted"], 2, &[])],
        dropped: 3,
        sources: 4,
        shards: 2,
    }
}

fn both_shards() -> Samples {
    let buckets = [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut samples = Samples::default();
    let first = vec![
        value("rolecall_refusals_total", &["timeout"], 2, &[]),
        value("rolecall_door_seconds", &[], 5_004, &buckets),
        value("rolecall_door_seconds", &[], 1, &[1, 1]),
        value("rolecall_of_a_later_build_total", &[], 1, &[]),
        value("rolecall_hints_total", &["of-a-later-build"], 1, &[]),
        value("rolecall_pending_hints", &[], 1, &[]),
        // Of D1, which knows it exactly.
        value("rolecall_messages_total", &[], 1, &[]),
    ];
    let second = vec![
        value("rolecall_refusals_total", &["timeout"], 5, &[]),
        value("rolecall_door_seconds", &[], 5_004, &buckets),
    ];
    let mut totals = shard(1_006, first);
    totals.merge(&shard(1_002, second));
    shards::add(&mut samples, &totals);
    samples
}

#[test]
fn shards_are_summed() {
    let classic = page(both_shards(), Format::Classic);
    for line in [
        "rolecall_build_info{version=\"0.1.0\",schema=\"0008_metrics.sql\"} 1",
        "rolecall_refusals_total{reason=\"timeout\"} 7",
        "rolecall_refusals_total{reason=\"aborted\"} 0",
        "rolecall_door_seconds_bucket{le=\"0.001\"} 2",
        "rolecall_door_seconds_bucket{le=\"0.002\"} 6",
        "rolecall_door_seconds_bucket{le=\"5\"} 6",
        "rolecall_door_seconds_bucket{le=\"+Inf\"} 8",
        "rolecall_door_seconds_sum 10.008",
        "rolecall_door_seconds_count 8",
        "rolecall_meter_flushes_total{result=\"counted\"} 4",
        "rolecall_meter_flushes_total{result=\"refused\"} 0",
        "rolecall_meter_dropped_values_total 6",
        "rolecall_meter_sources 8",
        "rolecall_last_flush_timestamp_seconds{worker=\"ingest\"} 1.006",
    ] {
        assert!(classic.lines().any(|it| it == line), "{line} is missing in\n{classic}");
    }
    for odd in ["later", "pending_hints", "rolecall_messages", "# EOF"] {
        assert!(!classic.contains(odd), "{odd} in\n{classic}");
    }
}

#[test]
fn open_metrics_has_units_and_an_end() {
    let open = page(both_shards(), Format::OpenMetrics);
    for line in [
        "# TYPE rolecall_build info",
        "rolecall_build_info{version=\"0.1.0\",schema=\"0008_metrics.sql\"} 1",
        "# TYPE rolecall_refusals counter",
        "rolecall_refusals_total{reason=\"timeout\"} 7",
        "# UNIT rolecall_door_seconds seconds",
        "rolecall_door_seconds_bucket{le=\"+Inf\"} 8",
    ] {
        assert!(open.lines().any(|it| it == line), "{line} is missing in\n{open}");
    }
    assert!(open.ends_with("# EOF\n"));
}

/// Names, kinds and bounds on the page are those of the table, each with every series.
#[test]
fn the_page_has_what_the_table_has() {
    let mut samples = Samples::default();
    for origin in [Origin::Database, Origin::Isolates, Origin::Scrape] {
        samples.begin(origin);
    }
    for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Gauge) {
        for series in 0..metric.series() {
            samples.gauge(metric, &metric.label_values(series), 1);
        }
    }
    let page = page(samples, Format::Classic);
    let mut series = 0;
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert!(page.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{}", metric.name);
        assert!(page.contains(&format!("# HELP {} {}\n", metric.name, metric.help)));
        series += match metric.kind {
            Kind::Histogram(bounds) => metric.series() * (bounds.len() + 3),
            Kind::Counter | Kind::Gauge => metric.series(),
        };
    }
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), series + 1, "and {}", table::BUILD_INFO);
    let distinct: BTreeSet<_> = lines.iter().filter_map(|line| line.rsplit_once(' ')).collect();
    assert_eq!(distinct.len(), lines.len());
}
