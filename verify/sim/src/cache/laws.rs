//! What must hold in the cache half, and what must be seen so that it says something.

use shared::limits::FILL_BACKOFF_MS_MAX;
use stateright::Property;

use super::mark::Mark;
use super::step::read;
use super::world::{Bounds, Cache, Guard, Wants, World};
use crate::d1;
use crate::object::{Arrived, Asked, Disk, Object};
use crate::wire::{instant, ms, what};

/// The properties that the bounds can show.
pub(super) fn properties(bounds: &Bounds) -> Vec<Property<Cache>> {
    let mut all = vec![
        Property::always("I3 no phantom authority", |_: &Cache, w: &World| !Mark::Phantom.is_in(w)),
        Property::always("I4 bounded staleness", |_: &Cache, w: &World| !Mark::TooOld.is_in(w)),
        Property::always("I5 monotone reads", |_: &Cache, w: &World| !Mark::WentBack.is_in(w)),
        Property::always("I6 a version names its roles", |_: &Cache, w: &World| names(w)),
        Property::always("I7 agreement at rest", |_: &Cache, w: &World| agrees(w)),
        Property::always("I15 at rest a query is answered", answers),
        Property::always("a question gets what it asks for", |_: &Cache, w: &World| {
            !Mark::NotAsAsked.is_in(w)
        }),
    ];
    all.extend([
        Property::sometimes("a stale fill was refused", |_: &Cache, w: &World| {
            Mark::StaleRefused.is_in(w)
        }),
        Property::sometimes("an eviction met a fill in flight", |_: &Cache, w: &World| {
            Mark::EvictedInFlight.is_in(w)
        }),
    ]);
    if 2 <= bounds.guards.len() && bounds.skews == [0] {
        all.push(Property::sometimes("a grant and a later denial were served", both));
    }
    // The storage is cleared in a later step of the clock than the one in which the alarm rings.
    if bounds.alarms && 3 <= bounds.ticks {
        all.push(Property::sometimes("an object ended its watch", |_: &Cache, w: &World| {
            w.served != 0 && w.object == Object::new(0)
        }));
    }
    if bounds.restores {
        all.push(Property::sometimes("a restored D1 was lifted above the floor", |_, w| {
            Mark::Lifted.is_in(w)
        }));
    }
    if bounds.replica {
        all.push(Property::sometimes("a replica that is behind was read", |_, w: &World| {
            Mark::ReadBehind.is_in(w)
        }));
    }
    if bounds.trouble {
        all.push(Property::sometimes("a hint could not be written", |_, w: &World| {
            Mark::Unsaved.is_in(w)
        }));
        all.push(Property::sometimes("an object waited after a failed fill", |_, w: &World| {
            w.object.pace.remaining_ms(instant(w.now)).is_some()
        }));
    }
    if bounds.skews != [0] {
        all.push(Property::sometimes("a hint too far ahead was refused", |_, w: &World| {
            Mark::TooFarAhead.is_in(w)
        }));
        if bounds.guards.contains(&Wants::AtLeast) {
            all.push(Property::sometimes("a question too far ahead was refused", |_, w| {
                Mark::AskedTooFarAhead.is_in(w)
            }));
        }
    }
    all
}

fn names(world: &World) -> bool {
    // Before a watch that is behind has caught up, nobody reads its roles.
    let watch = world.slot.watch.filter(|_| !world.slot.behind);
    let now = watch.map(|watch| (watch.version, world.truth));
    let sets = world.readable_sets().map(|read| (read.version, read.what)).chain(now);
    sets.clone().all(|a| sets.clone().all(|b| a.0 != b.0 || a.1 == b.1))
}

fn is_at_rest(world: &World) -> bool {
    world.object.flight.is_none()
        && world.object.ends.is_none()
        && world.orphans.is_empty()
        && world.hints.is_empty()
        && world.replies.is_empty()
        && world.unwatches.is_empty()
        && d1::pending(&world.slot, 0).is_none()
        && !world.slot.behind
}

/// After a restore a set that was read before it is exempt until its age ends it: D1 went back,
/// and nobody was told.
fn agrees(world: &World) -> bool {
    if !is_at_rest(world) {
        return true;
    }
    let Some(held) = world.object.memory.served() else { return true };
    let restored = world.restored_at.is_some_and(|at| held.verified_at < at);
    restored || held.what == world.truth
}

/// With nothing in the way a question gets an answer; after a fill, D1's own.
fn answers(model: &Cache, world: &World) -> bool {
    if !is_at_rest(world) {
        return true;
    }
    let (mut object, mut slot) = (world.object, world.slot);
    // After a fill that failed it is answered once the wait is over.
    let now = world.now + ms(FILL_BACKOFF_MS_MAX);
    let (ages, question) = (model.ages(), model.question(usize::MAX, 0));
    match object.ask(&question, now, &ages, model.variant) {
        Asked::Waits(_) => {}
        Asked::Served(_) => return true,
        Asked::Refused => return false,
    }
    loop {
        let Some(flight) = object.flight else { return false };
        if flight.sent.registers {
            d1::register(&mut slot, &flight.sent, world.d1_now(), model.variant);
        }
        let read = read(&slot, &flight.sent, world.truth, world.d1_now(), model.variant);
        match object.arrive(read, now, &ages, (model.variant, Disk::Writes)) {
            Arrived::Again => {}
            Arrived::GaveUp => return false,
            Arrived::Done => break,
        }
    }
    let answer = object.after_fill(&question, now, now, &ages);
    answer.is_some_and(|answer| what(&answer.set) == world.truth)
}

fn both(_: &Cache, world: &World) -> bool {
    let held = |even: bool| {
        world.guards.iter().filter_map(move |guard| match *guard {
            Guard::Holds { version, what, .. } if (what % 2 == 0) == even => Some(version),
            Guard::Idle | Guard::Waits { .. } | Guard::Holds { .. } => None,
        })
    };
    held(true).any(|granted| held(false).any(|denied| granted < denied))
}
