//! What an isolate sends to `Meter`, and what `Meter` answers. JSON over `fetch`.

use serde::{Deserialize, Serialize};

pub use super::series::SeriesValue;

use crate::json::{serde_struct_from_object, serde_unit_enum};
use crate::time::UnixMillis;

/// The binding of the namespace, in every Worker that counts. Without it nothing is counted.
pub const METER_BINDING: &str = "METER";

/// `POST` a [`Flush`]; the response is a [`FlushReply`].
pub const FLUSH_URL: &str = "https://meter/flush";

/// `GET`: all that the shard knows, a [`ShardTotals`].
pub const TOTALS_URL: &str = "https://meter/totals";

/// `GET` with a `history::HistoryQuery` after `?`: what the shard keeps of the past, a
/// `history::ShardHistory`.
pub const HISTORY_URL: &str = "https://meter/history";

/// `POST` a [`KnownShards`]: tells shard 0 how many there are. The response is a [`KnownShards`].
pub const SHARDS_URL: &str = "https://meter/shards";

/// The name of the object that is shard number `shard`.
#[must_use]
pub fn shard_name(shard: u32) -> String {
    format!("meter-{shard}")
}

/// What an isolate has counted since its last flush. The pair of source and sequence is counted
/// once, however often it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Flush {
    /// A random name of the isolate.
    pub source: String,
    /// 1 for the isolate's first flush, then one more each time.
    pub sequence: u64,
    /// The Worker's name, as in `wrangler.toml`: `ingest`.
    pub worker: String,
    /// When it was made.
    pub at: UnixMillis,
    /// The number of shards that its sender knows of.
    pub shards: u32,
    /// The series.
    pub values: Vec<SeriesValue>,
}

/// What `Meter` did with a flush. After either answer its sender may forget it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum FlushResult {
    /// Its values are in the totals, on disk.
    Counted,
    /// They were already.
    Repeated,
    /// It is malformed or too old to tell whether it was counted. Its values are lost.
    Refused,
}

impl FlushResult {
    /// The value of the label `result`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
        }
    }
}

/// The response to a [`Flush`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct FlushReply {
    /// What became of it.
    pub result: FlushResult,
}

/// All that a shard of `Meter` knows now, all of it on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ShardTotals {
    /// The series.
    pub values: Vec<SeriesValue>,
    /// The last flush of each Worker.
    pub last_flush: Vec<LastFlush>,
    /// Flushes by [`FlushResult::as_str`].
    pub flushes: Vec<SeriesValue>,
    /// Values that this build does not know.
    pub dropped: u64,
    /// Isolates that are remembered.
    pub sources: u64,
    /// The greatest number of shards that any sender knew of: that many are to be summed.
    pub shards: u32,
}

/// How many shards there are, as far as the sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct KnownShards {
    /// The number.
    pub shards: u32,
}

/// The last flush of a Worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LastFlush {
    /// Its name.
    pub worker: String,
    /// When `Meter` took it.
    pub at: UnixMillis,
}

impl ShardTotals {
    /// Adds what another shard knows.
    pub fn merge(&mut self, other: &Self) {
        SeriesValue::merge(&mut self.values, &other.values);
        SeriesValue::merge(&mut self.flushes, &other.flushes);
        for last in &other.last_flush {
            match self.last_flush.iter_mut().find(|it| it.worker == last.worker) {
                Some(known) => known.at = known.at.max(last.at),
                None => self.last_flush.push(last.clone()),
            }
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.sources = self.sources.saturating_add(other.sources);
        self.shards = self.shards.max(other.shards);
    }
}

serde_struct_from_object!(Flush, FlushReply, ShardTotals, KnownShards, LastFlush);
serde_unit_enum!(FlushResult);
