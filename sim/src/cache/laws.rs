//! What must hold in the cache half, and what must be seen so that it says something.

use stateright::Property;

use super::act::may_register;
use super::step::read;
use super::{Bounds, Cache, Guard, World, number, question, roles};
use crate::d1;
use crate::object::{Arrived, Asked, Object, Stage};
use crate::wire::Read;
use shared::cache::Row;

/// What a step broke or showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A version below an earlier one was served.
    WentBack,
    /// A set that D1 never held was granted from.
    Phantom,
    /// A set was granted from too long after it ceased to be the truth.
    TooOld,
    /// A fill below the floor came in.
    StaleRefused,
    /// An instance was thrown out with a fill under way.
    EvictedInFlight,
}

impl Mark {
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::WentBack => 1,
            Self::Phantom => 2,
            Self::TooOld => 4,
            Self::StaleRefused => 8,
            Self::EvictedInFlight => 16,
        }
    }

    fn is_in(self, world: &World) -> bool {
        world.marks & self.bit() != 0
    }
}

/// The properties that the bounds can show.
pub(super) fn properties(bounds: &Bounds) -> Vec<Property<Cache>> {
    let mut all = vec![
        Property::always("I3 no phantom authority", |_: &Cache, w: &World| !Mark::Phantom.is_in(w)),
        Property::always("I4 bounded staleness", |_: &Cache, w: &World| !Mark::TooOld.is_in(w)),
        Property::always("I5 monotone reads", |_: &Cache, w: &World| !Mark::WentBack.is_in(w)),
        Property::always("I6 a version names its roles", |_: &Cache, w: &World| names(w)),
        Property::always("I7 agreement at rest", |_: &Cache, w: &World| agrees(w)),
        Property::always("I15 at rest a question is answered", answers),
    ];
    all.extend([
        Property::sometimes("a stale fill was refused", |_: &Cache, w: &World| {
            Mark::StaleRefused.is_in(w)
        }),
        Property::sometimes("an eviction met a fill in flight", |_: &Cache, w: &World| {
            Mark::EvictedInFlight.is_in(w)
        }),
    ]);
    if 2 <= bounds.guards {
        all.push(Property::sometimes("a grant and a later denial were served", both));
    }
    if bounds.alarms {
        all.push(Property::sometimes("an object ended its watch", |_: &Cache, w: &World| {
            w.served != 0 && w.object == Object::new(0)
        }));
    }
    if bounds.restores {
        all.push(Property::sometimes(
            "a restored D1 was lifted above the floor",
            |_, w: &World| {
                w.restored_at.is_some_and(|at| {
                    w.object.memory.0.entry.as_ref().is_some_and(|entry| at <= entry.verified_at)
                })
            },
        ));
    }
    all
}

/// Every set that somebody may still serve or be served.
pub(super) fn about(world: &World) -> Vec<Read> {
    let mut about: Vec<Read> = Vec::with_capacity(6);
    for state in [&world.object.memory.0, &world.object.disk.0] {
        about.extend(state.entry.as_ref().map(|entry| Read {
            owner: state.owner,
            version: entry.set.version,
            what: number(&entry.set),
        }));
    }
    if let Some(Stage::Answered(Some(read))) = world.object.flight.map(|flight| flight.stage) {
        about.push(read);
    }
    about.extend(world.guards.iter().filter_map(|guard| match *guard {
        Guard::Holds { version, what, .. } => Some(Read { owner: 0, version, what }),
        Guard::Idle | Guard::Waits { .. } => None,
    }));
    about
}

fn names(world: &World) -> bool {
    let mut about = about(world);
    about.extend(world.slot.map(|w| Read {
        owner: w.owner,
        version: w.version,
        what: world.truth,
    }));
    about.iter().all(|a| about.iter().all(|b| a.version != b.version || a.what == b.what))
}

fn is_at_rest(world: &World) -> bool {
    world.object.flight.is_none()
        && world.object.ends.is_none()
        && world.orphans.is_empty()
        && world.hints.is_empty()
        && world.replies.is_empty()
        && world.unwatches.is_empty()
        && d1::pending(&world.slot, 0).is_none()
}

/// After a restore a set that was read before it is exempt until its age ends it: D1 went back,
/// and nobody was told.
fn agrees(world: &World) -> bool {
    if !is_at_rest(world) {
        return true;
    }
    let memory = &world.object.memory.0;
    let Some(entry) = memory.entry.as_ref().filter(|_| !memory.is_below_floor()) else {
        return true;
    };
    let restored = world.restored_at.is_some_and(|at| entry.verified_at < at);
    restored || number(&entry.set) == world.truth
}

/// With nothing in the way a question gets an answer; after a fill, D1's own.
fn answers(model: &Cache, world: &World) -> bool {
    if !is_at_rest(world) || !may_register(world) {
        return true;
    }
    let (mut object, mut slot, now) = (world.object.clone(), world.slot, world.now);
    let ages = model.ages();
    let Asked::Waits(_) = object.ask(&question(0), now, &ages) else { return true };
    loop {
        let Some(flight) = object.flight else { return false };
        if flight.sent.registers {
            d1::register(&mut slot, 0, &flight.sent, now, model.variant);
        }
        let read = read(slot, &flight.sent, world.truth, now, model.variant);
        let row = read.map(|it| Row { owner: it.owner, set: roles(it.version, it.what) });
        match object.arrive(row, now, &ages, model.variant) {
            Arrived::Again => {}
            Arrived::GaveUp => return false,
            Arrived::Done => break,
        }
    }
    let answer = object.memory.0.after_fill(&question(0), now, now, &ages);
    answer.is_some_and(|answer| number(&answer.set) == world.truth)
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
