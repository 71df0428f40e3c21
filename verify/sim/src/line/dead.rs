//! The dead-letter queue: the same consumer with one message, which it applies or ends.

use super::mark::Mark;
use super::world::{Line, World};
use super::write::write;
use crate::variant::Variant;

/// What the platform gave up is applied, by the same plan. The hints that it owes are left to the
/// sweep, which may send them at once.
pub(super) fn apply(model: &Line, world: &mut World, event: u8) {
    take(world, event);
    let parks = model.variant == Variant::DeadIsParked;
    let all = &model.decisions;
    if let Some(it) = if parks { all.dead_parked(event) } else { all.dead(event) } {
        write(model, world, it);
    }
    world.marks |= Mark::AppliedDead.bit();
}

/// D1 refuses it up to the last attempt of all: what is left then is committed.
pub(super) fn end(model: &Line, world: &mut World, event: u8) {
    world.left.ends -= 1;
    world.ended |= 1 << event;
    take(world, event);
    if let Some(decided) = model.decisions.ended(event) {
        write(model, world, decided);
    }
}

fn take(world: &mut World, event: u8) {
    if let Some(count) = world.dead.get_mut(usize::from(event)) {
        *count -= 1;
    }
}
