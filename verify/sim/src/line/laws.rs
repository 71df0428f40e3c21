//! What must hold on the line, and what must be seen so that it says something.

use stateright::Property;

use super::action::Action;
use super::decided::{each, event};
use super::mark::Mark;
use super::next;
use super::table::Rule;
use super::world::{Bounds, Consumer, Line, World};
use crate::d1;
use crate::variant::Variant;

/// The properties that the bounds can show.
pub(super) fn properties(bounds: Bounds) -> Vec<Property<Line>> {
    let mut all = vec![
        Property::always("I1 convergence", converges),
        Property::always("I2 no resurrection", stays_dead),
        Property::always("I3 no phantom authority", |_: &Line, w: &World| !Mark::Phantom.is_in(w)),
        Property::always("I5 monotone reads", |_: &Line, w: &World| !Mark::WentBack.is_in(w)),
        Property::always("I6 a version names its roles", names),
        Property::always("I7 agreement at rest", agrees),
        Property::always("I8 conservation", |_: &Line, w: &World| is_conserved(w)),
        Property::always("I9 replay is harmless", |_: &Line, w: &World| !Mark::Redone.is_in(w)),
        Property::always("I10 noted with its effects", |m: &Line, w: &World| {
            w.inbox == w.joined & m.clerks()
        }),
        Property::always("I11 isolation", |_: &Line, w: &World| !Mark::Leaked.is_in(w)),
        Property::always("I16 one membership of a pair", |m: &Line, w: &World| {
            m.table.has_room(w.rows, w.joined, Rule::OneOfAPair)
        }),
        Property::always("I17 what is gone gives nothing", |m: &Line, w: &World| {
            m.table.has_room(w.rows, w.joined, Rule::GoneGivesNothing)
        }),
        Property::always("I15 only what failed is parked", |_: &Line, w: &World| {
            !Mark::ParkedEarly.is_in(w)
        }),
        Property::always("I15 every step is progress", |_: &Line, w: &World| {
            !Mark::NoProgress.is_in(w)
        }),
        Property::always("I15 nothing is stuck", |m: &Line, w: &World| {
            is_drained(w) || goes_on(m, w)
        }),
        Property::eventually("I15 the line drains", |_: &Line, w: &World| is_drained(w)),
        Property::always("I15 what was accepted is applied", |_: &Line, w: &World| {
            !is_drained(w) || w.accepted & !(w.joined | w.ended) == 0
        }),
        Property::sometimes("all was applied", all_heard),
    ];
    if bounds.ticks != 0 {
        all.push(Property::always("I4 bounded staleness", |_, w| !Mark::TooOld.is_in(w)));
    }
    if bounds.outages != 0 || bounds.errors + bounds.crashes >= 2 {
        let applied = |_: &Line, w: &World| Mark::AppliedDead.is_in(w);
        all.push(Property::sometimes("what the platform gave up was applied", applied));
    }
    if bounds.ends != 0 {
        let replayed = |_: &Line, w: &World| Mark::Replayed.is_in(w);
        all.push(Property::sometimes("a dead letter was replayed", replayed));
    }
    if bounds.steps && bounds.crashes != 0 {
        let died = |_: &Line, w: &World| Mark::DiedOwing.is_in(w);
        all.push(Property::sometimes("a consumer died owing a hint", died));
    }
    if bounds.asks.iter().any(|asks| 2 <= *asks) {
        let both = |_: &Line, w: &World| Mark::GrantThenDenial.is_in(w);
        all.push(Property::sometimes("a grant and a later denial were served", both));
        let refused = |_: &Line, w: &World| Mark::StaleRefused.is_in(w);
        all.push(Property::sometimes("a stale fill was refused", refused));
    }
    if bounds.evictions != 0 {
        let met = |_: &Line, w: &World| Mark::EvictedInFlight.is_in(w);
        all.push(Property::sometimes("an eviction met a fill in flight", met));
    }
    all
}

fn all_heard(model: &Line, world: &World) -> bool {
    world.joined.count_ones() == u32::try_from(model.script.events.len()).unwrap_or_default()
}

/// The rows are those that the law makes of the events heard, whatever came in which order, and so
/// are the roles. A wrong form may keep its rows in another way: it is asked what it grants.
fn converges(model: &Line, world: &World) -> bool {
    model.table.law(world.joined).is_some_and(|law| {
        let granted = |what: [u8; 2]| what.map(|what| model.table.grants(what));
        let what = model.table.what(world.rows);
        let right = law.rows == Some(world.rows) && what == law.what;
        right || (model.variant != Variant::Right && granted(what) == granted(law.what))
    })
}

fn stays_dead(model: &Line, world: &World) -> bool {
    model.table.at(world.rows).is_some_and(|state| state.undone & world.joined == 0)
}

/// What an object holds at D1's own version is what D1 says.
fn names(model: &Line, world: &World) -> bool {
    let truth = model.table.what(world.rows);
    let pairs = world.objects.iter().zip(&world.slots).zip(truth);
    let same = |((object, slot), what): ((&crate::object::Object, &d1::Slot), u8)| {
        let (Some(held), Some(watch)) = (object.memory.entry, slot.watch) else { return true };
        held.version != watch.version || held.what == what
    };
    !Mark::Renamed.is_in(world) && pairs.into_iter().all(same)
}

fn agrees(model: &Line, world: &World) -> bool {
    if !is_idle(world) {
        return true;
    }
    let truth = model.table.what(world.rows);
    let mut held = world.objects.iter().map(|object| object.memory.served()).zip(truth);
    held.all(|(held, what)| held.is_none_or(|held| held.what == what))
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
    let queued = (1_u8..).zip(world.queue).filter(|(_, count)| *count != 0).map(|(held, _)| held);
    let taken = world.consumers.iter().flat_map(|it| each(it.messages).chain(each(it.letters)));
    let about = queued.chain(taken).fold(0, |bits, held| bits | 1 << event(held));
    let dead = (0_u8..).zip(world.dead).filter(|(_, count)| *count != 0);
    let about = dead.fold(about, |bits, (event, _)| bits | 1 << event);
    world.accepted & !(about | world.joined | world.letters) == 0
}

fn is_drained(world: &World) -> bool {
    world.unsent == 0
        && world.queue == [0; 8]
        && world.dead == [0; 4]
        && world.consumers.iter().all(|it| *it == Consumer::default())
        && is_idle(world)
}

/// Whether there is work that can happen.
fn goes_on(model: &Line, world: &World) -> bool {
    let mut acts = Vec::with_capacity(32);
    next::list(model, world, &mut acts);
    acts.iter().any(Action::is_work)
}
