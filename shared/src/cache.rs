//! The role cache's machine: what one user's object decides, without its I/O.
//!
//! The object serves a set only when its version is at or above the **floor**, and the floor is
//! persisted before it is answered for: an evicted object does not go back. A **hint** raises the
//! floor and carries no roles. A **fill** registers the watch and reads the roles in one D1 batch,
//! so whatever changes after the read is hinted. `verified_at` is the instant before the fill was
//! sent; only a fill moves it. The **owner** names an incarnation of the object; what an earlier
//! one left under way is refused by it.

mod age_limits;
mod tracked_state;
mod backoff;
mod decision;
pub mod isolate;

use serde::{Deserialize, Serialize};

pub use age_limits::{AgeLimits, IDLE_MS_DEFAULT};
pub use backoff::FillBackoff;
pub use decision::{
    AlarmAction, CacheDecision, FillOutcome, FillRequest, FillResult, RefusalReason,
};
pub use tracked_state::TrackedState;

use crate::json::serde_struct_from_object;
use crate::limits::{HINT_AHEAD_MS_MAX, VERSION_AHEAD_MS_MAX};
use crate::role_cache::{Hint, HintReply, RoleAnswer, RoleQuery, RoleSource};
use crate::roles::{self, RoleSet};
use crate::time::UnixMillis;

/// A set verified less than this ago counts as fresh: at most one refill a second on demand.
const FRESH_MS: i64 = 1_000;

/// Everything that an object knows of its user. All of it is persisted: see [`TrackedState`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CacheState {
    /// Whose roles: the name of the object. Empty until the first question.
    pub user_id: String,
    /// This incarnation; 0 before the first fill. Rises, never falls.
    pub owner: i64,
    /// No version below this is served.
    pub floor: i64,
    /// The set that was read last.
    pub entry: Option<CachedRoleSet>,
    /// The last question, to a thirtieth of the idle time: not every question is a write.
    pub used_at: UnixMillis,
    /// The incarnation whose watch is being ended.
    pub ending: Option<i64>,
}

/// A set, and the instant before the question that brought it was sent to D1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CachedRoleSet {
    /// The roles.
    #[serde(serialize_with = "roles::serialize_compact")]
    pub set: RoleSet,
    /// No change committed before this instant is missing in them.
    pub verified_at: UnixMillis,
}

serde_struct_from_object!(CacheState, CachedRoleSet);

impl CacheState {
    /// Answers a question, or says that a fill must come first. `pace` notes what it leads to.
    #[must_use]
    pub fn decide(
        &self,
        ask: &RoleQuery,
        now: UnixMillis,
        ages: &AgeLimits,
        pace: &mut FillBackoff,
    ) -> CacheDecision {
        let held = self.current_answer(RoleSource::Object, now, ages);
        let reaches = held.as_ref().is_some_and(|held| ask.min_version <= held.set.version);
        if !reaches && now.plus(VERSION_AHEAD_MS_MAX).0 < ask.min_version {
            // No fill can meet it: D1 names versions by the clock.
            return CacheDecision::Refuse(RefusalReason::Ahead);
        }
        let Some(answer) = held else { return pace.decide_fill(ask, now) };
        if !reaches {
            return pace.decide_for_version(ask, now);
        }
        if ask.fresh && FRESH_MS <= answer.age_ms {
            return pace.decide_fill(ask, now);
        }
        // While fills fail the set is served as long as it may be.
        if ages.soft_ms < answer.age_ms && pace.remaining_ms(now).is_none() {
            CacheDecision::ServeAndRefill(answer)
        } else {
            CacheDecision::Serve(answer)
        }
    }

    /// Answers a question of the instant `asked_at` after a fill. `None`: the roles cannot be
    /// known now, or not at the version asked for, or a fresh set was asked for and the fill was
    /// under way long before.
    #[must_use]
    pub fn answer_after_fill(
        &self,
        ask: &RoleQuery,
        asked_at: UnixMillis,
        now: UnixMillis,
        ages: &AgeLimits,
    ) -> Option<RoleAnswer> {
        let answer = self.current_answer(RoleSource::Fill, now, ages)?;
        let read_before = asked_at.since(now.plus(-answer.age_ms));
        let meets = !ask.fresh || read_before < FRESH_MS;
        (meets && ask.min_version <= answer.set.version).then_some(answer)
    }

    /// Notes a question. Whether the state changed and must be persisted: not where no incarnation
    /// has begun, since the first fill notes it and is persisted anyway.
    pub fn record_use(&mut self, now: UnixMillis, ages: &AgeLimits) -> bool {
        let stale = self.owner != 0 && ages.idle_ms / 30 < now.since(self.used_at);
        if stale {
            self.used_at = now;
        }
        stale
    }

    /// Begins a fill. The first one begins the incarnation: when `true` comes with it, the state
    /// must be persisted and the alarm armed before the fill is sent.
    pub fn begin_fill(&mut self, registers: bool, now: UnixMillis) -> (FillRequest, bool) {
        let begins = self.owner == 0;
        if begins {
            self.owner = now.0;
            self.used_at = now;
        }
        let registers = registers || self.entry.is_none();
        (FillRequest { owner: self.owner, floor: self.floor, registers, sent_at: now }, begins)
    }

    /// Takes back the beginning of an incarnation that could not be persisted.
    pub fn cancel_incarnation(&mut self) {
        self.owner = 0;
    }

    /// Takes in what D1 answered to `fill`. On [`FillOutcome::Applied`] and [`FillOutcome::Again`]
    /// the state must be persisted before it is relied on.
    pub fn apply_fill(&mut self, fill: &FillRequest, row: Option<FillResult>) -> FillOutcome {
        if fill.owner != self.owner {
            return FillOutcome::Dropped;
        }
        let Some(FillResult { owner, set }) = row else {
            return FillOutcome::Again;
        };
        if self.owner < owner {
            // A greater owner stands: this object's storage was lost and its clock went back.
            self.owner = owner + 1;
            self.entry = None;
            return FillOutcome::Again;
        }
        if owner < self.owner || set.version < self.floor {
            return FillOutcome::Again;
        }
        self.floor = set.version;
        // Whatever stood there: it may have been dated by a clock that was ahead.
        self.entry = Some(CachedRoleSet { set, verified_at: fill.sent_at });
        FillOutcome::Applied
    }

    /// Takes a hint. On [`HintReply::Acked`] the state must be on disk before the answer goes out,
    /// also where this hint changes nothing of it: an earlier write may have failed. A refill is
    /// owed when [`CacheState::is_below_floor`].
    pub fn hint(&mut self, hint: &Hint, now: UnixMillis) -> HintReply {
        if hint.owner != self.owner || self.owner == 0 {
            return HintReply::Gone;
        }
        if now.plus(HINT_AHEAD_MS_MAX).0 < hint.version {
            return HintReply::Refused;
        }
        self.floor = self.floor.max(hint.version);
        HintReply::Acked
    }

    /// Whether the set in hand may not be served any more.
    #[must_use]
    pub fn is_below_floor(&self) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.set.version < self.floor)
    }

    /// What to do when the alarm rings. [`AlarmAction::End`] has begun a new incarnation without
    /// roles, to be persisted before D1 is told.
    pub fn alarm(&mut self, now: UnixMillis, ages: &AgeLimits) -> AlarmAction {
        if let Some(owner) = self.ending {
            return AlarmAction::End(owner);
        }
        let due = self.used_at.plus(ages.idle_ms);
        if now < due {
            return AlarmAction::Rearm(due);
        }
        let owner = self.owner;
        self.owner = now.0.max(owner + 1);
        self.entry = None;
        self.ending = Some(owner);
        AlarmAction::End(owner)
    }

    /// Notes that D1 has ended the watch of `owner`. Whether the storage may be cleared: nobody has
    /// asked since, and this incarnation's millisecond is over. Whoever begins from nothing is
    /// named by the clock; named like this one, it would lose its watch to a late word that this
    /// one is gone.
    pub fn watch_ended(&mut self, owner: i64, now: UnixMillis) -> bool {
        if self.ending == Some(owner) {
            self.ending = None;
        }
        self.entry.is_none() && self.owner < now.0
    }

    fn current_answer(
        &self,
        source: RoleSource,
        now: UnixMillis,
        ages: &AgeLimits,
    ) -> Option<RoleAnswer> {
        let entry = self.entry.as_ref().filter(|_| !self.is_below_floor())?;
        let age_ms = now.since(entry.verified_at);
        // A set from the future was verified by another clock; how old it is cannot be said.
        if ages.hard_ms < age_ms || age_ms < -FRESH_MS {
            return None;
        }
        let age_ms = age_ms.max(0);
        let good_for_ms = ages.hard_ms - age_ms;
        Some(RoleAnswer { set: entry.set.clone(), source, age_ms, good_for_ms })
    }
}

#[cfg(test)]
mod tests;
