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
    /// What the Workers have counted; `None` if `Meter` did not answer.
    #[serde(default)]
    pub activity: Option<Activity>,
}

/// The last day in slots of a quarter of an hour, or the last hour in minutes if there is nothing
/// older. Counts are at most the true ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Activity {
    /// Where the first slot begins.
    pub since: UnixMillis,
    /// The length of a slot, in milliseconds.
    pub slot_ms: i64,
    /// The slots, the oldest first. The last one is not at its end yet.
    pub slots: Vec<ActivitySlot>,
}

/// What was counted in a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ActivitySlot {
    /// Messages in committed D1 batches.
    pub messages: i64,
    /// Of these, parked.
    pub parked: i64,
    /// Requests that the door refused.
    pub refusals: i64,
    /// Questions that a guard answered with yes.
    pub allowed: i64,
    /// Questions that it answered with no.
    pub denied: i64,
    /// Questions that it could not answer.
    pub unavailable: i64,
    /// Half of the events took at most so many milliseconds from the door to the commit; `None` if
    /// there was none.
    pub door_to_applied_p50: Option<i64>,
    /// The same for 95 of 100.
    pub door_to_applied_p95: Option<i64>,
    /// Half of the events took at most so many milliseconds from Clerk's time to the commit.
    pub clerk_to_applied_p50: Option<i64>,
    /// The same for 95 of 100.
    pub clerk_to_applied_p95: Option<i64>,
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

serde_struct_from_object!(Overview, Activity, ActivitySlot, FlowHour);

impl Activity {
    /// The slots, the oldest first, and where each begins.
    #[must_use]
    pub fn beginnings(&self) -> impl DoubleEndedIterator<Item = (UnixMillis, &ActivitySlot)> {
        let slots = self.slots.iter().enumerate();
        slots.map(|(place, slot)| {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            (self.since.plus(self.slot_ms.saturating_mul(place)), slot)
        })
    }
}
