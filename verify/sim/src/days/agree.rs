//! What objects hold, held to what D1 holds, at every step.

use super::world::{World, user_id};

impl World<'_> {
    /// I7: with nothing owed to an object, what it serves is what D1 holds.
    pub(super) fn check_agreement(&mut self) {
        let now = self.object_now();
        // Which incarnation is the later one is said by the objects' clock.
        if self.laws.off_ms(self.now, self.mix.ages.hard_ms) != 0 {
            return;
        }
        for (user, object) in self.objects.iter().enumerate() {
            let state = if object.loaded { Some(&object.memory) } else { object.disk.as_ref() };
            let Some(state) = state else { continue };
            let Some(entry) = state.entry.as_ref().filter(|_| !state.is_below_floor()) else {
                continue;
            };
            let age = now.since(entry.verified_at);
            let too_old = age < 0 || self.mix.ages.hard_ms < age;
            if too_old || self.laws.is_from_before(entry.verified_at.0) {
                continue;
            }
            let watch = self.laws.mirror.watches.get(user_id(user));
            let owed = watch.is_some_and(|it| it.acked < it.version);
            let version = watch.map_or(0, |it| it.version);
            if !owed && version != entry.set.version {
                let held = entry.set.version;
                let how = format!("user {user}: nothing is owed, D1 at {version}, held {held}");
                return self.laws.breaks("I7 agreement at rest", how);
            }
        }
    }
}
