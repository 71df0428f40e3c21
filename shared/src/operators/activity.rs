//! What the console's charts show, from what `Meter` keeps of the past.

use super::api::overview::{Activity, ActivitySlot};
use crate::metrics::flush::SeriesValue;
use crate::metrics::history::{HistoryQuery, HistorySlot, MINUTE_MS, ShardHistory};
use crate::metrics::kind::{Kind, Metric};
use crate::metrics::table;
use crate::time::UnixMillis;

const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What is asked of `Meter` first: a day in quarters of an hour.
#[must_use]
pub fn last_day(now: UnixMillis) -> HistoryQuery {
    HistoryQuery::until(now, 24 * HOUR_MS, 96)
}

/// What is asked of `Meter` if all that the day has is in its last hour: that hour in minutes.
#[must_use]
pub fn last_hour(now: UnixMillis) -> HistoryQuery {
    HistoryQuery::until(now, HOUR_MS, 60)
}

impl Activity {
    /// The sum of all shards.
    #[must_use]
    pub fn from_history(history: &ShardHistory) -> Self {
        let ShardHistory { since, slot_ms, slots } = history;
        let slots = slots.iter().map(activity_slot).collect();
        Self { since: *since, slot_ms: *slot_ms, slots }
    }

    /// Whether nothing is older than an hour: then [`last_hour`] shows more.
    #[must_use]
    pub fn is_young(&self, now: UnixMillis) -> bool {
        let old = self.beginnings().filter(|(at, _)| at.plus(self.slot_ms).0 <= now.0 - HOUR_MS);
        old.into_iter().all(|(_, slot)| *slot == ActivitySlot::default())
    }
}

fn int(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

fn activity_slot(slot: &HistorySlot) -> ActivitySlot {
    let sum = |metric: &Metric, label: Option<&str>| -> i64 {
        let values = slot.values.iter().filter(|it| is_of(it, metric, label));
        int(values.fold(0_u64, |sum, it| sum.saturating_add(it.value)))
    };
    let guard = |outcome: &str| sum(&table::GUARD_ANSWERS, Some(outcome));
    let took = |stage: &str, hundredths: u64| {
        let mut values = slot.values.iter();
        let found = values.find(|it| is_of(it, &table::STAGE_SECONDS, Some(stage)))?;
        quantile(&table::STAGE_SECONDS, &found.buckets, hundredths)
    };
    ActivitySlot {
        messages: sum(&table::MESSAGES, None),
        parked: sum(&table::EVENTS, Some("parked")),
        refusals: sum(&table::REFUSALS, None),
        allowed: guard("allowed"),
        denied: guard("forbidden") + guard("signed-out"),
        unavailable: guard("unavailable"),
        door_to_applied_p50: took("door_to_applied", 50),
        door_to_applied_p95: took("door_to_applied", 95),
        clerk_to_applied_p50: took("clerk_to_applied", 50),
        clerk_to_applied_p95: took("clerk_to_applied", 95),
    }
}

fn is_of(value: &SeriesValue, metric: &Metric, label: Option<&str>) -> bool {
    value.metric == metric.name && value.labels.first().map(String::as_str) == label
}

/// The value, in the unit as counted, that so many hundredths of the observations do not exceed. As
/// `histogram_quantile` of Prometheus: evenly spread within a bucket, and at most the last bound.
fn quantile(metric: &Metric, buckets: &[u64], hundredths: u64) -> Option<i64> {
    let Kind::Histogram(bounds) = metric.kind else { return None };
    let all: u64 = buckets.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = all.saturating_mul(hundredths);
    let (mut below, mut lower) = (0_u64, 0_u64);
    for (bound, count) in bounds.iter().zip(buckets) {
        let within = count.saturating_mul(100);
        if wanted <= below.saturating_add(within) {
            let part = (bound - lower).saturating_mul(wanted - below);
            return Some(int(lower + part.checked_div(within).unwrap_or(0)));
        }
        below = below.saturating_add(within);
        lower = *bound;
    }
    Some(int(lower))
}

#[cfg(test)]
mod tests {
    use super::{last_day, quantile};
    use crate::metrics::flush::SeriesValue;
    use crate::metrics::history::{HistorySlot, ShardHistory};
    use crate::metrics::table::STAGE_SECONDS;
    use crate::operators::api::overview::{Activity, ActivitySlot};
    use crate::time::UnixMillis;

    const NOW: UnixMillis = UnixMillis(1_764_385_620_000);

    fn value(metric: &str, labels: &[&str], value: u64, buckets: &[u64]) -> SeriesValue {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        SeriesValue { metric: metric.into(), labels, value, buckets: buckets.to_vec() }
    }

    fn activity(at: usize, values: Vec<SeriesValue>) -> Activity {
        let query = last_day(NOW);
        let mut slots = vec![HistorySlot::default(); 96];
        slots[at] = HistorySlot { values };
        Activity::from_history(&ShardHistory { since: query.since, slot_ms: query.slot_ms, slots })
    }

    #[test]
    fn a_slot_has_what_was_counted_in_it() {
        let buckets = [0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let activity = activity(
            7,
            vec![
                value("rolecall_messages_total", &[], 9, &[]),
                value("rolecall_events_total", &["parked"], 2, &[]),
                value("rolecall_events_total", &["applied"], 7, &[]),
                value("rolecall_refusals_total", &[], 3, &[]),
                value("rolecall_guard_answers_total", &["allowed"], 5, &[]),
                value("rolecall_guard_answers_total", &["forbidden"], 4, &[]),
                value("rolecall_guard_answers_total", &["signed-out"], 1, &[]),
                value("rolecall_guard_answers_total", &["unavailable"], 6, &[]),
                value("rolecall_stage_seconds", &["door_to_applied"], 300, &buckets),
            ],
        );
        let want = ActivitySlot {
            messages: 9,
            parked: 2,
            refusals: 3,
            allowed: 5,
            denied: 5,
            unavailable: 6,
            door_to_applied_p50: Some(75),
            door_to_applied_p95: Some(97),
            ..ActivitySlot::default()
        };
        let (at, slot) = activity.beginnings().nth(7).unwrap();
        assert_eq!((at, slot), (activity.since.plus(7 * 15 * 60_000), &want));
        let others = activity.slots.iter().filter(|slot| **slot == ActivitySlot::default());
        assert_eq!(others.count(), 95);
    }

    #[test]
    fn a_day_is_young_if_it_has_nothing_before_its_last_hour() {
        let counted = || vec![value("rolecall_messages_total", &[], 1, &[])];
        for (slot, is_young) in [(0, false), (90, false), (92, true), (95, true)] {
            assert_eq!(activity(slot, counted()).is_young(NOW), is_young, "{slot}");
        }
        assert!(activity(0, vec![]).is_young(NOW));
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let of = |buckets: &[(usize, u64)], hundredths| {
            let mut all = [0; 13];
            for (at, count) in buckets {
                all[*at] = *count;
            }
            quantile(&STAGE_SECONDS, &all, hundredths)
        };
        assert_eq!(of(&[], 50), None);
        assert_eq!(of(&[(0, 1)], 50), Some(25));
        assert_eq!(of(&[(0, 1), (2, 1)], 50), Some(50));
        assert_eq!(of(&[(0, 1), (2, 1)], 95), Some(235));
        // Above every bound.
        assert_eq!(of(&[(12, 1)], 50), Some(300_000));
        assert_eq!(of(&[(12, u64::MAX)], 50), Some(300_000));
    }
}
