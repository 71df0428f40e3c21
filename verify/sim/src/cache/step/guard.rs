//! A guard: it asks, is answered, and decides.

use shared::guard::{Denied, RoleSnapshot, roles_meet};
use shared::role_cache::RoleAnswer;

use crate::cache::laws::Mark;
use crate::cache::{Cache, Guard, TICK_MS, Wants, World, need};
use crate::object::Asked;
use crate::wire::{Ms, instant, ms, set, what};

pub(super) fn ask(model: &Cache, world: &mut World, guard: usize) {
    let wants = model.bounds.guards.get(guard);
    let version = world.slot.watch.map_or(0, |watch| watch.version);
    let least = if wants == Some(&Wants::AtLeast) { version } else { 0 };
    let since = if least == 0 { 0 } else { world.truth };
    let (question, ages) = (model.question(guard, least), model.ages());
    let asked = world.object.ask(&question, world.now, &ages, model.variant);
    let asked_at = world.now;
    match asked {
        Asked::Served(answer) => serve(model, world, guard, (asked_at, since), &answer),
        Asked::Refused => world.marks |= Mark::AskedTooFarAhead.bit(),
        Asked::Waits(once_more) => {
            put(world, guard, Guard::Waits { asked_at, least, since, once_more });
        }
    }
}

/// Hands a guard its answer. `asked`: when it asked, and the truth of the version that it named.
pub(super) fn serve(
    model: &Cache,
    world: &mut World,
    guard: usize,
    asked: (Ms, u8),
    answer: &RoleAnswer,
) {
    let (version, what) = (ms(answer.set.version), what(&answer.set));
    if version < world.served {
        world.marks |= Mark::WentBack.bit();
    }
    world.served = world.served.max(version);
    let ended = world.ended.get(usize::from(what)).copied().unwrap_or_default();
    let fresh = model.bounds.guards.get(guard) == Some(&Wants::Fresh);
    let stale = fresh && ended != 0 && ended < asked.0 && !model.bounds.replica;
    let is_older = what < asked.1 && !model.bounds.restores;
    if stale || is_older {
        world.marks |= Mark::NotAsAsked.bit();
    }
    let good_until = world.now + ms(answer.good_for_ms);
    put(world, guard, Guard::Holds { version, what, good_until });
}

pub(super) fn put(world: &mut World, guard: usize, state: Guard) {
    if let Some(place) = world.guards.get_mut(guard) {
        *place = state;
    }
}

pub(super) fn decide(model: &Cache, world: &mut World, guard: usize) {
    let Some(Guard::Holds { version, what, good_until }) = world.guards.get(guard).copied() else {
        return;
    };
    put(world, guard, Guard::Idle);
    let known = RoleSnapshot { set: set(version, what), good_until: instant(good_until) };
    let verdict = roles_meet(Some(&known), &need(), instant(world.now));
    let granted = verdict.is_ok();
    if verdict.is_err_and(|denied| denied != Denied::NotGranted) {
        return;
    }
    let ended = world.ended.get(usize::from(what)).copied().unwrap_or_default();
    if granted && (what > world.made || what % 2 == 1) {
        world.marks |= Mark::Phantom.bit();
    }
    let lag = if model.bounds.replica { TICK_MS } else { 0 };
    if ended != 0 && ended + ms(model.ages().hard_ms) + lag < world.now {
        world.marks |= Mark::TooOld.bit();
    }
}
