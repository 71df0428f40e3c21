//! What the shards of `Meter` know, as values of a scrape: their sums.

use shared::metrics::flush::ShardTotals;
use shared::metrics::kind::Origin;
use shared::metrics::table;

use super::samples::Samples;

/// Adds what all shards know. A series that one shard alone has is its sum.
pub(super) fn add(samples: &mut Samples, shards: &[ShardTotals]) {
    samples.begin(Origin::Isolates);
    let mut last_flushes: Vec<(&str, i64)> = Vec::new();
    for result in table::METER_FLUSHES.labels.iter().flat_map(|label| label.values) {
        samples.count(&table::METER_FLUSHES, &[*result], 0);
    }
    for shard in shards {
        shard.values.iter().for_each(|value| samples.add(value));
        for value in &shard.flushes {
            let labels: Vec<&str> = value.labels.iter().map(String::as_str).collect();
            samples.count(&table::METER_FLUSHES, &labels, value.value);
        }
        samples.count(&table::METER_DROPPED, &[], shard.dropped);
        let sources = i64::try_from(shard.sources).unwrap_or(i64::MAX);
        samples.gauge(&table::METER_SOURCES, &[], sources);
        for flush in &shard.last_flush {
            match last_flushes.iter_mut().find(|(worker, _)| *worker == flush.worker) {
                Some((_, at)) => *at = flush.at.0.max(*at),
                None => last_flushes.push((&flush.worker, flush.at.0)),
            }
        }
    }
    for (worker, at) in last_flushes {
        samples.gauge(&table::LAST_FLUSH, &[worker], at);
    }
}
