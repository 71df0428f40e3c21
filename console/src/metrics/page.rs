//! Encodes the values of a scrape, in the order of the table of metrics.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit as EncodedUnit};
use shared::metrics::kind::{Kind, Metric, Unit};
use shared::metrics::table;

use super::accept::Format;
use super::samples::{Sample, Samples};

type Labels = Vec<(&'static str, &'static str)>;

/// No sample has an exemplar.
const NO_EXEMPLAR: Option<&Exemplar<Labels, f64>> = None;

/// What a page shows.
#[derive(Debug)]
pub(super) struct MetricsPage {
    /// All values.
    pub(super) samples: Samples,
    /// The newest migration of the database.
    pub(super) schema: String,
}

/// The page as text.
pub(super) fn encoded(page: MetricsPage, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut text = String::new();
    match format {
        Format::Classic => prometheus_text::encode(&mut text, &registry)?,
        Format::OpenMetrics => text::encode(&mut text, &registry)?,
    }
    Ok(text)
}

impl Collector for MetricsPage {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let name = table::BUILD_INFO.trim_end_matches("_info");
        let help = "The version of the console and the newest migration of the database";
        let info = [("version", env!("CARGO_PKG_VERSION")), ("schema", &self.schema)];
        encoder.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(&info)?;
        table::METRICS.iter().try_for_each(|metric| self.encode_metric(&mut encoder, metric))
    }
}

impl MetricsPage {
    fn encode_metric(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &'static Metric,
    ) -> fmt::Result {
        let mut series = self.samples.series(metric).peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        // The encoder writes both suffixes itself.
        let unit = encoded_unit(metric.unit);
        let name = metric.name.trim_end_matches("_total");
        let name = unit
            .as_ref()
            .map_or(name, |unit| name.trim_end_matches(unit.as_str()).trim_end_matches('_'));
        let kind = metric_type(metric.kind);
        let mut encoder = encoder.encode_descriptor(name, metric.help, unit.as_ref(), kind)?;
        for (index, sample) in series {
            let labels = labels(metric, index);
            if labels.is_empty() {
                encode_sample(&mut encoder, metric, sample)?;
            } else {
                encode_sample(&mut encoder.encode_family(&labels)?, metric, sample)?;
            }
        }
        Ok(())
    }
}

fn labels(metric: &Metric, index: usize) -> Labels {
    let values = metric.label_values(index);
    metric.labels.iter().map(|label| label.name).zip(values).collect()
}

const fn metric_type(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
    }
}

const fn encoded_unit(unit: Unit) -> Option<EncodedUnit> {
    match unit {
        Unit::None => None,
        Unit::Seconds => Some(EncodedUnit::Seconds),
        Unit::Bytes => Some(EncodedUnit::Bytes),
    }
}

fn encode_sample(encoder: &mut MetricEncoder<'_>, metric: &Metric, sample: &Sample) -> fmt::Result {
    let per_unit = metric.unit.counted_per_unit();
    match (sample, metric.kind) {
        (Sample::Count(count), _) if per_unit == 1 => encoder.encode_counter(count, NO_EXEMPLAR),
        (Sample::Count(count), _) => {
            encoder.encode_counter(&(float(*count) / float(per_unit)), NO_EXEMPLAR)
        }
        (Sample::Gauge(value), _) if per_unit == 1 => encoder.encode_gauge(value),
        (Sample::Gauge(value), _) => {
            let sign = if *value < 0 { -1.0 } else { 1.0 };
            encoder.encode_gauge(&(sign * float(value.unsigned_abs()) / float(per_unit)))
        }
        (Sample::Histogram { sum, buckets }, Kind::Histogram(bounds)) => {
            let bounds = bounds.iter().map(|bound| float(*bound) / float(per_unit));
            let bounds = bounds.chain([f64::INFINITY]);
            let pairs: Vec<(f64, u64)> = bounds.zip(buckets.iter().copied()).collect();
            let count = buckets.iter().fold(0_u64, |all, more| all.saturating_add(*more));
            encoder.encode_histogram::<Labels>(float(*sum) / float(per_unit), count, &pairs, None)
        }
        (Sample::Histogram { .. }, _) => Ok(()),
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "Prometheus has nothing but 64-bit floats"
)]
const fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
