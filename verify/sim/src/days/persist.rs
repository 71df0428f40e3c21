//! What an object must have on disk before it answers, as `durable/src/object/persist.rs`.

use super::state::Object;
use super::world::World;

impl World<'_> {
    /// Whether the memory knows what the disk does not hold, as `TrackedState` counts it.
    pub(super) fn is_unsaved(&mut self, user: usize) -> bool {
        let saved = |it: &mut Object| it.memory.owner == 0 || it.disk.as_ref() == Some(&it.memory);
        !self.object(user).is_some_and(saved)
    }

    /// `RoleCacheObject::ensure_saved`: nothing is answered from what the disk does not hold.
    pub(super) fn ensure_saved(&mut self, user: usize) -> bool {
        let now = self.object_now();
        let waits = self.object(user).is_some_and(|it| it.pace.remaining_ms(now).is_some());
        !waits && self.save_or_back_off(user)
    }

    /// `RoleCacheObject::save_or_back_off`: a write that fails makes the object wait.
    pub(super) fn save_or_back_off(&mut self, user: usize) -> bool {
        let saved = self.save(user);
        if !saved {
            self.record_fill_failure(user);
        }
        saved
    }

    /// The set could not be read or kept: the next fill waits.
    pub(super) fn record_fill_failure(&mut self, user: usize) {
        let (now, jitter) = (self.object_now(), self.number());
        if let Some(object) = self.object(user) {
            object.pace.record_failure(now, jitter);
        }
    }
}
