//! What an operator may tell a replay, and when. A command that was given before is harmless.

use serde_json::{Value, json};

use super::progress::StoredReplay;
use super::request::refusal;
use crate::operators::api::ApiError;
use crate::operators::api::replays::ReplayState::{
    Canary, Canceled, Checking, Done, Paused, Planned, Planning, Refused, Running, Stopped,
};
use crate::time::UnixMillis;

/// What the audit trail says of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// `replays.applied` for example.
    pub action: &'static str,
    /// Why, and counts.
    pub detail: Value,
}

/// A replay after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The replay.
    pub after: StoredReplay,
    /// For the audit trail.
    pub act: Act,
}

impl Change {
    fn new(mut after: StoredReplay, action: &'static str, now: UnixMillis) -> Self {
        after.updated_at = now;
        let (reason, hash) = (&after.reason, &after.plan_hash);
        let detail = json!({ "reason": reason, "letters": after.progress.total, "hash": hash });
        Self { after, act: Act { action, detail } }
    }
}

/// Applies the plan with this hash. `None`: that was done already.
///
/// # Errors
/// If this is not the hash of the plan, or the replay is not at its plan.
pub fn apply(
    replay: &StoredReplay,
    hash: &str,
    now: UnixMillis,
) -> Result<Option<Change>, ApiError> {
    let same = !replay.plan_hash.is_empty() && replay.plan_hash == hash;
    match replay.state {
        Planned if same => {
            let mut after = replay.clone();
            after.begin_check();
            Ok(Some(Change::new(after, "replays.applied", now)))
        }
        Checking | Canary | Running | Paused | Done if same => Ok(None),
        Planning | Paused if replay.plan_hash.is_empty() => {
            let next = "continue it until its state is `planned`, then read the plan";
            Err(refusal("not-planned", "the plan is not complete yet", next))
        }
        Planned | Refused => {
            let message = "the plan is not the one with this hash, or would differ now";
            Err(refusal("plan-changed", message, "read the plan again, or make a new one"))
        }
        Planning | Checking | Canary | Running | Paused => {
            let message = "it is already running, by a plan with another hash";
            Err(refusal("already-running", message, "read the replay to see its plan"))
        }
        Done | Stopped | Canceled => Err(ended(replay)),
    }
}

/// Pauses the replay. `None`: it is paused.
///
/// # Errors
/// If it is not going on.
pub fn pause(replay: &StoredReplay, now: UnixMillis) -> Result<Option<Change>, ApiError> {
    match replay.state {
        Paused => Ok(None),
        Planning | Checking | Canary | Running => {
            let mut after = replay.clone();
            after.progress.paused_from = Some(replay.state);
            after.state = Paused;
            Ok(Some(Change::new(after, "replays.paused", now)))
        }
        Planned => {
            let message = "it is a plan: nothing is going on that could be paused";
            Err(refusal("not-running", message, "apply or cancel it"))
        }
        Done | Refused | Stopped | Canceled => Err(ended(replay)),
    }
}

/// Lets a paused replay go on. `None`: it goes on already.
///
/// # Errors
/// If it is at its end, or waits for `apply`.
pub fn resume(replay: &StoredReplay, now: UnixMillis) -> Result<Option<Change>, ApiError> {
    match replay.state {
        Paused => {
            let mut after = replay.clone();
            let before = after.progress.paused_from.take();
            after.state = before.unwrap_or(Planning);
            after.is_open = true;
            // The time of the pause allows nothing.
            (after.progress.started_at, after.progress.sent) = (now, 0);
            Ok(Some(Change::new(after, "replays.resumed", now)))
        }
        Planning | Checking | Canary | Running => Ok(None),
        Planned => {
            let message = "it is a plan, not a paused replay";
            Err(refusal("not-paused", message, "apply it with its hash"))
        }
        Done | Refused | Stopped | Canceled => Err(ended(replay)),
    }
}

/// Cancels the replay: letters that were not sent stay parked. `None`: it is canceled.
///
/// # Errors
/// If it ended in another way.
pub fn cancel(replay: &StoredReplay, now: UnixMillis) -> Result<Option<Change>, ApiError> {
    match replay.state {
        Canceled => Ok(None),
        Done | Refused | Stopped => Err(ended(replay)),
        Planning | Planned | Checking | Canary | Running | Paused => {
            let mut after = replay.clone();
            (after.state, after.is_open) = (Canceled, true);
            Ok(Some(Change::new(after, "replays.canceled", now)))
        }
    }
}

fn ended(replay: &StoredReplay) -> ApiError {
    let message = format!("it is at its end: {}", replay.state.as_str());
    refusal("replay-ended", &message, "make a new plan for the letters that are still parked")
}
