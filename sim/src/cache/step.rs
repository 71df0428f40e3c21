//! How each step of the cache half changes the world.

mod fill;

pub(super) use fill::read;

use shared::guard::{Denied, Known, covers};
use shared::object::{Answer, HintReply};
use shared::outbox::settle;
use shared::time::UnixMillis;

use super::laws::{self, Mark};
use super::{Act, Cache, Guard, TICK_MS, World, need, number, question, roles};
use crate::d1;
use crate::object::Asked;
use crate::variant::Variant;
use crate::wire::{Sent, Told};

/// Takes one step.
pub(super) fn step(model: &Cache, world: &mut World, act: Act) {
    let variant = model.variant;
    let watched = world.slot;
    match act {
        Act::Commit => commit(world, variant),
        Act::Tick => tick(world),
        Act::Ask(guard) => ask(model, world, guard),
        Act::Decide(guard) => decide(model, world, guard),
        Act::Land => fill::land(world, variant, false),
        Act::LandLagging => fill::land(world, variant, true),
        Act::Arrive => fill::arrive(model, world),
        Act::Fail(landed) => fill::fail(world, variant, landed),
        Act::LandOrphan(sent) => {
            world.orphans.remove(&sent);
            d1::register(&mut world.slot, 0, &sent, world.now, variant);
        }
        Act::LoseOrphan(sent) => {
            world.orphans.remove(&sent);
        }
        Act::Evict => evict(world, variant),
        Act::Send => send(world, variant),
        Act::Hint(told) => hint(model, world, told),
        Act::LoseHint(told) => {
            world.hints.remove(&told);
        }
        Act::Settle(told, gone) => write_down(world, told, gone, variant),
        Act::LoseReply(told, gone) => {
            world.replies.remove(&(told, gone));
        }
        Act::Ring => {
            let owner = world.object.ring(world.now, &model.ages(), variant);
            world.unwatches.extend(owner);
        }
        Act::Unwatch(owner) => {
            world.unwatches.remove(&owner);
            d1::unwatch(&mut world.slot, owner, variant);
            if world.object.ends == Some(owner) {
                world.object.ended(true, world.now, &model.ages());
            }
        }
        Act::GiveUp => world.object.ended(false, world.now, &model.ages()),
        Act::LoseUnwatch(owner) => {
            world.unwatches.remove(&owner);
        }
        Act::Copy => world.copy = Some((world.truth, world.slot)),
        Act::Restore => restore(world),
    }
    if let (Some(watch), None) = (watched, world.slot) {
        world.deleted = watch.version;
    }
}

/// No question lasts longer than a step of the clock and what is left of another: the object gives
/// up a fill after two seconds.
fn tick(world: &mut World) {
    for guard in &mut world.guards {
        if matches!(guard, Guard::Waits { asked_at, .. } if *asked_at < world.now) {
            *guard = Guard::Idle;
        }
    }
    world.now = world.now.plus(TICK_MS);
}

/// Forgets when a set ceased to be the truth once nobody can serve it any more.
pub(super) fn forget(world: &mut World) {
    if world.deleted < world.now.0 {
        world.deleted = 0;
    }
    let about = laws::about(world);
    for (what, at) in (0_u16..).zip(&mut world.ended) {
        if !about.iter().any(|read| read.what == what) {
            *at = 0;
        }
    }
}

fn commit(world: &mut World, variant: Variant) {
    if variant == Variant::LeaseWithLaggingReads {
        world.lagging = world.slot.map(|watch| (watch.version, world.truth));
    }
    world.made += 1;
    become_truth(world, world.made);
    d1::bump(&mut world.slot, world.now, variant);
    if variant == Variant::NoOutbox {
        send(world, variant);
    }
}

fn become_truth(world: &mut World, what: u16) {
    if let Some(at) = world.ended.get_mut(usize::from(world.truth)) {
        *at = world.now.0;
    }
    if let Some(at) = world.ended.get_mut(usize::from(what)) {
        *at = 0;
    }
    world.truth = what;
}

/// A restore takes longer than a millisecond: the clock has moved on when D1 answers again.
fn restore(world: &mut World) {
    let Some((truth, slot)) = world.copy.take() else { return };
    become_truth(world, truth);
    world.slot = slot;
    world.now = world.now.plus(TICK_MS);
    world.restored_at = Some(world.now);
}

fn send(world: &mut World, variant: Variant) {
    world.hints.extend(d1::pending(&world.slot, 0));
    if matches!(variant, Variant::NoOutbox | Variant::OutboxRetiredOnSend)
        && let Some(watch) = &mut world.slot
    {
        watch.acked = watch.version;
    }
}

fn hint(model: &Cache, world: &mut World, told: Told) {
    let reply = world.object.hint(&told.hint(), world.now, &model.ages(), model.variant);
    match reply {
        HintReply::Acked => {
            world.replies.insert((told, false));
        }
        HintReply::Gone => {
            world.replies.insert((told, true));
        }
        HintReply::Refused => {}
    }
}

fn write_down(world: &mut World, told: Told, gone: bool, variant: Variant) {
    let reply = if gone { HintReply::Gone } else { HintReply::Acked };
    let settled = settle(vec![(told.pending(), Some(reply))]);
    if !settled.acked.is_empty() {
        d1::ack(&mut world.slot, &told, variant);
    }
    if !settled.gone.is_empty() {
        d1::gone(&mut world.slot, &told, variant);
    }
}

fn ask(model: &Cache, world: &mut World, guard: usize) {
    let asked = world.object.ask(&question(guard), world.now, &model.ages());
    match asked {
        Asked::Served(answer) => serve(world, guard, &answer),
        Asked::Refused => {}
        Asked::Waits(once_more) => {
            set(world, guard, Guard::Waits { asked_at: world.now, once_more });
        }
    }
}

fn serve(world: &mut World, guard: usize, answer: &Answer) {
    let (version, what) = (answer.set.version, number(&answer.set));
    if version < world.served {
        world.marks |= Mark::WentBack.bit();
    }
    world.served = world.served.max(version);
    let good_until = world.now.plus(answer.good_for_ms);
    set(world, guard, Guard::Holds { version, what, good_until });
}

fn set(world: &mut World, guard: usize, state: Guard) {
    if let Some(place) = world.guards.get_mut(guard) {
        *place = state;
    }
}

fn decide(model: &Cache, world: &mut World, guard: usize) {
    let Some(Guard::Holds { version, what, good_until }) = world.guards.get(guard).copied() else {
        return;
    };
    set(world, guard, Guard::Idle);
    let known = Known { set: roles(version, what), good_until };
    let verdict = covers(Some(&known), &need(), world.now);
    let granted = verdict.is_ok();
    if verdict.is_err_and(|denied| denied != Denied::Missing) {
        return;
    }
    let ended = world.ended.get(usize::from(what)).copied().unwrap_or_default();
    if granted && (what > world.made || what % 2 == 1) {
        world.marks |= Mark::Phantom.bit();
    }
    if ended != 0 && ended + model.ages().hard_ms < world.now.0 {
        world.marks |= Mark::TooOld.bit();
    }
}

fn evict(world: &mut World, variant: Variant) {
    if world.object.flight.is_some() {
        world.marks |= Mark::EvictedInFlight.bit();
    }
    let orphan = world.object.evict(world.now, variant);
    // One that only reads changes nothing any more.
    let orphan = orphan.filter(|sent: &Sent| sent.registers);
    // Nobody is left to ask when it was sent.
    world.orphans.extend(orphan.map(|sent| Sent { sent_at: UnixMillis(0), ..sent }));
    fill::turn_away(world);
}
