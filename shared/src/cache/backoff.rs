//! How one instance of the object spaces its reads of D1. None of it is persisted: an instance that
//! begins anew may read at once.

use super::decision::{CacheDecision, RefusalReason};
use crate::limits::FILL_WAIT_MS_MAX;
use crate::role_cache::RoleQuery;
use crate::time::UnixMillis;

/// Milliseconds at most until the next fill after one that failed; each further one that fails in a
/// row doubles it, up to [`FILL_WAIT_MS_MAX`].
const WAIT_MS_FIRST: i64 = 100;

/// A version that the set does not reach is a reason to read once in so long.
const DEMAND_MS: i64 = 1_000;

/// What an instance remembers of its reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FillBackoff {
    /// Failures in a row.
    record_failure: u32,
    /// No fill begins before this.
    next_at: Option<UnixMillis>,
    /// When a question for a version last had D1 read.
    demanded_at: Option<UnixMillis>,
}

impl FillBackoff {
    /// Notes that a fill has brought a set.
    pub fn record_success(&mut self) {
        *self = Self { demanded_at: self.demanded_at, ..Self::default() };
    }

    /// Notes that a set could not be had or kept. How many milliseconds the next fill waits: longer
    /// with each failure, and spread over half of it by `jitter`, any number, so that the objects
    /// of one database in trouble do not come back to it together.
    pub fn failed(&mut self, now: UnixMillis, jitter: u32) -> i64 {
        let doublings = self.record_failure.min(16);
        let wait_ms = (WAIT_MS_FIRST << doublings).min(FILL_WAIT_MS_MAX);
        let half = wait_ms / 2;
        let wait_ms = wait_ms - half + i64::from(jitter) % (half + 1);
        self.record_failure = self.record_failure.saturating_add(1);
        self.next_at = Some(now.plus(wait_ms));
        wait_ms
    }

    /// Milliseconds for which no fill begins, because the last one failed.
    #[must_use]
    pub fn remaining_ms(&self, now: UnixMillis) -> Option<i64> {
        let left = self.next_at?.since(now);
        // A clock that went back must not make the wait any longer.
        (1..=FILL_WAIT_MS_MAX).contains(&left).then_some(left)
    }

    /// A question that nothing in hand can answer.
    pub(super) fn decide_fill(&mut self, ask: &RoleQuery, now: UnixMillis) -> CacheDecision {
        if self.remaining_ms(now).is_some() {
            return CacheDecision::Refuse(RefusalReason::Waiting);
        }
        if 0 < ask.min_version {
            self.demanded_at = Some(now);
        }
        CacheDecision::Fill
    }

    /// A question for a version above the set in hand. Anyone who is signed in can ask for one:
    /// that must not be a way to make every question a read of D1.
    pub(super) fn decide_for_version(&mut self, ask: &RoleQuery, now: UnixMillis) -> CacheDecision {
        let is_recent = |at| (0..DEMAND_MS).contains(&now.since(at));
        if self.demanded_at.is_some_and(is_recent) {
            CacheDecision::Join
        } else {
            self.decide_fill(ask, now)
        }
    }
}
