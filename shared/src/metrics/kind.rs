//! The types of the table of metrics.

use super::labels::Label;

/// One metric: every series of it has this name.
#[derive(Debug)]
pub struct Metric {
    /// The full name in the classic text format, for a counter with `_total`.
    pub name: &'static str,
    /// What it is, in one sentence without a full stop.
    pub help: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The unit of the exposed values.
    pub unit: Unit,
    /// Its labels, each with all of its values.
    pub labels: &'static [Label],
    /// Who knows it.
    pub origin: Origin,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations, counted by size: the upper bounds of the buckets, in the [unit as
    /// counted](Unit::counted_per_unit).
    Histogram(&'static [u64]),
}

/// A unit. Exposed values are in base units,
/// <https://prometheus.io/docs/practices/naming/#base-units>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    None,
    /// Seconds; counted in milliseconds, the unit of every clock of ours.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// How much of what is counted makes one of what is exposed.
    #[must_use]
    pub fn counted_per_unit(self) -> u64 {
        match self {
            Self::Seconds => 1_000,
            Self::None | Self::Bytes => 1,
        }
    }
}

/// Who knows a metric, and how surely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Exact: read from D1, where it was counted in the transaction that it is about.
    Database,
    /// At most the true number: counted by isolates, each of which may lose what it has not yet
    /// flushed to `Meter`.
    Isolates,
    /// Exact: known to `Meter` or to the console itself at the time of the scrape.
    Scrape,
}

impl Metric {
    /// The number of series that it can have.
    #[must_use]
    pub fn series(&self) -> usize {
        self.labels.iter().map(|label| label.values.len()).product()
    }

    /// The index of the series with these label values, in the order of [`Self::labels`]. A value
    /// that the table does not have counts as `other`; `None` if the label has no `other`, or if
    /// the number of values is wrong.
    #[must_use]
    pub fn series_index(&self, values: &[&str]) -> Option<usize> {
        if values.len() != self.labels.len() {
            return None;
        }
        let mut pairs = self.labels.iter().zip(values);
        pairs.try_fold(0, |index, (label, value)| {
            Some(index * label.values.len() + label.index_of(value)?)
        })
    }

    /// The label values of a series: the inverse of [`Self::series_index`].
    #[must_use]
    pub fn label_values(&self, series: usize) -> Vec<&'static str> {
        let mut rest = series;
        let mut values: Vec<&'static str> = Vec::with_capacity(self.labels.len());
        for label in self.labels.iter().rev() {
            let count = label.values.len().max(1);
            values.extend(label.values.get(rest % count));
            rest /= count;
        }
        values.reverse();
        values
    }
}
