//! The state in memory, and whether the disk holds the same.

use super::{Ages, Alarm, Fill, Filled, Row, State};
use crate::object::{Hint, HintReply};
use crate::time::UnixMillis;

/// A state and how much of it is on disk.
///
/// A write can fail and leave the instance alive. What it should have written is then known to the
/// memory alone, and must not be relied on: not served, not acknowledged, not told to D1. Whoever
/// does one of these asks [`Memory::is_saved`] first and writes again otherwise.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: State,
    /// Changes, and how many of them the disk has.
    changes: u64,
    saved: u64,
}

impl Memory {
    /// What was found on disk.
    #[must_use]
    pub fn of_disk(state: State) -> Self {
        Self { state, changes: 0, saved: 0 }
    }

    /// What the instance knows.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the disk holds all of it. Before an incarnation has begun there is nothing to hold.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.state.owner == 0 || self.saved == self.changes
    }

    /// Names what a write that begins now would save, for [`Memory::saved`].
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.changes
    }

    /// Notes that the write of `mark` is on disk.
    pub fn saved(&mut self, mark: u64) {
        self.saved = self.saved.max(mark);
    }

    /// Names the object's user, if nobody has. The first fill persists it.
    pub fn name(&mut self, user_id: &str) {
        if self.state.user_id.is_empty() {
            self.state.user_id = user_id.into();
        }
    }

    /// [`State::touch`].
    pub fn touch(&mut self, now: UnixMillis, ages: &Ages) {
        let changes = self.state.touch(now, ages);
        self.note(changes);
    }

    /// [`State::begin_fill`].
    pub fn begin_fill(&mut self, registers: bool, now: UnixMillis) -> (Fill, bool) {
        let (fill, begins) = self.state.begin_fill(registers, now);
        self.note(begins);
        (fill, begins)
    }

    /// [`State::unbegin`].
    pub fn unbegin(&mut self) {
        self.state.unbegin();
    }

    /// [`State::take`].
    pub fn take(&mut self, fill: &Fill, row: Option<Row>) -> Filled {
        let filled = self.state.take(fill, row);
        self.note(filled != Filled::Dropped);
        filled
    }

    /// [`State::hint`].
    pub fn hint(&mut self, hint: &Hint, now: UnixMillis) -> HintReply {
        let floor = self.state.floor;
        let reply = self.state.hint(hint, now);
        self.note(self.state.floor != floor);
        reply
    }

    /// [`State::alarm`].
    pub fn alarm(&mut self, now: UnixMillis, ages: &Ages) -> Alarm {
        let ending = self.state.ending;
        let alarm = self.state.alarm(now, ages);
        self.note(self.state.ending != ending);
        alarm
    }

    /// [`State::ended`].
    pub fn ended(&mut self, owner: i64, now: UnixMillis) -> bool {
        self.note(true);
        self.state.ended(owner, now)
    }

    fn note(&mut self, changes: bool) {
        self.changes += u64::from(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::cache::{Filled, Row, State};
    use crate::object::{Hint, HintReply};
    use crate::roles::{RoleSet, Standing};
    use crate::time::UnixMillis;

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn row(version: i64) -> Row {
        let set =
            RoleSet { version, standing: Standing::Live, roles: vec![], organizations: vec![] };
        Row { owner: T0.0, set }
    }

    fn hint(version: i64) -> Hint {
        Hint { user_id: "user_a".into(), owner: T0.0, version }
    }

    /// Filled at version 100, and on disk.
    fn saved() -> Memory {
        let mut memory = Memory::default();
        let (fill, _) = memory.begin_fill(false, T0);
        assert!(!memory.is_saved());
        assert_eq!(memory.take(&fill, Some(row(100))), Filled::Applied);
        memory.saved(memory.mark());
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
        memory.saved(memory.mark());
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(memory.is_saved(), "a repetition is no write");
    }

    #[test]
    fn a_set_that_was_not_saved_is_owed_to_the_disk() {
        let mut memory = saved();
        let (fill, _) = memory.begin_fill(false, T0);
        assert!(memory.is_saved(), "a refresh begins without a write");
        assert_eq!(memory.take(&fill, Some(row(102))), Filled::Applied);
        assert!(!memory.is_saved());
        assert_eq!(memory.hint(&hint(101), T0), HintReply::Acked);
        assert!(!memory.is_saved(), "the floor of the set in memory is no floor on disk");
    }

    #[test]
    fn a_write_saves_what_was_there_when_it_began() {
        let mut memory = saved();
        memory.hint(&hint(101), T0);
        let first = memory.mark();
        memory.hint(&hint(102), T0);
        memory.saved(first);
        assert!(!memory.is_saved());
        memory.saved(memory.mark());
        memory.saved(first);
        assert!(memory.is_saved(), "an older write that is confirmed late takes nothing back");
    }

    #[test]
    fn what_was_read_from_disk_is_saved() {
        assert!(Memory::default().is_saved());
        assert!(Memory::of_disk(State { owner: 1, ..State::default() }).is_saved());
    }
}
