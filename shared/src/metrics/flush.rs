//! What an isolate sends to `Meter`, and what `Meter` answers. JSON over `fetch`.

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::json::{serde_struct_from_object, serde_unit_enum};
use crate::metrics::table;
use crate::time::UnixMillis;

/// The binding of the namespace, in every Worker that counts. Without it nothing is counted.
pub const METER_BINDING: &str = "METER";

/// `POST` a [`Flush`]; the response is a [`FlushReply`].
pub const FLUSH_URL: &str = "https://meter/flush";

/// `GET`: all that the shard knows, a [`ShardTotals`].
pub const TOTALS_URL: &str = "https://meter/totals";

/// `GET` with `?since=MS&points=N`: what the shard keeps of the past, a `history::ShardHistory`.
pub const HISTORY_URL: &str = "https://meter/history";

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

/// The last flush of a Worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LastFlush {
    /// Its name.
    pub worker: String,
    /// When `Meter` took it.
    pub at: UnixMillis,
}

serde_struct_from_object!(Flush, SeriesValue, FlushReply, ShardTotals, LastFlush);
serde_unit_enum!(FlushResult);

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
