//! What the shards of `Meter` know together, as values of a scrape.

use shared::metrics::flush::ShardTotals;
use shared::metrics::kind::Origin;
use shared::metrics::table;

use super::samples::Samples;

/// Adds what all shards know together.
pub(super) fn add(samples: &mut Samples, totals: &ShardTotals) {
    samples.begin(Origin::Isolates);
    // For the charts, the consumer also counts there what D1 knows exactly.
    let counted = totals.values.iter().filter(|value| {
        table::by_name(&value.metric).is_some_and(|metric| metric.origin == Origin::Isolates)
    });
    counted.for_each(|value| samples.add(value));
    for result in table::METER_FLUSHES.labels.iter().flat_map(|label| label.values) {
        samples.count(&table::METER_FLUSHES, &[*result], 0);
    }
    for value in &totals.flushes {
        let labels: Vec<&str> = value.labels.iter().map(String::as_str).collect();
        samples.count(&table::METER_FLUSHES, &labels, value.value);
    }
    samples.count(&table::METER_DROPPED, &[], totals.dropped);
    let sources = i64::try_from(totals.sources).unwrap_or(i64::MAX);
    samples.gauge(&table::METER_SOURCES, &[], sources);
    for flush in &totals.last_flush {
        samples.gauge(&table::LAST_FLUSH, &[&flush.worker], flush.at.0);
    }
}
