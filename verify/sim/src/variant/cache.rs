//! The wrong forms of what a role cache decides.

use shared::cache::{self, AgeLimits, AlarmAction, CacheState, FillOutcome, FillResult};
use shared::role_cache::{Hint, HintReply};
use shared::time::UnixMillis;

use super::Variant;

impl Variant {
    /// [`CacheState::apply_fill`], or its wrong form.
    pub fn take(
        self,
        state: &mut CacheState,
        fill: &cache::FillRequest,
        row: Option<FillResult>,
        now: UnixMillis,
    ) -> FillOutcome {
        let mut fill = *fill;
        let mut row = row;
        if self == Self::FillAcrossUnwatch {
            fill.owner = state.owner;
            row = row.map(|row| FillResult { owner: state.owner, ..row });
        }
        if self == Self::FillIgnoresFloor || self.deletes_on_hint() {
            state.floor = 0;
        }
        if self == Self::VerifiedOnArrival {
            fill.sent_at = now;
        }
        state.apply_fill(&fill, row)
    }

    /// [`CacheState::hint`], or its wrong form.
    pub fn hint(self, state: &mut CacheState, hint: &Hint, now: UnixMillis) -> HintReply {
        let before = state.clone();
        let reply = state.hint(hint, now);
        if reply != HintReply::Acked {
            return reply;
        }
        let ignores = self == Self::HintIgnoredOnMiss && before.entry.is_none();
        if ignores || self.deletes_on_hint() {
            state.floor = before.floor;
        }
        if self.deletes_on_hint() {
            state.entry = None;
        }
        if self == Self::HintAdvancesVerifiedAt
            && let Some(entry) = &mut state.entry
        {
            entry.verified_at = now;
        }
        reply
    }

    /// [`CacheState::alarm`], or its wrong form.
    pub fn alarm(self, state: &mut CacheState, now: UnixMillis, ages: &AgeLimits) -> AlarmAction {
        let owner = state.owner;
        let alarm = state.alarm(now, ages);
        if self == Self::UnwatchKeepsIncarnation {
            state.owner = owner;
        }
        alarm
    }

    /// What an instance finds on disk.
    #[must_use]
    pub fn reload(self, disk: &CacheState) -> CacheState {
        let is_lost = self == Self::FloorLostOnEviction;
        CacheState { floor: if is_lost { 0 } else { disk.floor }, ..disk.clone() }
    }

    fn deletes_on_hint(self) -> bool {
        matches!(self, Self::DeleteOnWrite | Self::LeaseWithLaggingReads)
    }

    /// Whether a hint ends the fill under way: a lease that is void.
    #[must_use]
    pub fn forgets_fills(self) -> bool {
        self == Self::LeaseWithLaggingReads
    }

    /// Whether an object reads again at once when a hint says so.
    #[must_use]
    pub fn refills_on_hint(self) -> bool {
        !self.deletes_on_hint()
    }
}
