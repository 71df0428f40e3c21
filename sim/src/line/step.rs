//! How each step of the line changes the world.

use std::collections::BTreeSet;

use shared::cache::{Ages, Row};
use shared::guard::{Known, Need, covers};
use shared::object::{Answer, Ask, HintReply};
use shared::outbox::settle;
use shared::time::UnixMillis;

use super::history::ORG;
use super::laws::Mark;
use super::{Act, Consumer, Line, World, pipe, store};
use crate::d1;
use crate::object::{Arrived, Asked, Stage};
use crate::wire::{Read, Told, user_id};

/// The clock stands still.
pub(super) const NOW: UnixMillis = UnixMillis(1_000_000);

/// Takes one step.
pub(super) fn step(model: &Line, world: &mut World, act: Act) {
    match act {
        Act::Deliver(event) => pipe::deliver(world, event, model.variant),
        Act::DeliverFailed(event) => {
            world.left.crashes -= 1;
            world.noted |= 1 << event;
        }
        Act::Run(first, second) => run(model, world, &places(first, second)),
        Act::Take(consumer, first, second) => {
            pipe::take(model, world, consumer, &places(first, second));
        }
        Act::Commit(consumer) => pipe::commit(model, world, consumer, true),
        Act::CommitUnheard(consumer) => pipe::commit(model, world, consumer, false),
        Act::Refuse(consumer) => pipe::refuse(model, world, consumer),
        Act::Acknowledge(consumer) => {
            if let Some(it) = world.consumers.get_mut(consumer) {
                it.done = vec![];
            }
        }
        Act::Push(consumer) => push(world, consumer),
        Act::Crash(consumer) => pipe::crash(model, world, consumer),
        Act::Park(index) => pipe::park(model, world, index),
        Act::Replay(event) => pipe::replay(world, event),
        Act::Sweep(user) => {
            let slot = world.slots.get(usize::from(user));
            world.hints.extend(slot.and_then(|slot| d1::pending(slot, user)));
        }
        Act::Hint(told) => hint(model, world, told),
        Act::Ask(user) => ask(world, user),
        Act::Land(user) => land(model, world, user),
        Act::Arrive(user) => arrive(model, world, user),
        Act::Evict(user) => evict(model, world, user),
    }
}

/// The guard's question.
pub(super) fn question(user: u8) -> Ask {
    Ask { user_id: user_id(user).into(), fresh: false, min_version: 0 }
}

fn places(first: usize, second: Option<usize>) -> Vec<usize> {
    std::iter::once(first).chain(second).collect()
}

fn run(model: &Line, world: &mut World, places: &[usize]) {
    let Some(consumer) = world.consumers.iter().position(|it| *it == Consumer::default()) else {
        return;
    };
    pipe::take(model, world, consumer, places);
    while world
        .consumers
        .get(consumer)
        .is_some_and(|it| !it.messages.is_empty() || !it.letters.is_empty())
    {
        pipe::commit(model, world, consumer, true);
    }
    push(world, consumer);
}

fn push(world: &mut World, consumer: usize) {
    let Some(it) = world.consumers.get_mut(consumer) else { return };
    let owed: BTreeSet<Told> = std::mem::take(&mut it.owed);
    *it = Consumer::default();
    world.hints.extend(owed);
}

fn hint(model: &Line, world: &mut World, told: Told) {
    world.hints.remove(&told);
    let place = usize::from(told.user);
    let (Some(object), Some(slot)) = (world.objects.get_mut(place), world.slots.get_mut(place))
    else {
        return;
    };
    let reply: HintReply = object.hint(&told.hint(), NOW, &Ages::default(), model.variant);
    let settled = settle(vec![(told.pending(), Some(reply))]);
    if !settled.acked.is_empty() {
        d1::ack(slot, &told, model.variant);
    }
    if !settled.gone.is_empty() {
        d1::gone(slot, &told, model.variant);
    }
}

fn ask(world: &mut World, user: u8) {
    let place = usize::from(user);
    if let Some(left) = world.asks.get_mut(place) {
        *left -= 1;
    }
    let Some(object) = world.objects.get_mut(place) else { return };
    match object.ask(&question(user), NOW, &Ages::default()) {
        Asked::Served(answer) => serve(world, user, &answer),
        Asked::Refused => {}
        Asked::Waits(_) => wait(world, user, true),
    }
}

fn wait(world: &mut World, user: u8, waits: bool) {
    if let Some(place) = world.waits.get_mut(usize::from(user)) {
        *place = waits;
    }
}

/// The guard decides at once by what it is served.
fn serve(world: &mut World, user: u8, answer: &Answer) {
    let place = usize::from(user);
    let (version, code) = (answer.set.version, store::number(&answer.set));
    let was = world.was.get(place).copied().unwrap_or_default();
    let known = Known { set: answer.set.clone(), good_until: NOW.plus(answer.good_for_ms) };
    let needs = [
        Need::Role("admin".into()),
        Need::OrgRole { org: ORG.into(), role: "org:admin".into() },
        Need::OrgRole { org: ORG.into(), role: "org:member".into() },
    ];
    let grants = |need: &Need| covers(Some(&known), need, NOW).is_ok();
    if needs.iter().any(grants) && was & (1 << code) == 0 {
        world.marks |= Mark::Phantom.bit();
    }
    let Some(served) = world.served.get_mut(place) else { return };
    if version < served.0 {
        world.marks |= Mark::WentBack.bit();
    }
    if served.0 == version && served.1 != code {
        world.marks |= Mark::Renamed.bit();
    }
    let before = Known { set: store::roles(served.0, served.1), good_until: NOW };
    let granted = |need: &Need| covers(Some(&before), need, NOW).is_ok();
    if served.0 != 0 && needs.iter().any(|need| granted(need) && !grants(need)) {
        world.marks |= Mark::GrantThenDenial.bit();
    }
    *served = (version, code);
}

fn land(model: &Line, world: &mut World, user: u8) {
    let place = usize::from(user);
    let (Some(object), Some(slot)) = (world.objects.get_mut(place), world.slots.get_mut(place))
    else {
        return;
    };
    let Some(flight) = &mut object.flight else { return };
    if flight.sent.registers {
        d1::register(slot, user, &flight.sent, NOW, model.variant);
    }
    let what = store::code(&model.events, &world.rows, user, model.variant);
    let read = slot.map(|w| Read { owner: w.owner, version: w.version, what });
    flight.stage = Stage::Answered(read);
}

fn arrive(model: &Line, world: &mut World, user: u8) {
    let place = usize::from(user);
    let Some(object) = world.objects.get_mut(place) else { return };
    let Some(Stage::Answered(read)) = object.flight.map(|flight| flight.stage) else { return };
    if read.is_some_and(|read| read.version < object.memory.0.floor) {
        world.marks |= Mark::StaleRefused.bit();
    }
    let row = read.map(|r| Row { owner: r.owner, set: store::roles(r.version, r.what) });
    match object.arrive(row, NOW, &Ages::default(), model.variant) {
        Arrived::Again => {}
        Arrived::GaveUp => wait(world, user, false),
        Arrived::Done => {
            let answer = object.memory.0.after_fill(&question(user), NOW, NOW, &Ages::default());
            if world.waits.get(place) == Some(&true) {
                wait(world, user, false);
                if let Some(answer) = answer {
                    serve(world, user, &answer);
                }
            }
        }
    }
}

/// A fill whose instance is gone could only register the same watch again.
fn evict(model: &Line, world: &mut World, user: u8) {
    world.left.evictions -= 1;
    let Some(object) = world.objects.get_mut(usize::from(user)) else { return };
    if object.flight.is_some() {
        world.marks |= Mark::EvictedInFlight.bit();
    }
    let _lost = object.evict(NOW, model.variant);
    wait(world, user, false);
}
