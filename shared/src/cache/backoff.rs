//! Back-off of fills, and of loads and saves of the state. In memory only: a restarted object may
//! try at once.

use super::decision::{CacheDecision, RefusalReason};
use crate::limits::FILL_BACKOFF_MS_MAX;
use crate::role_cache::RoleQuery;
use crate::time::UnixMillis;

/// The longest delay after a first failed fill. Each further failure in a row doubles it, up to
/// [`FILL_BACKOFF_MS_MAX`].
const WAIT_MS_FIRST: i64 = 100;

/// A query for a version that is not reached yet causes at most one read per this time.
const VERSION_READ_INTERVAL_MS: i64 = 1_000;

/// What one running object records about its failures and its reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FillBackoff {
    /// Failures in a row.
    failures: u32,
    /// No fill begins before this.
    next_at: Option<UnixMillis>,
    /// When a query for a version last caused a read.
    version_read_at: Option<UnixMillis>,
}

impl FillBackoff {
    /// Records a successful fill.
    pub fn record_success(&mut self) {
        *self = Self { version_read_at: self.version_read_at, ..Self::default() };
    }

    /// Records a failure: the role set could not be read or saved. Returns the delay of the next
    /// fill in milliseconds. It grows with each failure; `jitter`, a random number, varies it by
    /// half, to avoid synchronized retries.
    pub fn record_failure(&mut self, now: UnixMillis, jitter: u32) -> i64 {
        let doublings = self.failures.min(16);
        let wait_ms = (WAIT_MS_FIRST << doublings).min(FILL_BACKOFF_MS_MAX);
        let half = wait_ms / 2;
        let wait_ms = wait_ms - half + i64::from(jitter) % (half + 1);
        self.failures = self.failures.saturating_add(1);
        self.next_at = Some(now.plus(wait_ms));
        wait_ms
    }

    /// Milliseconds until the next fill may begin; `None` if it may begin now.
    #[must_use]
    pub fn remaining_ms(&self, now: UnixMillis) -> Option<i64> {
        let left = self.next_at?.since(now);
        // A clock that went back must not make the wait longer.
        (1..=FILL_BACKOFF_MS_MAX).contains(&left).then_some(left)
    }

    /// Decides on a query without a usable role set.
    pub(super) fn decide_fill(&mut self, query: &RoleQuery, now: UnixMillis) -> CacheDecision {
        if self.remaining_ms(now).is_some() {
            return CacheDecision::Refuse(RefusalReason::BackingOff);
        }
        if 0 < query.min_version {
            self.version_read_at = Some(now);
        }
        CacheDecision::FillFirst
    }

    /// Decides on a query for a version above the cached one. Rate-limited, because any signed-in
    /// user can ask for a high version.
    pub(super) fn decide_for_version(
        &mut self,
        query: &RoleQuery,
        now: UnixMillis,
    ) -> CacheDecision {
        let is_recent = |at| (0..VERSION_READ_INTERVAL_MS).contains(&now.since(at));
        if self.version_read_at.is_some_and(is_recent) {
            CacheDecision::JoinFill
        } else {
            self.decide_fill(query, now)
        }
    }
}
