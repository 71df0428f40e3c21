//! The rows on a shard's disk.

use serde::{Deserialize, Serialize};

use crate::json::serde_struct_from_object;
use crate::metrics::flush::{FlushResult, LastFlush, SeriesValue};
use crate::metrics::labels::WORKER;
use crate::metrics::table;
use crate::time::UnixMillis;

/// The greatest `METER_SHARDS`.
const SHARDS_MAX: u32 = 64;

const SHARD_KEY: &str = "shard";
const TOTALS_PREFIX: &str = "totals:";
const SOURCE_PREFIX: &str = "source:";

/// A row: a key, and JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct KeptRow {
    /// The key.
    pub key: String,
    /// JSON.
    pub value: String,
}

/// What is known of the shard as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default)]
pub(super) struct ShardRow {
    /// Flushes by result.
    pub(super) flushes: Vec<SeriesValue>,
    /// The last flush of each Worker.
    pub(super) last_flush: Vec<LastFlush>,
    /// Values that were not known.
    pub(super) dropped: u64,
    /// The greatest number of shards that a sender knew.
    pub(super) shards: u32,
    /// The number that shard 0 was told.
    pub(super) announced: u32,
    /// The minute of the last row of the history.
    pub(super) history_at: UnixMillis,
    /// When the last of the forgotten sources was seen.
    pub(super) forgotten_until: UnixMillis,
}

/// What is known of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct SourceRow {
    /// The sequence of its last flush that was counted.
    pub(super) sequence: u64,
    /// When it came.
    pub(super) seen_at: UnixMillis,
}

serde_struct_from_object!(KeptRow, ShardRow, SourceRow);

/// A row that was read.
pub(super) enum ParsedRow {
    Shard(ShardRow),
    /// A Worker's name, and what it counted.
    Totals(String, Vec<SeriesValue>),
    /// A source's name, and what is known of it.
    Source(String, SourceRow),
}

impl KeptRow {
    /// `None` if it cannot be read.
    pub(super) fn parse(&self) -> Option<ParsedRow> {
        let value = self.value.as_str();
        if self.key == SHARD_KEY {
            return serde_json::from_str(value).ok().map(ParsedRow::Shard);
        }
        if let Some(worker) = self.key.strip_prefix(TOTALS_PREFIX) {
            let values = serde_json::from_str(value).ok()?;
            return Some(ParsedRow::Totals(worker.to_owned(), values));
        }
        let source = self.key.strip_prefix(SOURCE_PREFIX)?;
        Some(ParsedRow::Source(source.to_owned(), serde_json::from_str(value).ok()?))
    }

    pub(super) fn of_shard(shard: &ShardRow) -> Self {
        Self { key: SHARD_KEY.to_owned(), value: to_json(shard) }
    }

    pub(super) fn of_totals<'a>(
        worker: &str,
        values: impl Iterator<Item = &'a SeriesValue>,
    ) -> Self {
        let values: Vec<_> = values.collect();
        Self { key: format!("{TOTALS_PREFIX}{worker}"), value: to_json(&values) }
    }

    pub(super) fn of_source(source: &str, row: &SourceRow) -> Self {
        Self { key: source_key(source), value: to_json(row) }
    }
}

pub(super) fn source_key(source: &str) -> String {
    format!("{SOURCE_PREFIX}{source}")
}

/// Numbers and strings always serialize.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl ShardRow {
    pub(super) fn record_last_flush(&mut self, worker: &str, at: UnixMillis) {
        if !WORKER.values.contains(&worker) {
            return;
        }
        match self.last_flush.iter_mut().find(|it| it.worker == worker) {
            Some(last) => last.at = last.at.max(at),
            None => self.last_flush.push(LastFlush { worker: worker.to_owned(), at }),
        }
    }

    pub(super) fn know_shards(&mut self, shards: u32) {
        self.shards = self.shards.max(shards.min(SHARDS_MAX));
    }

    pub(super) fn record_result(&mut self, result: FlushResult) {
        let one = SeriesValue {
            metric: table::METER_FLUSHES.name.to_owned(),
            labels: vec![result.as_str().to_owned()],
            value: 1,
            buckets: Vec::new(),
        };
        match self.flushes.iter_mut().find(|it| it.labels == one.labels) {
            Some(known) => known.add(&one),
            None => self.flushes.push(one),
        }
    }
}
