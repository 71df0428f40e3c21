//! What can happen next in the cache half.

use shared::cache::FillBackoff;

use super::world::{BEGIN, Bounds, Cache, Guard, TICK_MS, World};
use crate::d1;
use crate::object::Stage;
use crate::variant::Variant;
use crate::wire::{HintKey, Ms, SentFill};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
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
    LandOrphan(SentFill),
    /// A fill whose instance is gone is lost.
    LoseOrphan(SentFill),
    /// The instance is thrown out of memory.
    Evict,
    /// The consumer or the sweep reads the outbox and sends the hint.
    Send,
    /// A hint reaches the object, and may come again.
    Hint(HintKey),
    /// The same, and its floor cannot be written to the disk.
    HintUnsaved(HintKey),
    /// A hint is lost.
    LoseHint(HintKey),
    /// The answer to a hint is written down, and may be so again.
    Settle(HintKey, bool),
    /// The answer to a hint is lost.
    LoseReply(HintKey, bool),
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
pub(super) fn list(model: &Cache, world: &World, acts: &mut Vec<Action>) {
    let bounds = &model.bounds;
    if world.made < bounds.commits {
        acts.push(Action::Commit);
        if bounds.everybody {
            acts.push(Action::CommitForAll);
        }
    }
    if world.slot.behind {
        acts.push(Action::CatchUp);
    }
    if world.now - BEGIN < bounds.ticks * TICK_MS {
        acts.push(Action::Tick);
    }
    guards(world, acts);
    object(model, world, acts);
    network(world, acts, bounds);
    if bounds.alarms && world.object.alarm.is_some_and(|at| at <= world.now) {
        acts.push(Action::Ring);
    }
    if bounds.restores && world.restored_at.is_none() {
        acts.push(if world.copy.is_none() { Action::Copy } else { Action::Restore });
    }
}

fn guards(world: &World, acts: &mut Vec<Action>) {
    for (guard, state) in world.guards.iter().enumerate() {
        match state {
            Guard::Idle => acts.push(Action::Ask(guard)),
            Guard::Waits { .. } => {}
            Guard::Holds { .. } => acts.push(Action::Decide(guard)),
        }
    }
}

fn object(model: &Cache, world: &World, acts: &mut Vec<Action>) {
    match world.object.flight.map(|flight| flight.stage) {
        Some(Stage::Sent) => {
            acts.extend([Action::Land, Action::Fail(false)]);
            let registers = world.object.flight.is_some_and(|flight| flight.sent.registers);
            if registers {
                acts.push(Action::Fail(true));
            }
            // What writes goes to the primary; wrong forms let the replica answer that as well.
            let lease = model.variant == Variant::LeaseWithLaggingReads;
            if world.lagging.is_some() && (lease || !registers) {
                acts.push(Action::LandLagging);
            }
        }
        Some(Stage::Answered(_)) if model.bounds.trouble => {
            acts.extend([Action::Arrive, Action::ArriveUnsaved]);
        }
        Some(Stage::Answered(_)) => acts.push(Action::Arrive),
        None => {}
    }
    if world.object.pace != FillBackoff::default() {
        acts.push(Action::Rest);
    }
    if world.orphans.len() < model.bounds.under_way {
        acts.push(Action::Evict);
    }
    if world.object.ends.is_some() {
        acts.push(Action::GiveUp);
    }
}

fn network(world: &World, acts: &mut Vec<Action>, bounds: &Bounds) {
    let owed = d1::pending(&world.slot, 0);
    if world.hints.len() < 2 && owed.is_some_and(|key| !world.hints.contains(&key)) {
        acts.push(Action::Send);
    }
    for orphan in world.orphans.iter() {
        acts.extend([Action::LoseOrphan(orphan), Action::LandOrphan(orphan)]);
    }
    for key in world.hints.iter() {
        acts.push(Action::LoseHint(key));
        if world.replies.len() < bounds.under_way {
            acts.push(Action::Hint(key));
        }
        if bounds.trouble {
            acts.push(Action::HintUnsaved(key));
        }
    }
    for (key, gone) in world.replies.iter() {
        acts.extend([Action::Settle(key, gone), Action::LoseReply(key, gone)]);
    }
    for owner in world.unwatches.iter() {
        acts.extend([Action::Unwatch(owner), Action::LoseUnwatch(owner)]);
    }
}
