//! The canary: a user whose app role the sweep changes through Clerk's API each minute, and how
//! long each stage took until a guard saw the change. Decides what the consumer does; no I/O.
//!
//! A run is a row of `canary_runs`. It is open until a guard has seen it, or it is late. Only the
//! newest run is ever open, and a late one stays as it is: a delivery that comes after
//! [`LATE_MS`] changes no row, so it can never finish a newer run.

pub mod clerk;
pub mod figures;
mod sighting;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use sighting::Sighting;

use crate::json::{deserialize_from_object, serialize_remote};
use crate::limits::{CLERK_TIMEOUT_MS, SWEEP_INTERVAL_MS};
use crate::time::UnixMillis;

/// The app roles of the canary user. A run gives it the one that a guard does not see yet.
pub const CANARY_ROLES: [&str; 2] = ["rolecall-canary-a", "rolecall-canary-b"];

/// A run that was not seen for so long is late, and the next one may begin.
pub const LATE_MS: i64 = 300_000;

/// A run is kept for a day.
pub const KEPT_MS: i64 = 86_400_000;

/// How much Clerk's clock may be behind ours. Less than a run, so that a delivery of the run before
/// cannot pass for one of this run.
const SKEW_MS: i64 = 20_000;

/// Pauses before the role cache is asked again, after the hints were sent. Then the sweep asks.
pub const LOOK_PAUSES_MS: [u64; 6] = [50, 100, 200, 400, 800, 1_600];

const _: () = assert!(SKEW_MS < SWEEP_INTERVAL_MS - CLERK_TIMEOUT_MS.cast_signed());
const _: () = assert!(SWEEP_INTERVAL_MS < LATE_MS && LATE_MS < KEPT_MS);

/// A stage, in the order in which a change passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Clerk's API makes the change.
    Clerk,
    /// Clerk's sender delivers it to the door.
    Sender,
    /// The door puts it into the queue.
    Door,
    /// The queue gives it to the consumer.
    Queue,
    /// D1 commits it.
    D1,
    /// The hint reaches the role cache, and a guard sees the change.
    Hint,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Clerk, Self::Sender, Self::Door, Self::Queue, Self::D1, Self::Hint];

    /// The value of the label `stage`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Sender => "sender",
            Self::Door => "door",
            Self::Queue => "queue",
            Self::D1 => "d1",
            Self::Hint => "hint",
        }
    }
}

/// A row of `canary_runs`. A time that is missing is one that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CanaryRun {
    /// When it began: its key.
    pub began_at: UnixMillis,
    /// The app role that it gives.
    pub role: String,
    /// When Clerk was asked.
    pub asked_at: Option<UnixMillis>,
    /// What Clerk answered: the delivery of the change has it, or a later one.
    pub updated_at: Option<UnixMillis>,
    /// Clerk answered.
    pub changed_at: Option<UnixMillis>,
    /// The delivery arrived at the door.
    pub arrived_at: Option<UnixMillis>,
    /// The queue took it.
    pub queued_at: Option<UnixMillis>,
    /// The consumer took it.
    pub taken_at: Option<UnixMillis>,
    /// D1 committed it.
    pub committed_at: Option<UnixMillis>,
    /// The role cache showed it.
    pub seen_at: Option<UnixMillis>,
    /// Why Clerk did not answer as it should.
    pub problem: Option<String>,
}

serialize_remote!(CanaryRun);
deserialize_from_object!(CanaryRun);

/// What is to be known of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A guard has seen the change.
    Seen,
    /// It waits for this stage.
    Open(Stage),
    /// Clerk did not make the change, as far as is known.
    Failed,
    /// It was not seen in time, and this stage is missing.
    Late(Stage),
}

/// What a sweep does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryStep {
    /// Begins a run at this time.
    Begin(UnixMillis),
    /// Looks whether the role cache shows this run.
    Look(CanaryRun),
    /// Waits for the open run.
    Wait,
}

impl CanaryRun {
    /// A run that begins.
    #[must_use]
    pub fn begin(began_at: UnixMillis, role: &str) -> Self {
        Self {
            began_at,
            role: role.to_owned(),
            asked_at: None,
            updated_at: None,
            changed_at: None,
            arrived_at: None,
            queued_at: None,
            taken_at: None,
            committed_at: None,
            seen_at: None,
            problem: None,
        }
    }

    /// The ends of the stages, in their order.
    fn ends(&self) -> [Option<UnixMillis>; 6] {
        [
            self.changed_at,
            self.arrived_at,
            self.queued_at,
            self.taken_at,
            self.committed_at,
            self.seen_at,
        ]
    }

    /// What it is, at `now`.
    #[must_use]
    pub fn state(&self, now: UnixMillis) -> RunState {
        if self.seen_at.is_some() {
            return RunState::Seen;
        }
        let stage = self.waits_for();
        if self.problem.is_some() && stage == Stage::Clerk {
            return RunState::Failed;
        }
        let is_late = LATE_MS <= now.since(self.began_at);
        if is_late { RunState::Late(stage) } else { RunState::Open(stage) }
    }

    /// The stage after the last one whose end is known. Clerk's answer may come after its delivery,
    /// or never.
    #[must_use]
    pub fn waits_for(&self) -> Stage {
        let known = self.ends().iter().rposition(Option::is_some);
        let next = known.map_or(0, |last| last.saturating_add(1));
        Stage::ALL.get(next).copied().unwrap_or(Stage::Hint)
    }

    /// The run after a sighting; `None` if it is not of this run, or tells nothing new. The first
    /// attempt tells when the delivery came, and the last one when it was committed.
    #[must_use]
    pub fn after(&self, sighting: &Sighting, now: UnixMillis) -> Option<Self> {
        let is_open = match self.state(now) {
            RunState::Open(stage) => stage <= Stage::D1,
            RunState::Failed => now.since(self.began_at) < LATE_MS,
            RunState::Seen | RunState::Late(_) => false,
        };
        let earliest = self.updated_at.unwrap_or(self.began_at.plus(-SKEW_MS));
        if !is_open || sighting.updated_at < earliest || !sighting.roles.contains(&self.role) {
            return None;
        }
        let mut after = self.clone();
        after.arrived_at.get_or_insert(sighting.arrived_at);
        after.queued_at.get_or_insert(sighting.queued_at);
        after.taken_at.get_or_insert(sighting.taken_at);
        after.committed_at = sighting.committed_at;
        Some(after).filter(|after| after != self)
    }

    /// The run after a guard's query at `now`; `None` if the roles do not show it, or it is not the
    /// hint that it waits for.
    #[must_use]
    pub fn seen(&self, roles: &[String], now: UnixMillis) -> Option<Self> {
        let waits = self.state(now) == RunState::Open(Stage::Hint);
        let is_seen = waits && roles.contains(&self.role);
        is_seen.then(|| Self { seen_at: Some(now), ..self.clone() })
    }
}

/// What a sweep does after the newest run.
#[must_use]
pub fn next_step(newest: Option<&CanaryRun>, now: UnixMillis) -> CanaryStep {
    let Some(run) = newest else { return CanaryStep::Begin(now) };
    match run.state(now) {
        RunState::Open(Stage::Hint) => CanaryStep::Look(run.clone()),
        RunState::Open(_) => CanaryStep::Wait,
        // A clock that went back must not repeat a key.
        RunState::Seen | RunState::Failed | RunState::Late(_) => {
            CanaryStep::Begin(now.max(run.began_at.plus(1)))
        }
    }
}

/// The role of a new run: one that a guard does not see now, so that the change is one of the role
/// set. Without an answer of the role cache, the one that the newest run did not give.
#[must_use]
pub fn next_role(shown: Option<&[String]>, newest: Option<&CanaryRun>) -> &'static str {
    let [first, second] = CANARY_ROLES;
    let has = |role: &str| match (shown, newest) {
        (Some(shown), _) => shown.iter().any(|it| it == role),
        (None, Some(newest)) => newest.role == role,
        (None, None) => false,
    };
    if has(first) { second } else { first }
}
