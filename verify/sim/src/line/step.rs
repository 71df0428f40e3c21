//! How each step of the line changes the world.

use shared::cache::AgeLimits;
use shared::limits::{ROLES_HARD_MS_DEFAULT, ROLES_SOFT_MS_DEFAULT};
use shared::outbox::sort_replies;
use shared::role_cache::{HintReply, RoleAnswer, RoleQuery};

use super::laws::Mark;
use super::{Act, Line, World, dead, pipe, write};
use crate::d1;
use crate::object::{Arrived, Asked, Disk, Stage};
use crate::variant::Variant;
use crate::wire::{Ms, Read, Told, ms, user_id, what};

/// When the clock begins.
pub(super) const BEGIN: Ms = 1_000_000;

/// One step of it: longer than the hard age.
const TICK_MS: Ms = 61_000;

/// The ages as they are set by default; nobody is idle so long.
const AGES: AgeLimits =
    AgeLimits { soft_ms: ROLES_SOFT_MS_DEFAULT, hard_ms: ROLES_HARD_MS_DEFAULT, idle_ms: 1 << 30 };

/// Takes one step.
pub(super) fn step(model: &Line, world: &mut World, act: Act) {
    let variant = model.variant;
    match act {
        Act::Deliver(event) => pipe::deliver(world, event, variant),
        Act::DeliverAgain(event) => {
            world.left.copies -= 1;
            pipe::send(world, event, variant);
        }
        Act::DieBeforeSend(event) => {
            world.left.crashes -= 1;
            pipe::note(world, event, variant);
        }
        Act::DieAfterSend(event) => {
            world.left.crashes -= 1;
            pipe::send(world, event, variant);
        }
        Act::GiveUp(event) => {
            world.left.lost -= 1;
            world.unsent &= !(1 << event);
        }
        Act::Run(batch, fate) => pipe::run(model, world, batch, fate),
        Act::Take(consumer, batch) => pipe::take(model, world, consumer, batch),
        Act::Commit(consumer) => pipe::commit(model, world, consumer),
        Act::CommitUnheard(consumer) => pipe::unheard(model, world, consumer),
        Act::Refuse(consumer) => pipe::refuse(model, world, consumer),
        Act::Acknowledge(consumer) => pipe::acknowledge(world, consumer),
        Act::Push(consumer) => pipe::push(world, consumer),
        Act::Crash(consumer) => {
            let owed = world.consumers.get(consumer).map(|it| it.owed).unwrap_or_default();
            if owed.iter().any(|told| is_owed(world, &told)) {
                world.marks |= Mark::DiedOwing.bit();
            }
            pipe::crash(model, world, consumer);
        }
        Act::ApplyDead(event) => dead::apply(model, world, event),
        Act::EndDead(event) => dead::end(model, world, event),
        Act::Down => {
            world.left.outages -= 1;
            world.down = true;
        }
        Act::Up => world.down = false,
        Act::Replay(event) => pipe::replay(world, event),
        Act::Operate(event) => write::happen(model, world, event),
        Act::Sweep(user) => {
            let slot = world.slots.get(usize::from(user));
            world.hints.extend(slot.and_then(|slot| d1::pending(slot, user)));
        }
        Act::Hint(told) => hint(model, world, told),
        Act::Ask(user) => ask(model, world, user),
        Act::Land(user) => land(model, world, user),
        Act::Arrive(user) => arrive(model, world, user),
        Act::Fail(user, landed) => fail(model, world, user, landed),
        Act::Evict(user) => evict(model, world, user),
        Act::Tick => tick(model, world),
    }
}

/// Whether D1 still owes this hint.
fn is_owed(world: &World, told: &Told) -> bool {
    let slot = world.slots.get(usize::from(told.user));
    slot.and_then(|slot| d1::pending(slot, told.user)).as_ref() == Some(told)
}

fn tick(model: &Line, world: &mut World) {
    world.left.ticks -= 1;
    world.now += TICK_MS;
    world.is = model.table.what(world.rows).map(|what| 1 << what);
}

/// The guard's question.
pub(super) fn question(user: u8) -> RoleQuery {
    RoleQuery { user_id: user_id(user).into(), fresh: false, min_version: 0, compact: true }
}

fn hint(model: &Line, world: &mut World, told: Told) {
    world.hints.remove(&told);
    let place = usize::from(told.user);
    let (Some(object), Some(slot)) = (world.objects.get_mut(place), world.slots.get_mut(place))
    else {
        return;
    };
    let disk = (model.variant, Disk::Writes);
    let reply: Option<HintReply> = object.hint(&told.hint(), world.now, &AGES, disk);
    let heard = reply.filter(|_| model.variant != Variant::HintsAreNotSettled);
    let settled = sort_replies(vec![(told.pending(), heard)]);
    if !settled.acked.is_empty() {
        d1::ack(slot, &told, model.variant);
    }
    if !settled.gone.is_empty() {
        d1::gone(slot, &told, world.now, model.variant);
    }
}

fn ask(model: &Line, world: &mut World, user: u8) {
    let place = usize::from(user);
    if let Some(left) = world.asks.get_mut(place) {
        *left -= 1;
    }
    let Some(object) = world.objects.get_mut(place) else { return };
    match object.ask(&question(user), world.now, &AGES, model.variant) {
        Asked::Served(answer) => serve(model, world, user, &answer),
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
fn serve(model: &Line, world: &mut World, user: u8, answer: &RoleAnswer) {
    let place = usize::from(user);
    let (version, what) = (ms(answer.set.version), what(&answer.set));
    let grants = model.table.grants(what);
    let bit = |of: &[u32; 2]| of.get(place).is_some_and(|of| of & (1 << what) != 0);
    if grants != 0 && !bit(&world.was) {
        world.marks |= Mark::Phantom.bit();
    }
    if grants != 0 && world.now != BEGIN && !bit(&world.is) {
        world.marks |= Mark::TooOld.bit();
    }
    let Some(served) = world.served.get_mut(place) else { return };
    if version < served.0 {
        world.marks |= Mark::WentBack.bit();
    }
    if served.0 == version && served.1 != what {
        world.marks |= Mark::Renamed.bit();
    }
    if served.0 != 0 && model.table.grants(served.1) & !grants != 0 {
        world.marks |= Mark::GrantThenDenial.bit();
    }
    *served = (version, what);
}

fn land(model: &Line, world: &mut World, user: u8) {
    let place = usize::from(user);
    let (Some(object), Some(slot)) = (world.objects.get_mut(place), world.slots.get_mut(place))
    else {
        return;
    };
    let Some(flight) = &mut object.flight else { return };
    if flight.sent.registers {
        d1::register(slot, &flight.sent, world.now, model.variant);
    }
    let all = model.table.what(world.rows);
    let whose = if model.variant == Variant::RolesOfTheOther { 1 - place } else { place };
    let what = all.get(whose).copied().unwrap_or_default();
    let read = slot.watch.map(|w| Read { owner: w.owner, version: w.version, what });
    flight.stage = Stage::Answered(read);
}

fn arrive(model: &Line, world: &mut World, user: u8) {
    let place = usize::from(user);
    let Some(object) = world.objects.get_mut(place) else { return };
    let Some(Stage::Answered(read)) = object.flight.map(|flight| flight.stage) else { return };
    if read.is_some_and(|read| read.version < object.memory.floor) {
        world.marks |= Mark::StaleRefused.bit();
    }
    match object.arrive(read, world.now, &AGES, (model.variant, Disk::Writes)) {
        Arrived::Again => {}
        Arrived::GaveUp => {
            // How long an object waits after that is explored in the cache half.
            object.rest();
            wait(world, user, false);
        }
        Arrived::Done => {
            let answer = object.after_fill(&question(user), world.now, world.now, &AGES);
            if world.waits.get(place) == Some(&true) {
                wait(world, user, false);
                if let Some(answer) = answer {
                    serve(model, world, user, &answer);
                }
            }
        }
    }
}

fn fail(model: &Line, world: &mut World, user: u8, landed: bool) {
    if !world.down {
        world.left.errors -= 1;
    }
    if landed {
        land(model, world, user);
    }
    if let Some(object) = world.objects.get_mut(usize::from(user)) {
        object.flight = None;
    }
    wait(world, user, false);
}

/// A fill whose instance is gone could only register the same watch again.
fn evict(model: &Line, world: &mut World, user: u8) {
    world.left.evictions -= 1;
    let Some(object) = world.objects.get_mut(usize::from(user)) else { return };
    if object.flight.is_some() {
        world.marks |= Mark::EvictedInFlight.bit();
    }
    let _lost = object.evict(world.now, model.variant);
    wait(world, user, false);
}
