//! The values of one scrape, by metric and series.

use std::collections::BTreeMap;

use shared::metrics::flush::SeriesValue;
use shared::metrics::kind::{Kind, Metric, Origin};
use shared::metrics::table;

/// The value of a series, in the unit as counted: milliseconds for seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// Of a counter.
    Count(u64),
    /// Of a gauge.
    Gauge(i64),
    /// Of a histogram: the observations of each bucket, the last one above every bound.
    Histogram { sum: u64, buckets: Vec<u64> },
}

/// The series of one metric, by their index.
pub(super) type Series = BTreeMap<usize, Sample>;

/// All values. Only what the table of metrics has can be in it, so its size is bounded.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(BTreeMap<&'static str, Series>);

impl Samples {
    /// Gives every series of the counters and histograms that `origin` knows its first value, 0.
    ///
    /// A series that begins with its first event has no increase for it: an alert would miss the
    /// first refusal, and so the only one. All labels are closed sets, so this is cheap.
    pub(super) fn begin(&mut self, origin: Origin) {
        for metric in table::METRICS.iter().filter(|metric| metric.origin == origin) {
            let zero = match metric.kind {
                Kind::Counter => Sample::Count(0),
                Kind::Histogram(bounds) => {
                    Sample::Histogram { sum: 0, buckets: vec![0; bounds.len() + 1] }
                }
                Kind::Gauge => continue,
            };
            let of_metric = self.0.entry(metric.name).or_default();
            for series in 0..metric.series() {
                of_metric.entry(series).or_insert_with(|| zero.clone());
            }
        }
    }

    /// Sets a gauge. A value of a label that the table does not have counts as `other`, or is left
    /// out; two values of one series are added.
    pub(super) fn gauge(&mut self, metric: &'static Metric, labels: &[&str], value: i64) {
        let Some(series) = metric.series_index(labels) else { return };
        let of_metric = self.0.entry(metric.name).or_default();
        if let Sample::Gauge(sum) = of_metric.entry(series).or_insert(Sample::Gauge(0)) {
            *sum = sum.saturating_add(value);
        }
    }

    /// Adds to a counter.
    pub(super) fn count(&mut self, metric: &'static Metric, labels: &[&str], more: u64) {
        let Some(series) = metric.series_index(labels) else { return };
        let of_metric = self.0.entry(metric.name).or_default();
        if let Sample::Count(count) = of_metric.entry(series).or_insert(Sample::Count(0)) {
            *count = count.saturating_add(more);
        }
    }

    /// Adds a series of `Meter`'s. What this build's table does not have is left out: after a
    /// rollback, `Meter` knows more.
    pub(super) fn add(&mut self, value: &SeriesValue) {
        let Some(metric) = table::by_name(&value.metric) else { return };
        let labels: Vec<&str> = value.labels.iter().map(String::as_str).collect();
        match metric.kind {
            Kind::Counter => self.count(metric, &labels, value.value),
            Kind::Histogram(bounds) => self.observed(metric, &labels, value, bounds.len() + 1),
            Kind::Gauge => (),
        }
    }

    fn observed(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        value: &SeriesValue,
        wanted: usize,
    ) {
        // Of another build, with other bounds.
        if value.buckets.len() != wanted {
            return;
        }
        let Some(series) = metric.series_index(labels) else { return };
        let of_metric = self.0.entry(metric.name).or_default();
        let zero = || Sample::Histogram { sum: 0, buckets: vec![0; wanted] };
        let sample = of_metric.entry(series).or_insert_with(zero);
        if let Sample::Histogram { sum, buckets } = sample {
            *sum = sum.saturating_add(value.value);
            for (bucket, more) in buckets.iter_mut().zip(&value.buckets) {
                *bucket = bucket.saturating_add(*more);
            }
        }
    }

    /// The series of a metric.
    pub(super) fn series(&self, metric: &Metric) -> impl Iterator<Item = (usize, &Sample)> {
        let of_metric = self.0.get(metric.name).into_iter().flatten();
        of_metric.map(|(series, sample)| (*series, sample))
    }
}
