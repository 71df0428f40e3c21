//! The overview: whether all is well, in one look.

use serde::{Deserialize, Serialize};

use crate::json::serde_struct_from_object;
use crate::time::UnixMillis;

/// `GET /overview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Overview {
    /// The time of the answer.
    pub now: UnixMillis,
    /// The last 24 hours with a commit, the oldest first.
    pub flow: Vec<FlowHour>,
    /// The last D1 batch that the consumer committed.
    pub last_batch_at: Option<UnixMillis>,
    /// The end of the last sweep.
    pub last_sweep_at: Option<UnixMillis>,
    /// Role caches with a pending hint, at most 1000 are counted.
    pub pending_hints: i64,
    /// The version, which is a time, of the oldest pending hint.
    pub oldest_pending_hint: Option<UnixMillis>,
    /// Parked letters.
    pub parked: i64,
    /// Letters whose message is on its way.
    pub replaying: i64,
    /// The oldest parked letter's `first_seen_at`.
    pub oldest_parked_at: Option<UnixMillis>,
    /// Replays that are not at their end.
    pub open_replays: i64,
    /// The newest file of `migrations` that the database has.
    pub schema: String,
}

/// One hour of the consumer's commits. A batch that was committed twice counts twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct FlowHour {
    /// Its beginning.
    pub at: UnixMillis,
    /// D1 batches.
    pub batches: i64,
    /// Messages in them.
    pub messages: i64,
    /// Of these, of types that are not synced.
    pub ignored: i64,
    /// Of these, parked.
    pub parked: i64,
    /// The longest time from arrival to commit, in milliseconds.
    pub lag_ms_max: i64,
    /// The mean of the batches' longest times, in milliseconds.
    pub lag_ms_mean: i64,
}

serde_struct_from_object!(Overview, FlowHour);
