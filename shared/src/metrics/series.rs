//! The value of a series, by name: as it goes from isolates to `Meter` and on to the scrape.

use serde::{Deserialize, Serialize};

use super::kind::{Kind, Origin};
use super::table;
use super::tally::Tally;
use crate::json::serde_struct_from_object;

/// One series, in a flush or in the totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SeriesValue {
    /// The metric's name.
    pub metric: String,
    /// The label values, in the order of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// A counter: the count. A histogram: the sum of the observations.
    pub value: u64,
    /// A histogram: the observations of each bucket, not cumulated, the last above every bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u64>,
}

serde_struct_from_object!(SeriesValue);

impl SeriesValue {
    /// The label values of the series of this build that it is, or `None`.
    #[must_use]
    pub fn known_labels(&self) -> Option<Vec<String>> {
        let metric = table::by_name(&self.metric)?;
        let buckets = match metric.kind {
            Kind::Counter => 0,
            Kind::Histogram(bounds) => bounds.len() + 1,
            Kind::Gauge => return None,
        };
        if self.buckets.len() != buckets || metric.origin == Origin::Scrape {
            return None;
        }
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        let series = metric.series_index(&labels)?;
        Some(metric.label_values(series).into_iter().map(str::to_owned).collect())
    }

    /// Whether the other one has the same name and labels.
    #[must_use]
    pub fn is_same_series(&self, other: &Self) -> bool {
        self.metric == other.metric && self.labels == other.labels
    }

    /// Adds another value of the same series.
    pub fn add(&mut self, more: &Self) {
        self.value = self.value.saturating_add(more.value);
        if self.buckets.len() < more.buckets.len() {
            self.buckets.resize(more.buckets.len(), 0);
        }
        for (count, more) in self.buckets.iter_mut().zip(&more.buckets) {
            *count = count.saturating_add(*more);
        }
    }

    /// What it grew by since an earlier value.
    #[must_use]
    pub fn less(&self, earlier: &Self) -> Self {
        let count = |at: usize| earlier.buckets.get(at).copied().unwrap_or(0);
        let buckets = self.buckets.iter().enumerate();
        Self {
            value: self.value.saturating_sub(earlier.value),
            buckets: buckets.map(|(at, now)| now.saturating_sub(count(at))).collect(),
            ..self.clone()
        }
    }

    /// Adds values to a list, each to the one of its series.
    pub fn merge(into: &mut Vec<Self>, more: &[Self]) {
        for value in more {
            match into.iter_mut().find(|it| it.is_same_series(value)) {
                Some(known) => known.add(value),
                None => into.push(value.clone()),
            }
        }
    }
}

impl From<Tally> for Vec<SeriesValue> {
    fn from(tally: Tally) -> Self {
        let series = |name: &str, series: usize, value: u64, buckets: Vec<u64>| {
            let metric = table::by_name(name)?;
            let labels = metric.label_values(series).into_iter().map(str::to_owned).collect();
            Some(SeriesValue { metric: name.to_owned(), labels, value, buckets })
        };
        let counts = tally.counts.into_iter();
        let counts = counts.filter_map(|((name, index), count)| series(name, index, count, vec![]));
        let observed = tally.observations.into_iter();
        let observed =
            observed.filter_map(|((name, index), it)| series(name, index, it.sum, it.buckets));
        counts.chain(observed).collect()
    }
}
