//! What an isolate has counted and not yet flushed.

use std::collections::BTreeMap;

use super::kind::{Kind, Metric};

/// One value of a histogram: the observations of each bucket, the last one for those above every
/// bound, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// How many observations each bucket has, not cumulated.
    pub buckets: Vec<u64>,
    /// Their sum.
    pub sum: u64,
}

/// Counts and observations, by metric and series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By name and [series](Metric::series_index).
    pub(super) counts: BTreeMap<(&'static str, usize), u64>,
    pub(super) observations: BTreeMap<(&'static str, usize), Observations>,
}

impl Tally {
    /// Adds to a counter. Label values that the table does not have are not counted.
    pub fn count(&mut self, metric: &'static Metric, labels: &[&str], more: u64) {
        let Some(series) = metric.series_index(labels) else { return };
        if 0 < more && metric.kind == Kind::Counter {
            let count = self.counts.entry((metric.name, series)).or_default();
            *count = count.saturating_add(more);
        }
    }

    /// Adds an observation to a histogram, in the unit as counted: milliseconds for seconds. A
    /// negative one, as of clocks that disagree, counts as 0.
    pub fn observe(&mut self, metric: &'static Metric, labels: &[&str], value: i64) {
        let Some(series) = metric.series_index(labels) else { return };
        let Kind::Histogram(bounds) = metric.kind else { return };
        let value = u64::try_from(value).unwrap_or(0);
        let of = self.observations.entry((metric.name, series)).or_default();
        of.buckets.resize(bounds.len() + 1, 0);
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(count) = of.buckets.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        of.sum = of.sum.saturating_add(value);
    }

    /// Adds the counts and observations of another one.
    pub fn add(&mut self, more: &Self) {
        for (series, more) in &more.counts {
            let count = self.counts.entry(*series).or_default();
            *count = count.saturating_add(*more);
        }
        for (series, more) in &more.observations {
            let of = self.observations.entry(*series).or_default();
            of.buckets.resize(more.buckets.len().max(of.buckets.len()), 0);
            for (count, more) in of.buckets.iter_mut().zip(&more.buckets) {
                *count = count.saturating_add(*more);
            }
            of.sum = of.sum.saturating_add(more.sum);
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.observations.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Observations, Tally};
    use crate::metrics::table::{DELIVERIES, DOOR_SECONDS, PENDING_HINTS};

    #[test]
    fn counts_add_up_by_series() {
        let mut tally = Tally::default();
        tally.count(&DELIVERIES, &["enqueued", "user.created"], 1);
        tally.count(&DELIVERIES, &["enqueued", "user.created"], 2);
        tally.count(&DELIVERIES, &["ignored", "session.created"], 1);
        tally.count(&DELIVERIES, &["unheard", "user.created"], 1);
        tally.count(&DELIVERIES, &["enqueued"], 1);
        tally.count(&PENDING_HINTS, &[], 1);
        let counts: Vec<u64> = tally.counts.values().copied().collect();
        assert_eq!(counts, [3, 1]);
    }

    #[test]
    fn all_of_another_tally_is_added() {
        let mut all = Tally::default();
        for (times, ms) in [(1, 1), (2, 6_000)] {
            let mut more = Tally::default();
            more.count(&DELIVERIES, &["enqueued", "user.created"], times);
            more.observe(&DOOR_SECONDS, &[], ms);
            all.add(&more);
        }
        assert_eq!(all.counts.into_values().collect::<Vec<_>>(), [3]);
        let observed: Vec<_> = all.observations.into_values().collect();
        let [Observations { buckets, sum }] = &observed[..] else { panic!("{observed:?}") };
        assert_eq!((buckets[0], buckets[12], *sum), (1, 1, 6_001));
    }

    #[test]
    fn an_observation_is_in_one_bucket() {
        let mut tally = Tally::default();
        for ms in [-5, 1, 2, 6_000] {
            tally.observe(&DOOR_SECONDS, &[], ms);
        }
        let mut buckets = vec![0; 13];
        (buckets[0], buckets[1], buckets[12]) = (2, 1, 1);
        let all: Vec<_> = tally.observations.into_values().collect();
        assert_eq!(all, [Observations { buckets, sum: 6_003 }]);
    }
}
