//! How each step of the cache half changes the world.

mod fill;
mod guard;

pub(super) use fill::read;

use shared::outbox::sort_replies;
use shared::role_cache::HintReply;

use self::guard::{ask, decide, put, serve};
use super::laws::{self, Mark};
use super::{Act, Cache, Guard, TICK_MS, World};
use crate::d1;
use crate::object::Disk;
use crate::variant::Variant;
use crate::wire::{Sent, Told};

/// Takes one step.
pub(super) fn step(model: &Cache, world: &mut World, act: Act) {
    let variant = model.variant;
    let before = (world.slot.watch, world.truth);
    match act {
        Act::Commit => commit(world, variant),
        Act::CommitForAll => {
            world.made += 1;
            become_truth(world, world.made);
            d1::change_everybody(&mut world.slot);
        }
        Act::CatchUp => {
            let now = world.d1_now();
            d1::catch_up(&mut world.slot, now, variant);
        }
        Act::Tick => tick(world),
        Act::Ask(guard) => ask(model, world, guard),
        Act::Decide(guard) => decide(model, world, guard),
        Act::Land => fill::land(world, variant, false),
        Act::LandLagging => fill::land(world, variant, true),
        Act::Arrive => fill::arrive(model, world, Disk::Writes),
        Act::ArriveUnsaved => fill::arrive(model, world, Disk::Fails),
        Act::Rest => world.object.rest(),
        Act::Fail(landed) => fill::fail(world, variant, landed),
        Act::LandOrphan(sent) => {
            world.orphans.remove(&sent);
            let now = world.d1_now();
            d1::register(&mut world.slot, &sent, now, variant);
        }
        Act::LoseOrphan(sent) => {
            world.orphans.remove(&sent);
        }
        Act::Evict => evict(world, variant),
        Act::Send => send(world, variant),
        Act::Hint(told) => hint(model, world, told, Disk::Writes),
        Act::HintUnsaved(told) => hint(model, world, told, Disk::Fails),
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
            let now = world.d1_now();
            d1::unwatch(&mut world.slot, owner, now, variant);
            if world.object.ends == Some(owner) {
                world.object.ended(true, world.now, &model.ages(), variant);
            }
        }
        Act::GiveUp => world.object.ended(false, world.now, &model.ages(), variant),
        Act::LoseUnwatch(owner) => {
            world.unwatches.remove(&owner);
        }
        Act::Copy => world.copy = Some((world.truth, world.slot)),
        Act::Restore => restore(world),
    }
    if !model.bounds.trouble {
        world.object.rest();
    }
    if model.bounds.replica && before != (world.slot.watch, world.truth) {
        let (watch, truth) = before;
        world.lagging = Some((watch.map(|watch| fill::row(watch, truth)), world.now));
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
    world.now += TICK_MS;
    world.object.rest();
    world.lagging = world.lagging.filter(|(_, at)| world.now - at <= TICK_MS);
}

/// Forgets when a set ceased to be the truth once nobody can serve it any more, and a mark that
/// the clock has passed.
pub(super) fn forget(world: &mut World) {
    if world.slot.mark < world.d1_now() {
        world.slot.mark = 0;
    }
    let about: Vec<_> = laws::about(world).collect();
    for (what, at) in (0_u8..).zip(&mut world.ended) {
        if !about.iter().any(|read| read.what == what) {
            *at = 0;
        }
    }
}

fn commit(world: &mut World, variant: Variant) {
    if variant == Variant::LeaseWithLaggingReads {
        world.lagging = world.slot.watch.map(|w| (Some(fill::row(w, world.truth)), world.now));
    }
    world.made += 1;
    become_truth(world, world.made);
    let now = world.d1_now();
    d1::bump(&mut world.slot, now, variant);
    if variant == Variant::NoOutbox {
        send(world, variant);
    }
}

fn become_truth(world: &mut World, what: u8) {
    if let Some(at) = world.ended.get_mut(usize::from(world.truth)) {
        *at = world.now;
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
    world.now += TICK_MS;
    world.restored_at = Some(world.now);
}

fn send(world: &mut World, variant: Variant) {
    world.hints.extend(d1::pending(&world.slot, 0));
    if matches!(variant, Variant::NoOutbox | Variant::OutboxRetiredOnSend)
        && let Some(watch) = &mut world.slot.watch
    {
        watch.acked = watch.version;
    }
}

fn hint(model: &Cache, world: &mut World, told: Told, disk: Disk) {
    let disk = (model.variant, disk);
    match world.object.hint(&told.hint(), world.now, &model.ages(), disk) {
        Some(HintReply::Acked) => {
            world.replies.insert((told, false));
        }
        Some(HintReply::Gone) => {
            world.replies.insert((told, true));
        }
        Some(HintReply::Refused) => world.marks |= Mark::TooFarAhead.bit(),
        None => world.marks |= Mark::Unsaved.bit(),
    }
}

fn write_down(world: &mut World, told: Told, gone: bool, variant: Variant) {
    let reply = if gone { HintReply::Gone } else { HintReply::Acked };
    let settled = sort_replies(vec![(told.pending(), Some(reply))]);
    if !settled.acked.is_empty() {
        d1::ack(&mut world.slot, &told, variant);
    }
    if !settled.gone.is_empty() {
        let now = world.d1_now();
        d1::gone(&mut world.slot, &told, now, variant);
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
    world.orphans.extend(orphan.map(|sent| Sent { sent_at: 0, ..sent }));
    fill::turn_away(world);
}
