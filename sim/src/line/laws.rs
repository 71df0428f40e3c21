//! What must hold on the line, and what must be seen so that it says something.

use shared::merge::State;
use stateright::Property;

use super::store::{self, fold};
use super::{Bounds, Consumer, Line, World, act};
use crate::d1;
use crate::variant::Variant;

/// What a step broke or showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A set that D1 never held was granted from.
    Phantom,
    /// A version below an earlier one was served.
    WentBack,
    /// One version was served with two sets.
    Renamed,
    /// An event about one user changed what the other may do.
    Leaked,
    /// A message was parked before its last attempt.
    ParkedEarly,
    /// A fill below the floor came in.
    StaleRefused,
    /// An instance was thrown out with a fill under way.
    EvictedInFlight,
    /// A dead letter went back into the queue.
    Replayed,
    /// What was granted was denied later.
    GrantThenDenial,
}

impl Mark {
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::Phantom => 1,
            Self::WentBack => 2,
            Self::Renamed => 4,
            Self::Leaked => 8,
            Self::ParkedEarly => 16,
            Self::StaleRefused => 32,
            Self::EvictedInFlight => 64,
            Self::Replayed => 128,
            Self::GrantThenDenial => 256,
        }
    }

    fn is_in(self, world: &World) -> bool {
        world.marks & self.bit() != 0
    }
}

/// The properties that the bounds can show.
pub(super) fn properties(bounds: Bounds) -> Vec<Property<Line>> {
    let mut all = vec![
        Property::always("I1 convergence", converges),
        Property::always("I2 no resurrection", stays_dead),
        Property::always("I3 no phantom authority", |_: &Line, w: &World| !Mark::Phantom.is_in(w)),
        Property::always("I5 monotone reads", |_: &Line, w: &World| !Mark::WentBack.is_in(w)),
        Property::always("I6 a version names its roles", |_: &Line, w: &World| {
            !Mark::Renamed.is_in(w)
        }),
        Property::always("I7 agreement at rest", agrees),
        Property::always("I8 conservation", |_: &Line, w: &World| is_conserved(w)),
        Property::always("I9 replay is harmless", |m: &Line, w: &World| {
            w.joined != every(m) || converges(m, w)
        }),
        Property::always("I10 noted with its effects", |_: &Line, w: &World| w.inbox == w.joined),
        Property::always("I11 isolation", |_: &Line, w: &World| !Mark::Leaked.is_in(w)),
        Property::always("I15 only what failed is parked", |_: &Line, w: &World| {
            !Mark::ParkedEarly.is_in(w)
        }),
        Property::eventually("I15 the line drains", |_: &Line, w: &World| is_drained(w)),
    ];
    all.push(Property::sometimes("all was applied", |m: &Line, w: &World| w.joined == every(m)));
    if bounds.errors + bounds.crashes >= 2 {
        all.push(Property::sometimes("a dead letter was replayed", |_: &Line, w: &World| {
            Mark::Replayed.is_in(w)
        }));
    }
    if bounds.asks.iter().any(|asks| 2 <= *asks) {
        all.push(Property::sometimes("a grant and a later denial were served", |_, w: &World| {
            Mark::GrantThenDenial.is_in(w)
        }));
        all.push(Property::sometimes("a stale fill was refused", |_: &Line, w: &World| {
            Mark::StaleRefused.is_in(w)
        }));
    }
    if bounds.evictions != 0 {
        all.push(Property::sometimes("an eviction met a fill in flight", |_, w: &World| {
            Mark::EvictedInFlight.is_in(w)
        }));
    }
    all
}

/// Every event, as bits.
fn every(model: &Line) -> u32 {
    (1 << model.events.len()) - 1
}

/// The rows are those that the law makes of the events heard, whatever came in which order, and so
/// are the roles. A wrong form may keep its rows in another way: of it only the roles are asked.
fn converges(model: &Line, world: &World) -> bool {
    let law = fold(&model.events, world.joined);
    let code = |rows, user, variant| store::code(&model.events, rows, user, variant);
    let same = |user| code(&world.rows, user, model.variant) == code(&law, user, Variant::Right);
    (model.variant != Variant::Right || world.rows == law) && same(0) && same(1)
}

fn stays_dead(model: &Line, world: &World) -> bool {
    act::bits(world.joined).all(|event| {
        let Some(known) = store::at(&model.events, event) else { return true };
        let row = world.rows.get(known.key).copied().flatten();
        let row = row.and_then(|row| store::at(&model.events, row));
        known.change.state != State::Dead || row.is_none_or(|row| row.change.state == State::Dead)
    })
}

fn agrees(model: &Line, world: &World) -> bool {
    if !is_idle(world) {
        return true;
    }
    (0_u8..).zip(&world.objects).all(|(user, object)| {
        let memory = &object.memory.0;
        let held = memory.entry.as_ref().filter(|_| !memory.is_below_floor());
        let truth = store::code(&model.events, &world.rows, user, model.variant);
        held.is_none_or(|entry| store::number(&entry.set) == truth)
    })
}

/// Nothing is on its way to a role cache.
fn is_idle(world: &World) -> bool {
    world.hints.is_empty()
        && world.consumers.iter().all(|it| it.owed.is_empty())
        && world.objects.iter().all(|it| it.flight.is_none())
        && (0_u8..).zip(&world.slots).all(|(user, slot)| d1::pending(slot, user).is_none())
}

/// Everything that the door accepted is somewhere.
fn is_conserved(world: &World) -> bool {
    let held = world.consumers.iter().flat_map(|it| it.messages.iter().chain(&it.letters));
    let queued = world.queue.iter().chain(held).map(|(event, _)| *event);
    let about = queued.chain(world.dead.iter().copied());
    let about = about.fold(0, |all, event| all | 1 << event);
    world.accepted & !(about | world.joined | world.letters) == 0
}

fn is_drained(world: &World) -> bool {
    world.unsent == 0
        && world.queue.is_empty()
        && world.dead.is_empty()
        && world.consumers.iter().all(|it| *it == Consumer::default())
        && world.hints.is_empty()
        && (0_u8..).zip(&world.slots).all(|(user, slot)| d1::pending(slot, user).is_none())
}
