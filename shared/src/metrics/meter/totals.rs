//! The totals of a shard: by Worker, because a Worker's are one row on disk.

use std::collections::BTreeMap;

use crate::metrics::labels::{OTHER, WORKER};
use crate::metrics::series::SeriesValue;
use crate::metrics::table;

/// By metric, each sorted by labels.
type WorkerTotals = BTreeMap<String, Vec<SeriesValue>>;

/// What was counted, by Worker and metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals(BTreeMap<String, WorkerTotals>);

impl Totals {
    /// The name of a Worker's part. A Worker of another build has the part of all such Workers.
    pub(super) fn part_of(worker: &str) -> &'static str {
        WORKER.values.iter().find(|it| **it == worker).copied().unwrap_or(OTHER)
    }

    /// Puts a part that was read from disk in its place.
    pub(super) fn insert(&mut self, part: String, values: Vec<SeriesValue>) {
        let mut totals = WorkerTotals::new();
        for value in values {
            totals.entry(value.metric.clone()).or_default().push(value);
        }
        for series in totals.values_mut() {
            series.sort_unstable_by(|one, other| one.labels.cmp(&other.labels));
        }
        self.0.insert(part, totals);
    }

    /// Adds a value to a part. Returns whether this build knows its series.
    pub(super) fn add(&mut self, part: &str, value: &SeriesValue) -> bool {
        let (Some(metric), Some(labels)) = (table::by_name(&value.metric), value.known_labels())
        else {
            return false;
        };
        let part = self.0.entry(part.to_owned()).or_default();
        let series = part.entry(metric.name.to_owned()).or_default();
        match series.binary_search_by(|it| it.labels.cmp(&labels)) {
            Ok(at) => series.get_mut(at).is_some_and(|known| {
                // A build with other bounds begins again.
                if known.buckets.len() == value.buckets.len() {
                    known.add(value);
                } else {
                    *known = SeriesValue { labels, ..value.clone() };
                }
                true
            }),
            Err(at) => {
                series.insert(at, SeriesValue { labels, ..value.clone() });
                true
            }
        }
    }

    /// The values of a part, as they are written to disk.
    pub(super) fn part(&self, part: &str) -> impl Iterator<Item = &SeriesValue> {
        self.0.get(part).into_iter().flat_map(BTreeMap::values).flatten()
    }

    /// The values of a metric, of all Workers. A series may come more than once.
    pub(super) fn of_metric(&self, metric: &str) -> impl Iterator<Item = &SeriesValue> {
        self.0.values().filter_map(move |totals| totals.get(metric)).flatten()
    }

    /// Each series once: the sums over the Workers.
    pub(super) fn summed(&self) -> Vec<SeriesValue> {
        let mut sums: BTreeMap<(&str, &[String]), SeriesValue> = BTreeMap::new();
        for value in self.0.values().flat_map(BTreeMap::values).flatten() {
            match sums.get_mut(&(value.metric.as_str(), value.labels.as_slice())) {
                Some(sum) => sum.add(value),
                None => drop(sums.insert((&value.metric, &value.labels), value.clone())),
            }
        }
        sums.into_values().collect()
    }
}
