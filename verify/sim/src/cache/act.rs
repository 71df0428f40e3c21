//! What can happen next in the cache half.

use shared::cache::FillBackoff;

use super::{Bounds, Cache, Guard, TICK_MS, World};
use crate::d1;
use crate::object::Stage;
use crate::variant::Variant;
use crate::wire::{Ms, Sent, Told};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// D1 commits a change of what the user may do.
    Commit,
    /// The same by a change for everybody.
    CommitForAll,
    /// The consumer lets the watch take in what has changed for everybody.
    CatchUp,
    /// Time goes by.
    Tick,
    /// A guard asks.
    Ask(usize),
    /// A guard decides by the answer that it has.
    Decide(usize),
    /// D1 takes in the fill that the object waits for.
    Land,
    /// The same, by a replica that lags.
    LandLagging,
    /// The answer to the fill reaches the object.
    Arrive,
    /// The same, and what it brought cannot be written to the disk.
    ArriveUnsaved,
    /// As much time goes by as an object waits between its reads.
    Rest,
    /// The fill fails. Whether D1 took it in all the same.
    Fail(bool),
    /// D1 takes in a fill whose instance is gone.
    LandOrphan(Sent),
    /// A fill whose instance is gone is lost.
    LoseOrphan(Sent),
    /// The instance is thrown out of memory.
    Evict,
    /// The consumer or the sweep reads the outbox and sends the hint.
    Send,
    /// A hint reaches the object, and may come again.
    Hint(Told),
    /// The same, and its floor cannot be written to the disk.
    HintUnsaved(Told),
    /// A hint is lost.
    LoseHint(Told),
    /// The answer to a hint is written down, and may be so again.
    Settle(Told, bool),
    /// The answer to a hint is lost.
    LoseReply(Told, bool),
    /// The object's alarm rings.
    Ring,
    /// D1 ends a watch, and the object hears of it if it still waits.
    Unwatch(Ms),
    /// The object gives up waiting for the end of its watch, which may still come about.
    GiveUp,
    /// The end of a watch is lost.
    LoseUnwatch(Ms),
    /// Somebody notes the state of the database.
    Copy,
    /// The database is set back to it.
    Restore,
}

/// Lists what can happen.
pub(super) fn list(model: &Cache, world: &World, acts: &mut Vec<Act>) {
    let bounds = &model.bounds;
    if world.made < bounds.commits {
        acts.push(Act::Commit);
        if bounds.everybody {
            acts.push(Act::CommitForAll);
        }
    }
    if world.slot.behind {
        acts.push(Act::CatchUp);
    }
    if world.now - super::BEGIN < bounds.ticks * TICK_MS {
        acts.push(Act::Tick);
    }
    guards(world, acts);
    object(model, world, acts);
    network(world, acts, bounds);
    if bounds.alarms && world.object.alarm.is_some_and(|at| at <= world.now) {
        acts.push(Act::Ring);
    }
    if bounds.restores && world.restored_at.is_none() {
        acts.push(if world.copy.is_none() { Act::Copy } else { Act::Restore });
    }
}

fn guards(world: &World, acts: &mut Vec<Act>) {
    for (guard, state) in world.guards.iter().enumerate() {
        match state {
            Guard::Idle => acts.push(Act::Ask(guard)),
            Guard::Waits { .. } => {}
            Guard::Holds { .. } => acts.push(Act::Decide(guard)),
        }
    }
}

fn object(model: &Cache, world: &World, acts: &mut Vec<Act>) {
    match world.object.flight.map(|flight| flight.stage) {
        Some(Stage::Sent) => {
            acts.extend([Act::Land, Act::Fail(false)]);
            let registers = world.object.flight.is_some_and(|flight| flight.sent.registers);
            if registers {
                acts.push(Act::Fail(true));
            }
            // What writes goes to the primary; wrong forms let the replica answer that as well.
            let lease = model.variant == Variant::LeaseWithLaggingReads;
            if world.lagging.is_some() && (lease || !registers) {
                acts.push(Act::LandLagging);
            }
        }
        Some(Stage::Answered(_)) if model.bounds.trouble => {
            acts.extend([Act::Arrive, Act::ArriveUnsaved]);
        }
        Some(Stage::Answered(_)) => acts.push(Act::Arrive),
        None => {}
    }
    if world.object.pace != FillBackoff::default() {
        acts.push(Act::Rest);
    }
    if world.orphans.len() < model.bounds.under_way {
        acts.push(Act::Evict);
    }
    if world.object.ends.is_some() {
        acts.push(Act::GiveUp);
    }
}

fn network(world: &World, acts: &mut Vec<Act>, bounds: &Bounds) {
    let owed = d1::pending(&world.slot, 0);
    if world.hints.len() < 2 && owed.is_some_and(|told| !world.hints.contains(&told)) {
        acts.push(Act::Send);
    }
    for orphan in world.orphans.iter() {
        acts.extend([Act::LoseOrphan(orphan), Act::LandOrphan(orphan)]);
    }
    for told in world.hints.iter() {
        acts.push(Act::LoseHint(told));
        if world.replies.len() < bounds.under_way {
            acts.push(Act::Hint(told));
        }
        if bounds.trouble {
            acts.push(Act::HintUnsaved(told));
        }
    }
    for (told, gone) in world.replies.iter() {
        acts.extend([Act::Settle(told, gone), Act::LoseReply(told, gone)]);
    }
    for owner in world.unwatches.iter() {
        acts.extend([Act::Unwatch(owner), Act::LoseUnwatch(owner)]);
    }
}
