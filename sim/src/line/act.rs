//! What can happen next on the line.

use super::{Line, World};
use crate::d1;
use crate::object::Stage;
use crate::wire::Told;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Svix delivers an event, the door sends it to the queue and answers 2xx.
    Deliver(u8),
    /// The door fails before the queue has it: Svix will deliver it again.
    DeliverFailed(u8),
    /// A consumer gets one message or two, and nothing goes wrong: one step up to the sending of
    /// the hints. Until the commit the messages might as well lie in the queue.
    Run(usize, Option<usize>),
    /// A consumer gets one message or two, and something will go wrong.
    Take(usize, usize, Option<usize>),
    /// D1 commits a consumer's batch.
    Commit(usize),
    /// D1 commits it and says that it did not.
    CommitUnheard(usize),
    /// D1 refuses it for a passing reason.
    Refuse(usize),
    /// A consumer acknowledges what was committed.
    Acknowledge(usize),
    /// A consumer sends the hints that are owed.
    Push(usize),
    /// A consumer dies where it stands.
    Crash(usize),
    /// What the platform gave up is parked.
    Park(usize),
    /// An operator puts a dead letter back into the queue.
    Replay(u8),
    /// The cron sweep sends a hint that is owed.
    Sweep(u8),
    /// A hint reaches its object, and the answer D1.
    Hint(Told),
    /// A user's guard asks.
    Ask(u8),
    /// D1 takes in a user's fill.
    Land(u8),
    /// The answer to a user's fill comes in.
    Arrive(u8),
    /// A user's object is thrown out of memory.
    Evict(u8),
}

/// Lists what can happen.
pub(super) fn list(model: &Line, world: &World, acts: &mut Vec<Act>) {
    door(model, world, acts);
    queue(world, acts);
    for (index, consumer) in world.consumers.iter().enumerate() {
        let busy = *consumer != super::Consumer::default();
        if !consumer.messages.is_empty() || !consumer.letters.is_empty() {
            acts.push(Act::Commit(index));
            if world.left.errors != 0 {
                acts.extend([Act::Refuse(index), Act::CommitUnheard(index)]);
            }
        } else if !consumer.done.is_empty() {
            acts.push(Act::Acknowledge(index));
        } else if busy && world.left.crashes == 0 {
            // Else it would have been one that nothing happens to.
            acts.push(Act::Push(index));
        }
        if busy && world.left.crashes != 0 {
            acts.push(Act::Crash(index));
        }
    }
    acts.extend((0..world.dead.len()).map(Act::Park));
    let letters = bits(world.letters & !world.replayed);
    acts.extend(letters.map(Act::Replay));
    for user in 0..2 {
        caches(world, user, acts);
    }
    acts.extend(world.hints.iter().copied().map(Act::Hint));
}

/// The numbers of the bits that are set.
pub(super) fn bits(of: u32) -> impl Iterator<Item = u8> {
    (0..32_u8).filter(move |bit| of & (1 << bit) != 0)
}

fn door(model: &Line, world: &World, acts: &mut Vec<Act>) {
    for event in bits(world.unsent) {
        acts.push(Act::Deliver(event));
        if world.left.crashes != 0 && model.variant == super::Variant::NotedBeforeSent {
            acts.push(Act::DeliverFailed(event));
        }
    }
}

/// Equal messages are interchangeable, and so are idle consumers: one of each is enough. Only as
/// many consumers are looked at step by step as there are faults left to meet.
fn queue(world: &World, acts: &mut Vec<Act>) {
    let is_idle = |it: &&super::Consumer| **it == super::Consumer::default();
    let idle = world.consumers.iter().position(|it| is_idle(&it));
    let busy = world.consumers.len() - world.consumers.iter().filter(is_idle).count();
    let faults = usize::from(world.left.crashes) + usize::from(world.left.errors);
    let Some(consumer) = idle else { return };
    for (first, message) in world.queue.iter().enumerate() {
        if first != 0 && world.queue.get(first - 1) == Some(message) {
            continue;
        }
        let others = (first + 1..world.queue.len()).map(Some);
        for second in std::iter::once(None).chain(others) {
            acts.push(Act::Run(first, second));
            if busy < faults {
                acts.push(Act::Take(consumer, first, second));
            }
        }
    }
}

fn caches(world: &World, user: u8, acts: &mut Vec<Act>) {
    let place = usize::from(user);
    let (Some(object), Some(slot)) = (world.objects.get(place), world.slots.get(place)) else {
        return;
    };
    let owed = d1::pending(slot, user);
    if owed.is_some_and(|told| {
        !world.hints.contains(&told) && world.consumers.iter().all(|it| !it.owed.contains(&told))
    }) {
        acts.push(Act::Sweep(user));
    }
    let waits = world.waits.get(place).copied().unwrap_or_default();
    if !waits && world.asks.get(place).is_some_and(|left| *left != 0) {
        acts.push(Act::Ask(user));
    }
    match object.flight.map(|flight| flight.stage) {
        Some(Stage::Sent) => acts.push(Act::Land(user)),
        Some(Stage::Answered(_)) => acts.push(Act::Arrive(user)),
        None => {}
    }
    if world.left.evictions != 0 && object.memory.0.owner != 0 {
        acts.push(Act::Evict(user));
    }
}
