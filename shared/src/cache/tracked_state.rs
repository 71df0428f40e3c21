//! The state in memory, and whether it has been saved.

use super::{AgeLimits, AlarmAction, CacheState, FillOutcome, FillRequest, FillResult};
use crate::role_cache::{Hint, HintReply};
use crate::time::UnixMillis;

/// A state that counts its changes and its saved changes.
///
/// A save can fail while the object keeps running. Unsaved state must not be served, acknowledged
/// or sent to D1: check [`TrackedState::is_saved`] first, and save again if it is `false`.
#[derive(Clone, Debug, Default)]
pub struct TrackedState {
    state: CacheState,
    /// The number of changes, and of saved changes.
    changes: u64,
    saved_changes: u64,
}

impl TrackedState {
    /// The state that was loaded from storage.
    #[must_use]
    pub fn loaded(state: CacheState) -> Self {
        Self { state, changes: 0, saved_changes: 0 }
    }

    /// The current state.
    #[must_use]
    pub fn state(&self) -> &CacheState {
        &self.state
    }

    /// Returns whether all changes are saved. Before the first fill there is nothing to save.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.state.owner == 0 || self.saved_changes == self.changes
    }

    /// The number of changes that a save which starts now contains. Pass it to
    /// [`TrackedState::mark_saved`].
    #[must_use]
    pub fn change_count(&self) -> u64 {
        self.changes
    }

    /// Records that the save which contains this number of changes has succeeded.
    pub fn mark_saved(&mut self, count: u64) {
        self.saved_changes = self.saved_changes.max(count);
    }

    /// Sets the user id once. The first fill saves it.
    pub fn set_user_id(&mut self, user_id: &str) {
        if self.state.user_id.is_empty() {
            self.state.user_id = user_id.into();
        }
    }

    /// [`CacheState::record_use`].
    pub fn record_use(&mut self, now: UnixMillis, ages: &AgeLimits) {
        let changed = self.state.record_use(now, ages);
        self.count_change(changed);
    }

    /// [`CacheState::begin_fill`].
    pub fn begin_fill(&mut self, registers: bool, now: UnixMillis) -> (FillRequest, bool) {
        let (fill, begins) = self.state.begin_fill(registers, now);
        self.count_change(begins);
        (fill, begins)
    }

    /// [`CacheState::cancel_incarnation`].
    pub fn cancel_incarnation(&mut self) {
        self.state.cancel_incarnation();
    }

    /// [`CacheState::apply_fill`].
    pub fn apply_fill(&mut self, fill: &FillRequest, result: Option<FillResult>) -> FillOutcome {
        let outcome = self.state.apply_fill(fill, result);
        self.count_change(outcome != FillOutcome::Discarded);
        outcome
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
    pub fn watch_ended(&mut self, owner: i64, now: UnixMillis) -> bool {
        self.count_change(true);
        self.state.watch_ended(owner, now)
    }

    fn count_change(&mut self, changed: bool) {
        self.changes += u64::from(changed);
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
            RoleSet { version, status: UserStatus::Active, roles: vec![], organizations: vec![] };
        FillResult { owner: T0.0, set }
    }

    fn hint(version: i64) -> Hint {
        Hint { user_id: "user_a".into(), owner: T0.0, version, trace_id: None }
    }

    /// Filled at version 100, and saved.
    fn saved() -> TrackedState {
        let mut tracked = TrackedState::default();
        let (fill, _) = tracked.begin_fill(false, T0);
        assert!(!tracked.is_saved());
        assert_eq!(tracked.apply_fill(&fill, Some(row(100))), FillOutcome::Applied);
        tracked.mark_saved(tracked.change_count());
        assert!(tracked.is_saved());
        tracked
    }

    #[test]
    fn a_repeated_hint_is_saved_if_the_first_save_failed() {
        let mut tracked = saved();
        assert_eq!(tracked.hint(&hint(101), T0), HintReply::Acked);
        assert!(!tracked.is_saved(), "the save failed");
        assert_eq!(tracked.hint(&hint(101), T0), HintReply::Acked);
        assert!(!tracked.is_saved(), "it changes nothing in memory, but it is not saved yet");
        tracked.mark_saved(tracked.change_count());
        assert_eq!(tracked.hint(&hint(101), T0), HintReply::Acked);
        assert!(tracked.is_saved(), "a repeated hint needs no save");
    }

    #[test]
    fn an_unsaved_set_is_saved_before_a_hint_is_acknowledged() {
        let mut tracked = saved();
        let (fill, _) = tracked.begin_fill(false, T0);
        assert!(tracked.is_saved(), "a refresh begins without a save");
        assert_eq!(tracked.apply_fill(&fill, Some(row(102))), FillOutcome::Applied);
        assert!(!tracked.is_saved());
        assert_eq!(tracked.hint(&hint(101), T0), HintReply::Acked);
        assert!(!tracked.is_saved(), "the floor in memory is not saved yet");
    }

    #[test]
    fn a_save_covers_the_changes_before_it_started() {
        let mut tracked = saved();
        tracked.hint(&hint(101), T0);
        let first = tracked.change_count();
        tracked.hint(&hint(102), T0);
        tracked.mark_saved(first);
        assert!(!tracked.is_saved());
        tracked.mark_saved(tracked.change_count());
        tracked.mark_saved(first);
        assert!(tracked.is_saved(), "an older save that ends late changes nothing");
    }

    #[test]
    fn a_loaded_state_is_saved() {
        assert!(TrackedState::default().is_saved());
        assert!(TrackedState::loaded(CacheState { owner: 1, ..CacheState::default() }).is_saved());
    }
}
