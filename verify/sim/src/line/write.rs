//! What D1 writes: rows and bumps, deliveries, dead letters; and the outbox that it reads.

use shared::outbox::merge_round;

use super::decided::Decided;
use super::mark::Mark;
use super::world::{Line, World};
use crate::d1;
use crate::small_set::SmallSet;
use crate::variant::Variant;
use crate::wire::{HintKey, USERS, ms};

/// The outbox, as the batch reads it last.
pub(super) fn owed(world: &World) -> SmallSet<HintKey, 2> {
    let slots = (0_u8..).zip(&world.slots);
    let pending = slots.filter_map(|(user, slot)| Some(d1::pending(slot, user)?.pending()));
    let keys = merge_round(vec![], pending.collect()).into_iter().filter_map(|pending| {
        let user = (0_u8..).zip(USERS).find(|(_, id)| *id == pending.user_id)?.0;
        Some(HintKey { user, owner: ms(pending.owner), version: ms(pending.version) })
    });
    let mut owed = SmallSet::default();
    owed.extend(keys);
    owed
}

/// Writes one plan: rows and bumps, deliveries, dead letters; all or nothing.
pub(super) fn write(model: &Line, world: &mut World, decided: &Decided) {
    for event in &decided.takes {
        happen(model, world, *event);
    }
    world.inbox |= decided.notes;
    world.letters |= decided.parks;
    if decided.parks_early {
        world.marks |= Mark::ParkedEarly.bit();
    }
}

/// D1 takes in what an event says.
pub(super) fn happen(model: &Line, world: &mut World, event: u8) {
    let Some(state) = model.table.at(world.rows) else { return };
    let Some((next, bumps)) = state.next.get(usize::from(event)).copied() else { return };
    let (before, after) = (state.what, model.table.what(next));
    let about = model.script.about(event);
    let bumps = wrong_bumps(model.variant, about, bumps);
    if world.joined & (1 << event) != 0 && (next, bumps) != (world.rows, [0; 2]) {
        world.marks |= Mark::Redone.bit();
    }
    world.rows = next;
    world.joined |= 1 << event;
    for (user, (slot, bumps)) in (0_u8..).zip(world.slots.iter_mut().zip(bumps)) {
        (0..bumps).for_each(|_| d1::bump(slot, world.now, model.variant));
        let changed = before.get(usize::from(user)) != after.get(usize::from(user));
        if changed && about & (1 << user) == 0 {
            world.marks |= Mark::Leaked.bit();
        }
    }
    for (set, what) in world.was.iter_mut().zip(after).chain(world.is.iter_mut().zip(after)) {
        *set |= 1 << what;
    }
}

/// How often each watch is bumped. The wrong form bumps those that an event is about, whether or
/// not it changes a row.
fn wrong_bumps(variant: Variant, about: u8, bumps: [u8; 2]) -> [u8; 2] {
    if variant != Variant::BumpWithoutChange {
        return bumps;
    }
    let [first, second] = bumps;
    [first.max(about & 1), second.max(about >> 1 & 1)]
}
