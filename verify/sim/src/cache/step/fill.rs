//! A fill under way: it reaches the database, comes back, or fails.

use super::guard::{put, serve};
use crate::cache::mark::Mark;
use crate::cache::world::{Cache, Guard, World};
use crate::d1::{self, Slot, Watch};
use crate::object::{Arrived, Disk, Stage};
use crate::variant::Variant;
use crate::wire::{FillRow, Ms, SentFill};

pub(super) fn land(world: &mut World, variant: Variant, lagging: bool) {
    let now = world.d1_now();
    let Some(flight) = &mut world.object.flight else { return };
    if flight.sent.registers {
        let (floor, before) = (world.object.memory.floor, world.slot.watch);
        d1::register(&mut world.slot, &flight.sent, now, variant);
        let was_below = before.is_some_and(|watch| watch.version < floor);
        let is_above = world.slot.watch.is_some_and(|watch| floor < watch.version);
        if world.restored_at.is_some() && was_below && is_above {
            world.marks |= Mark::Lifted.bit();
        }
    }
    if !lagging && variant != Variant::FillWithoutCatchUp {
        d1::catch_up(&mut world.slot, now, variant);
    }
    let behind = world.lagging.filter(|_| lagging);
    let present = || read(&world.slot, &flight.sent, world.truth, now, variant);
    flight.stage = Stage::Answered(behind.map_or_else(present, |(read, _)| read));
    if lagging {
        world.marks |= Mark::ReadBehind.bit();
    }
}

/// What D1 reads for a fill: watch and roles in one statement.
pub(in crate::cache) fn read(
    slot: &Slot,
    sent: &SentFill,
    what: u8,
    now: Ms,
    variant: Variant,
) -> Option<FillRow> {
    if variant == Variant::FillWithoutRegistering {
        return Some(FillRow { owner: sent.owner, version: now, what });
    }
    slot.watch.map(|watch| row(watch, what))
}

pub(super) fn row(watch: Watch, what: u8) -> FillRow {
    FillRow { owner: watch.owner, version: watch.version, what }
}

pub(super) fn arrive(model: &Cache, world: &mut World, disk: Disk) {
    let Some(Stage::Answered(read)) = world.object.flight.map(|flight| flight.stage) else {
        return;
    };
    // The wrong form reads the version by a second statement, when the first has been answered.
    let torn = model.variant == Variant::TwoStatementRead;
    let version = |read: &FillRow| match world.slot.watch {
        Some(watch) if torn && watch.owner == read.owner => watch.version,
        _ => read.version,
    };
    let read = read.map(|read| FillRow { version: version(&read), ..read });
    if read.is_some_and(|read| read.version < world.object.memory.floor) {
        world.marks |= Mark::StaleRefused.bit();
    }
    let arrived = world.object.arrive(read, world.now, &model.ages(), (model.variant, disk));
    match arrived {
        Arrived::Again => {}
        Arrived::Done => answer_all(model, world),
        Arrived::GaveUp => turn_away(world),
    }
}

fn answer_all(model: &Cache, world: &mut World) {
    for guard in 0..world.guards.len() {
        let Some(Guard::Waits { asked_at, least, since, once_more }) =
            world.guards.get(guard).copied()
        else {
            continue;
        };
        let question = model.question(guard, least);
        let answer = world.object.after_fill(&question, asked_at, world.now, &model.ages());
        if let Some(answer) = answer {
            serve(model, world, guard, (asked_at, since), &answer);
        } else if once_more {
            world.object.begin_refill(world.now, &model.ages());
            put(world, guard, Guard::Waits { asked_at, least, since, once_more: false });
        } else {
            put(world, guard, Guard::Idle);
        }
    }
}

/// Every guard that waits for a fill gets a 503.
pub(super) fn turn_away(world: &mut World) {
    for guard in &mut world.guards {
        if matches!(guard, Guard::Waits { .. }) {
            *guard = Guard::Idle;
        }
    }
}

pub(super) fn fail(world: &mut World, variant: Variant, landed: bool) {
    let now = world.d1_now();
    let Some(flight) = world.object.flight else { return };
    world.object.fill_failed(world.now);
    if landed && flight.sent.registers {
        d1::register(&mut world.slot, &flight.sent, now, variant);
    }
    turn_away(world);
}
