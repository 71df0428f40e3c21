//! The state in memory, and whether the disk holds the same.

use super::{AgeLimits, AlarmAction, CacheState, FillOutcome, FillRequest, FillResult};
use crate::role_cache::{Hint, HintReply};
use crate::time::UnixMillis;

/// A state and how much of it is on disk.
///
/// A write can fail and leave the instance alive. What it should have written is then known to the
/// memory alone, and must not be relied on: not served, not acknowledged, not told to D1. Whoever
/// does one of these asks [`TrackedState::is_saved`] first and writes again otherwise.
#[derive(Clone, Debug, Default)]
pub struct TrackedState {
    state: CacheState,
    /// Changes, and how many of them the disk has.
    changes: u64,
    saved_changes: u64,
}

impl TrackedState {
    /// What was found on disk.
    #[must_use]
    pub fn loaded(state: CacheState) -> Self {
        Self { state, changes: 0, saved_changes: 0 }
    }

    /// What the instance knows.
    #[must_use]
    pub fn state(&self) -> &CacheState {
        &self.state
    }

    /// Whether the disk holds all of it. Before an incarnation has begun there is nothing to hold.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.state.owner == 0 || self.saved_changes == self.changes
    }

    /// Names what a write that begins now would save, for [`TrackedState::mark_saved`].
    #[must_use]
    pub fn change_mark(&self) -> u64 {
        self.changes
    }

    /// Notes that the write of `mark` is on disk.
    pub fn mark_saved(&mut self, mark: u64) {
        self.saved_changes = self.saved_changes.max(mark);
    }

    /// Names the object's user, if nobody has. The first fill persists it.
    pub fn set_user_id(&mut self, user_id: &str) {
        if self.state.user_id.is_empty() {
            self.state.user_id = user_id.into();
        }
    }

    /// [`CacheState::record_use`].
    pub fn touch(&mut self, now: UnixMillis, ages: &AgeLimits) {
        let changes = self.state.record_use(now, ages);
        self.count_change(changes);
    }

    /// [`CacheState::begin_fill`].
    pub fn begin_fill(&mut self, registers: bool, now: UnixMillis) -> (FillRequest, bool) {
        let (fill, begins) = self.state.begin_fill(registers, now);
        self.count_change(begins);
        (fill, begins)
    }

    /// [`CacheState::cancel_incarnation`].
    pub fn unbegin(&mut self) {
        self.state.cancel_incarnation();
    }

    /// [`CacheState::apply_fill`].
    pub fn take(&mut self, fill: &FillRequest, row: Option<FillResult>) -> FillOutcome {
        let filled = self.state.apply_fill(fill, row);
        self.count_change(filled != FillOutcome::Dropped);
        filled
    }

    /// [`CacheState::hint`].
    pub fn hint(&mut self, hint: &Hint, now: UnixMillis) -> HintReply {
        let floor = self.state.floor;
        let reply = self.state.hint(hint, now);
        self.count_change(self.state.floor != floor);
        reply
    }

    /// [`CacheState::alarm`].
    pub fn alarm(&mut self, now: UnixMillis, ages: &AgeLimits) -> AlarmAction {
        let ending = self.state.ending;
        let alarm = self.state.alarm(now, ages);
        self.count_change(self.state.ending != ending);
        alarm
    }

    /// [`CacheState::watch_ended`].
    pub fn ended(&mut self, owner: i64, now: UnixMillis) -> bool {
        self.count_change(true);
        self.state.watch_ended(owner, now)
    }

    fn count_change(&mut self, changes: bool) {
        self.changes += u64::from(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::TrackedState;
    use crate::cache::{CacheState, FillOutcome, FillResult};
    use crate::role_cache::{Hint, HintReply};
    use crate::roles::{RoleSet, UserStatus};
    use crate::time::UnixMillis;

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn row(version: i64) -> FillResult {
        let set =
            RoleSet { version, standing: UserStatus::Live, roles: vec![], organizations: vec![] };
        FillResult { owner: T0.0, set }
    }

    fn hint(version: i64) -> Hint {
        Hint { user_id: "user_a".into(), owner: T0.0, version }
    }

    /// Filled at version 100, and on disk.
    fn saved() -> TrackedState {
        let mut memory = TrackedState::default();
        let (fill, _) = memory.begin_fill(false, T0);
        assert!(!memory.is_saved());
        assert_eq!(memory.take(&fill, Some(row(100))), FillOutcome::Applied);
        memory.mark_saved(memory.change_mark());
        assert!(memory.is_saved());
        memory
    }

    #[test]
    fn a_hint_that_was_not_saved_is_owed_to_the_disk_when_it_comes_again() {
        let mut memory = saved();
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(!memory.is_saved(), "the write failed");
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(!memory.is_saved(), "it changes nothing in memory, and the disk lacks it");
        memory.mark_saved(memory.change_mark());
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(memory.is_saved(), "a repetition is no write");
    }

    #[test]
    fn a_set_that_was_not_saved_is_owed_to_the_disk() {
        let mut memory = saved();
        let (fill, _) = memory.begin_fill(false, T0);
        assert!(memory.is_saved(), "a refresh begins without a write");
        assert_eq!(memory.take(&fill, Some(row(102))), FillOutcome::Applied);
        assert!(!memory.is_saved());
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(!memory.is_saved(), "the floor of the set in memory is no floor on disk");
    }

    #[test]
    fn a_write_saves_what_was_there_when_it_began() {
        let mut memory = saved();
        memory.hint(&hint(101), T0);
        let first = memory.change_mark();
        memory.hint(&hint(102), T0);
        memory.mark_saved(first);
        assert!(!memory.is_saved());
        memory.mark_saved(memory.change_mark());
        memory.mark_saved(first);
        assert!(memory.is_saved(), "an older write that is confirmed late takes nothing back");
    }

    #[test]
    fn what_was_read_from_disk_is_saved() {
        assert!(TrackedState::default().is_saved());
        assert!(TrackedState::loaded(CacheState { owner: 1, ..CacheState::default() }).is_saved());
    }
}
