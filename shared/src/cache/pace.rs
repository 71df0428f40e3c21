//! How one instance of the object spaces its reads of D1. None of it is persisted: an instance that
//! begins anew may read at once.

use super::step::{Decision, Why};
use crate::limits::FILL_WAIT_MS_MAX;
use crate::object::Ask;
use crate::time::UnixMillis;

/// Milliseconds at most until the next fill after one that failed; each further one that fails in a
/// row doubles it, up to [`FILL_WAIT_MS_MAX`].
const WAIT_MS_FIRST: i64 = 100;

/// A version that the set does not reach is a reason to read once in so long.
const DEMAND_MS: i64 = 1_000;

/// What an instance remembers of its reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Failures in a row.
    failed: u32,
    /// No fill begins before this.
    next_at: Option<UnixMillis>,
    /// When a question for a version last had D1 read.
    demanded_at: Option<UnixMillis>,
}

impl Pace {
    /// Notes that a fill has brought a set.
    pub fn filled(&mut self) {
        *self = Self { demanded_at: self.demanded_at, ..Self::default() };
    }

    /// Notes that a set could not be had or kept. How many milliseconds the next fill waits: longer
    /// with each failure, and spread over half of it by `jitter`, any number, so that the objects
    /// of one database in trouble do not come back to it together.
    pub fn failed(&mut self, now: UnixMillis, jitter: u32) -> i64 {
        let doublings = self.failed.min(16);
        let wait_ms = (WAIT_MS_FIRST << doublings).min(FILL_WAIT_MS_MAX);
        let half = wait_ms / 2;
        let wait_ms = wait_ms - half + i64::from(jitter) % (half + 1);
        self.failed = self.failed.saturating_add(1);
        self.next_at = Some(now.plus(wait_ms));
        wait_ms
    }

    /// Milliseconds for which no fill begins, because the last one failed.
    #[must_use]
    pub fn waits_ms(&self, now: UnixMillis) -> Option<i64> {
        let left = self.next_at?.since(now);
        // A clock that went back must not make the wait any longer.
        (1..=FILL_WAIT_MS_MAX).contains(&left).then_some(left)
    }

    /// A question that nothing in hand can answer.
    pub(super) fn fill(&mut self, ask: &Ask, now: UnixMillis) -> Decision {
        if self.waits_ms(now).is_some() {
            return Decision::Refuse(Why::Waiting);
        }
        if 0 < ask.min_version {
            self.demanded_at = Some(now);
        }
        Decision::Fill
    }

    /// A question for a version above the set in hand. Anyone who is signed in can ask for one:
    /// that must not be a way to make every question a read of D1.
    pub(super) fn demand(&mut self, ask: &Ask, now: UnixMillis) -> Decision {
        let is_recent = |at| (0..DEMAND_MS).contains(&now.since(at));
        if self.demanded_at.is_some_and(is_recent) { Decision::Join } else { self.fill(ask, now) }
    }
}
