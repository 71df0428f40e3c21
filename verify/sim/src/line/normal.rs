//! The normal form of a world: what nobody can ask about any more is forgotten, and versions are
//! numbered again.
//!
//! **Versions.** Nothing depends on how far apart two versions of a user lie: they are compared
//! with each other and with the clock, and a new one lies above all of them. So those that are in
//! sight are renumbered without gaps, in their order, on their side of the clock.
//!
//! **What was true.** Whether a set was ever the truth matters while somebody holds it. A set that
//! nobody holds can only come back by being the truth again.

use super::world::{BEGIN, World};
use crate::object::{Object, Stage};
use crate::wire::{Ms, PackedState};

/// Brings a world into its normal form.
pub(super) fn normalize(world: &mut World, truth: [u8; 2]) {
    for (user, truth) in (0..2).zip(truth) {
        forget(world, user, truth);
        renumber(world, user);
    }
}

fn forget(world: &mut World, user: usize, truth: u8) {
    let (Some(object), Some(slot)) = (world.objects.get(user), world.slots.get_mut(user)) else {
        return;
    };
    if slot.mark < world.now {
        slot.mark = 0;
    }
    let asks = world.asks.get(user).is_some_and(|asks| *asks != 0);
    let is_over = !asks && world.waits.get(user) != Some(&true);
    let held = if is_over { 0 } else { held(object) | 1 << truth };
    if let Some(was) = world.was.get_mut(user) {
        *was &= held;
    }
    if let Some(is) = world.is.get_mut(user) {
        *is = if world.now == BEGIN { 0 } else { *is & held };
    }
    if let (true, Some(served)) = (is_over, world.served.get_mut(user)) {
        *served = (0, 0);
    }
}

/// The sets that an object holds or is about to, as bits.
fn held(object: &Object) -> u32 {
    let kept = [object.memory, object.disk].into_iter().filter_map(|kept| kept.entry);
    let read = object.flight.and_then(|flight| match flight.stage {
        Stage::Answered(read) => read,
        Stage::Sent => None,
    });
    let all = kept.map(|held| held.what).chain(read.map(|read| read.what));
    all.fold(0, |bits, what| bits | 1 << what)
}

fn renumber(world: &mut World, user: usize) {
    let now = world.now;
    let mut seen = Seen::default();
    each(world, user, &mut |version| seen.note(*version));
    each(world, user, &mut |version| *version = seen.number(*version, now));
}

/// Every version of a user.
fn each(world: &mut World, user: usize, with: &mut impl FnMut(&mut Ms)) {
    let Some(slot) = world.slots.get_mut(user) else { return };
    if let Some(watch) = &mut slot.watch {
        with(&mut watch.version);
        with(&mut watch.acked);
    }
    with(&mut slot.mark);
    if let Some(object) = world.objects.get_mut(user) {
        each_kept(&mut object.memory, with);
        each_kept(&mut object.disk, with);
        if let Some(flight) = &mut object.flight {
            with(&mut flight.sent.floor);
            if let Stage::Answered(Some(read)) = &mut flight.stage {
                with(&mut read.version);
            }
        }
    }
    world.served.get_mut(user).into_iter().for_each(|served| with(&mut served.0));
    let of_user = |key: &crate::wire::HintKey| usize::from(key.user) == user;
    world.hints.each(|key| {
        if of_user(key) {
            with(&mut key.version);
        }
    });
    for consumer in &mut world.consumers {
        consumer.owed.each(|key| {
            if of_user(key) {
                with(&mut key.version);
            }
        });
    }
}

fn each_kept(kept: &mut PackedState, with: &mut impl FnMut(&mut Ms)) {
    with(&mut kept.floor);
    if let Some(held) = &mut kept.entry {
        with(&mut held.version);
    }
}

/// The versions in sight, in order. There are at most as many as [`each`] goes to.
#[derive(Default)]
struct Seen {
    versions: [Ms; 20],
    len: usize,
}

impl Seen {
    fn note(&mut self, version: Ms) {
        let seen = self.versions.get(..self.len).unwrap_or_default();
        // Zero is no version.
        let Err(place) = seen.binary_search(&version) else { return };
        if version == 0 || self.versions.len() <= self.len {
            return;
        }
        self.len += 1;
        if let Some(rest) = self.versions.get_mut(place..self.len) {
            rest.rotate_right(1);
            rest.first_mut().into_iter().for_each(|first| *first = version);
        }
    }

    fn number(&self, version: Ms, now: Ms) -> Ms {
        let seen = self.versions.get(..self.len).unwrap_or_default();
        let Ok(place) = seen.binary_search(&version) else { return version };
        let earlier = seen.partition_point(|it| *it < now);
        let (begin, place) =
            if version < now { (BEGIN, place) } else { (now, place.saturating_sub(earlier)) };
        begin + Ms::try_from(place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn versions_keep_their_order_and_their_side_of_the_clock() {
        let mut seen = Seen::default();
        for version in [1_061_009, 1_000_005, 0, 1_061_003, 1_000_005, 1_000_002] {
            seen.note(version);
        }
        let of = |it| seen.number(it, 1_061_000);
        assert_eq!([0, 1_000_002, 1_000_005].map(of), [0, 1_000_000, 1_000_001]);
        assert_eq!([1_061_003, 1_061_009].map(of), [1_061_000, 1_061_001]);
    }
}
