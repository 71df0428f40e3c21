//! A fill under way: it reaches the database, comes back, or fails.

use shared::cache::Row;
use shared::time::UnixMillis;

use super::{serve, set};
use crate::cache::laws::Mark;
use crate::cache::{Cache, Guard, World, question, roles};
use crate::d1::{self, Watch};
use crate::object::{Arrived, Stage};
use crate::variant::Variant;
use crate::wire::{Read, Sent};

pub(super) fn land(world: &mut World, variant: Variant, lagging: bool) {
    let Some(flight) = &mut world.object.flight else { return };
    if flight.sent.registers {
        d1::register(&mut world.slot, 0, &flight.sent, world.now, variant);
    }
    let mut read = read(world.slot, &flight.sent, world.truth, world.now, variant);
    if let (true, Some((version, what)), Some(read)) = (lagging, world.lagging, &mut read) {
        (read.version, read.what) = (version, what);
    }
    flight.stage = Stage::Answered(read);
}

/// What D1 reads for a fill: watch and roles in one statement.
pub(in crate::cache) fn read(
    slot: Option<Watch>,
    sent: &Sent,
    what: u16,
    now: UnixMillis,
    variant: Variant,
) -> Option<Read> {
    if variant == Variant::FillWithoutRegistering {
        return Some(Read { owner: sent.owner, version: now.0, what });
    }
    slot.map(|watch| Read { owner: watch.owner, version: watch.version, what })
}

pub(super) fn arrive(model: &Cache, world: &mut World) {
    let Some(Stage::Answered(read)) = world.object.flight.map(|flight| flight.stage) else {
        return;
    };
    // The wrong form reads the version by a second statement, when the first has been answered.
    let torn = model.variant == Variant::TwoStatementRead;
    let version = |read: &Read| match world.slot {
        Some(watch) if torn && watch.owner == read.owner => watch.version,
        _ => read.version,
    };
    let row = read.map(|read| Row { owner: read.owner, set: roles(version(&read), read.what) });
    let below = read.is_some_and(|read| read.version < world.object.memory.0.floor);
    if below {
        world.marks |= Mark::StaleRefused.bit();
    }
    let arrived = world.object.arrive(row, world.now, &model.ages(), model.variant);
    match arrived {
        Arrived::Again => {}
        Arrived::Done => answer_all(model, world),
        Arrived::GaveUp => turn_away(world),
    }
}

fn answer_all(model: &Cache, world: &mut World) {
    for guard in 0..world.guards.len() {
        let Some(Guard::Waits { asked_at, once_more }) = world.guards.get(guard).copied() else {
            continue;
        };
        let held = &world.object.memory.0;
        if let Some(answer) = held.after_fill(&question(guard), asked_at, world.now, &model.ages())
        {
            serve(world, guard, &answer);
        } else if once_more {
            world.object.begin_refill(world.now, &model.ages());
            set(world, guard, Guard::Waits { asked_at, once_more: false });
        } else {
            set(world, guard, Guard::Idle);
        }
    }
}

/// Whoever waits for a fill gets a 503.
pub(super) fn turn_away(world: &mut World) {
    for guard in &mut world.guards {
        if matches!(guard, Guard::Waits { .. }) {
            *guard = Guard::Idle;
        }
    }
}

pub(super) fn fail(world: &mut World, variant: Variant, landed: bool) {
    let Some(flight) = world.object.flight.take() else { return };
    if landed && flight.sent.registers {
        d1::register(&mut world.slot, 0, &flight.sent, world.now, variant);
    }
    turn_away(world);
}
