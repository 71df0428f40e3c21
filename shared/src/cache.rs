//! State machine of one user's role cache. No I/O.
//!
//! A role set is served only if its version is at or above the **floor**. The floor is persisted
//! before a hint is acknowledged, so it survives eviction. A **hint** raises the floor and contains
//! no roles. A **fill** registers the watch and reads the roles in one D1 batch, so every later
//! change causes a hint. `verified_at` is the time just before the fill was sent; only a fill
//! changes it. The **owner** is the number of an incarnation of the object; results of fills that
//! an earlier owner started are discarded.

mod age_limits;
mod tracked_state;
mod backoff;
mod decision;
mod peek;
pub mod isolate;

use serde::{Deserialize, Serialize};

pub use age_limits::{AgeLimits, IDLE_MS_DEFAULT};
pub use backoff::FillBackoff;
pub use decision::{
    AfterFill, AlarmAction, CacheDecision, FillOutcome, FillRequest, FillResult, RefusalReason,
};
pub use tracked_state::TrackedState;

use crate::json::serde_struct_from_object;
use crate::limits::{HINT_AHEAD_MS_MAX, VERSION_AHEAD_MS_MAX};
use crate::role_cache::{Hint, HintReply, RoleAnswer, RoleQuery, RoleSource};
use crate::roles::{self, RoleSet};
use crate::time::UnixMillis;

/// A role set verified less than this ago is fresh, so `fresh` refills at most once per second.
const FRESH_SET_MS: i64 = 1_000;

/// The state of one role cache object. All of it is persisted: see [`TrackedState`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CacheState {
    /// The user's id, which is the name of the object. Empty until the first query.
    pub user_id: String,
    /// The current owner; 0 before the first fill. It only increases.
    pub owner: i64,
    /// Role sets below this version are not served.
    pub floor: i64,
    /// The role set of the last fill.
    pub entry: Option<CachedRoleSet>,
    /// Time of last use, updated at most once per 1/30 of the idle time to save writes.
    pub used_at: UnixMillis,
    /// The owner whose watch is being deleted.
    pub ending: Option<i64>,
}

/// A role set, and when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CachedRoleSet {
    /// The role set.
    #[serde(serialize_with = "roles::serialize_compact")]
    pub set: RoleSet,
    /// Time just before the fill was sent. The set includes every change committed before it.
    pub verified_at: UnixMillis,
}

serde_struct_from_object!(CacheState, CachedRoleSet);

impl CacheState {
    /// Decides whether a query is answered now, after a fill, or not at all. Updates the back-off.
    #[must_use]
    pub fn decide(
        &self,
        query: &RoleQuery,
        now: UnixMillis,
        ages: &AgeLimits,
        backoff: &mut FillBackoff,
    ) -> CacheDecision {
        let cached = self.current_answer(RoleSource::Object, now, ages);
        let reaches = cached.as_ref().is_some_and(|it| query.min_version <= it.set.version);
        if !reaches && now.plus(VERSION_AHEAD_MS_MAX).0 < query.min_version {
            // Versions are D1 clock times, so no fill can reach it.
            return CacheDecision::Refuse(RefusalReason::VersionTooFarAhead);
        }
        let Some(answer) = cached else { return backoff.decide_fill(query, now) };
        if !reaches {
            return backoff.decide_for_version(query, now);
        }
        if query.fresh && FRESH_SET_MS <= answer.age_ms {
            return backoff.decide_fill(query, now);
        }
        // During back-off an old set is served up to the hard age.
        if ages.soft_ms < answer.age_ms && backoff.remaining_ms(now).is_none() {
            CacheDecision::ServeAndRefill(answer)
        } else {
            CacheDecision::Serve(answer)
        }
    }

    /// Answers a query received at `queried_at`, after a fill. `None` if there is no usable role
    /// set, if it is below the requested version, or if a fresh set is requested and this one was
    /// read long before the query.
    #[must_use]
    pub fn answer_after_fill(
        &self,
        query: &RoleQuery,
        queried_at: UnixMillis,
        now: UnixMillis,
        ages: &AgeLimits,
    ) -> Option<RoleAnswer> {
        let answer = self.current_answer(RoleSource::Fill, now, ages)?;
        let read_before = queried_at.since(now.plus(-answer.age_ms));
        let meets = !query.fresh || read_before < FRESH_SET_MS;
        (meets && query.min_version <= answer.set.version).then_some(answer)
    }

    /// Records a use. Returns true if the state changed and must be saved. Never before the first
    /// fill, which records the use and is saved anyway.
    pub fn record_use(&mut self, now: UnixMillis, ages: &AgeLimits) -> bool {
        let stale = self.owner != 0 && ages.idle_ms / 30 < now.since(self.used_at);
        if stale {
            self.used_at = now;
        }
        stale
    }

    /// Begins a fill. The first one sets the owner: if `true` is returned, the state must be saved
    /// and the alarm set to [`CacheState::first_alarm`] before the fill is sent.
    pub fn begin_fill(&mut self, registers: bool, now: UnixMillis) -> (FillRequest, bool) {
        let begins = self.owner == 0;
        if begins {
            self.owner = now.0;
            self.used_at = now;
        }
        let registers = registers || self.entry.is_none();
        (FillRequest { owner: self.owner, floor: self.floor, registers, sent_at: now }, begins)
    }

    /// Undoes [`CacheState::begin_fill`] if the new owner could not be saved.
    pub fn cancel_incarnation(&mut self) {
        self.owner = 0;
    }

    /// The time of the first alarm, after [`CacheState::begin_fill`] has set the owner.
    #[must_use]
    pub fn first_alarm(&self, ages: &AgeLimits) -> UnixMillis {
        self.used_at.plus(ages.idle_ms)
    }

    /// Applies the result of a fill. On [`FillOutcome::Applied`] and
    /// [`FillOutcome::RegisterAgain`] the state must be saved before it is used.
    pub fn apply_fill(&mut self, fill: &FillRequest, result: Option<FillResult>) -> FillOutcome {
        if fill.owner != self.owner {
            return FillOutcome::Discarded;
        }
        let Some(FillResult { owner, set }) = result else {
            return FillOutcome::RegisterAgain;
        };
        if self.owner < owner {
            // D1 has a greater owner: this object lost its storage and its clock went back.
            self.owner = owner + 1;
            self.entry = None;
            return FillOutcome::RegisterAgain;
        }
        if owner < self.owner || set.version < self.floor {
            return FillOutcome::RegisterAgain;
        }
        self.floor = set.version;
        // Replace unconditionally: the old time may come from a clock that was ahead.
        self.entry = Some(CachedRoleSet { set, verified_at: fill.sent_at });
        FillOutcome::Applied
    }

    /// Applies a hint. On [`HintReply::Acked`] the state must be saved before the reply is sent,
    /// even if this hint changes nothing: an earlier save may have failed. Refill if
    /// [`CacheState::is_below_floor`].
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

    /// Returns whether the cached role set is missing or below the floor.
    #[must_use]
    pub fn is_below_floor(&self) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.set.version < self.floor)
    }

    /// Handles the alarm. On [`AlarmAction::EndWatch`] the state has a new owner and no role set:
    /// it must be saved before the watch is deleted in D1.
    pub fn alarm(&mut self, now: UnixMillis, ages: &AgeLimits) -> AlarmAction {
        if let Some(owner) = self.ending {
            return AlarmAction::EndWatch(owner);
        }
        let due = self.used_at.plus(ages.idle_ms);
        if now < due {
            return AlarmAction::Rearm(due);
        }
        let owner = self.owner;
        self.owner = now.0.max(owner + 1);
        self.entry = None;
        self.ending = Some(owner);
        AlarmAction::EndWatch(owner)
    }

    /// Records that the watch of `owner` is deleted in D1. Returns whether the storage may be
    /// cleared: only if there was no query since and the clock has passed this owner's
    /// millisecond. Otherwise a new object could get the same owner number, and lose its watch to
    /// a late deletion.
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
        // The age is negative: the clock has changed, so the real age is unknown.
        if ages.hard_ms < age_ms || age_ms < -FRESH_SET_MS {
            return None;
        }
        let age_ms = age_ms.max(0);
        let good_for_ms = ages.hard_ms - age_ms;
        Some(RoleAnswer { set: entry.set.clone(), source, age_ms, good_for_ms })
    }
}

#[cfg(test)]
mod tests;
