//! The pipeline's steps: the door, the queue, the consumers, the dead letters, the operator.

use super::action::Fate;
use super::decided::{Decided, MessageNumber, Pair, each, event, is_last, message_number, pair};
use super::mark::Mark;
use super::world::{Consumer, Line, World};
use super::write::{owed, write};
use crate::variant::Variant;
use crate::wire::HintKey;

/// Svix delivers, and the door sends on.
pub(super) fn deliver(world: &mut World, event: u8, variant: Variant) {
    send(world, event, variant);
    world.accepted |= 1 << event;
    world.unsent &= !(1 << event);
}

/// The door sends a delivery to the queue. The wrong form does not send what it has noted.
pub(super) fn send(world: &mut World, event: u8, variant: Variant) {
    let is_noted = variant == Variant::NotedBeforeSent && world.noted & (1 << event) != 0;
    if !is_noted {
        enqueue(world, message_number(event, false));
    }
    note(world, event, variant);
}

pub(super) fn note(world: &mut World, event: u8, variant: Variant) {
    if variant == Variant::NotedBeforeSent {
        world.noted |= 1 << event;
    }
}

/// Puts a message into the queue.
pub(super) fn enqueue(world: &mut World, held: MessageNumber) {
    if let Some(count) = world.queue.get_mut(usize::from(held).wrapping_sub(1)) {
        *count += 1;
    }
}

/// Puts a message back for its next attempt, or among the dead when there is none.
fn put_back(world: &mut World, it: MessageNumber) {
    if !is_last(it) {
        enqueue(world, message_number(event(it), true));
    } else if let Some(count) = world.dead.get_mut(usize::from(event(it))) {
        *count += 1;
    }
}

/// Whether a consumer has something to commit.
pub(super) fn is_before_commit(consumer: &Consumer) -> bool {
    (consumer.messages, consumer.letters) != (Pair::default(), Pair::default())
}

/// One consumer's work as one step.
pub(super) fn run(model: &Line, world: &mut World, batch: Pair, fate: Fate) {
    take(model, world, 0, batch);
    meet(model, world, fate);
    if is_before_commit(&world.consumers[0]) {
        // A wrong form parks after a refusal.
        meet(model, world, if world.down { Fate::Refused } else { Fate::Done });
    }
}

fn meet(model: &Line, world: &mut World, fate: Fate) {
    if fate == Fate::DiesFirst {
        return crash(model, world, 0);
    }
    if matches!(fate, Fate::Refused | Fate::Unheard) {
        return if fate == Fate::Refused { refuse } else { unheard }(model, world, 0);
    }
    while is_before_commit(&world.consumers[0]) {
        commit(model, world, 0);
    }
    if matches!(fate, Fate::Done | Fate::DiesBeforePush) {
        acknowledge(world, 0);
    }
    if matches!(fate, Fate::Done | Fate::DiesBeforeAck) {
        push(world, 0);
    }
    if fate != Fate::Done && world.consumers[0] != Consumer::default() {
        crash(model, world, 0);
    }
}

/// A consumer gets messages.
pub(super) fn take(model: &Line, world: &mut World, consumer: usize, batch: Pair) {
    for held in each(batch) {
        if let Some(count) = world.queue.get_mut(usize::from(held) - 1) {
            *count -= 1;
        }
    }
    let mut messages = batch;
    if model.variant == Variant::InboxApart {
        // The wrong form skips what is noted, and notes the rest at once.
        messages = pair(each(batch).filter(|it| world.inbox & (1 << event(*it)) == 0));
        for held in each(messages) {
            world.inbox |= 1 << event(held);
        }
    }
    if let Some(it) = world.consumers.get_mut(consumer) {
        it.messages = messages;
    }
}

/// D1 commits a consumer's batch, and says so.
pub(super) fn commit(model: &Line, world: &mut World, consumer: usize) {
    let Some(mut it) = world.consumers.get(consumer).copied() else { return };
    if let Some(orphan) = orphan(model, world, &it) {
        // What comes of it in the end: the culprit alone is parked.
        it.messages = pair(each(it.messages).filter(|held| *held != orphan));
        it.letters = pair(each(it.letters).chain([orphan]));
        return put(world, consumer, it);
    }
    let acks = write_all(model, world, &it);
    put(world, consumer, Consumer { done: acks, owed: owed(world), ..Consumer::default() });
}

/// D1 commits a consumer's batch, and says that it did not.
pub(super) fn unheard(model: &Line, world: &mut World, consumer: usize) {
    let Some(it) = world.consumers.get(consumer).copied() else { return };
    write_all(model, world, &it);
    refuse(model, world, consumer);
}

/// What the batch commits; gives what is acknowledged then.
fn write_all(model: &Line, world: &mut World, it: &Consumer) -> Pair {
    let mut acks = vec![];
    for decided in decided(model, it) {
        write(model, world, decided);
        acks.extend(each(decided.acks));
    }
    pair(acks)
}

/// What was decided of each half of a batch that is not empty.
fn decided<'a>(model: &'a Line, it: &Consumer) -> impl Iterator<Item = &'a Decided> + use<'a> {
    let applied = model.decisions.applied(it.messages).filter(|it| it.acks != Pair::default());
    let parked = model.decisions.parked(it.letters).filter(|it| it.acks != Pair::default());
    applied.into_iter().chain(parked)
}

/// The first message that a foreign key refuses, in the wrong form that has one.
fn orphan(model: &Line, world: &World, it: &Consumer) -> Option<MessageNumber> {
    if model.variant != Variant::ForeignKeys {
        return None;
    }
    let orphans = model.table.at(world.rows)?.orphans;
    each(it.messages).find(|held| orphans & (1 << event(*held)) != 0)
}

/// D1 refuses a consumer's batch, or so it says.
pub(super) fn refuse(model: &Line, world: &mut World, consumer: usize) {
    if !world.down {
        world.left.errors -= 1;
    }
    let Some(it) = world.consumers.get(consumer).copied() else { return };
    if model.variant == Variant::RefusedIsDone {
        return put(world, consumer, Consumer::default());
    }
    let back = decided(model, &it).flat_map(|it| each(it.back)).collect::<Vec<_>>();
    let parks = model.variant == Variant::AbsenceIsParked && it.letters == Pair::default();
    let is_wrong = parks || model.variant == Variant::DeadLettersNotWritten;
    let (last, back): (Vec<_>, Vec<_>) =
        back.into_iter().partition(|held| is_wrong && is_last(*held));
    for held in back {
        put_back(world, held);
    }
    let letters = if parks { pair(last) } else { Pair::default() };
    put(world, consumer, Consumer { letters, ..Consumer::default() });
}

/// A consumer acknowledges what was committed.
pub(super) fn acknowledge(world: &mut World, consumer: usize) {
    if let Some(it) = world.consumers.get_mut(consumer) {
        it.done = Pair::default();
    }
}

/// A consumer sends its hints. One for which there is no room is lost, and one that D1 has noted as
/// taken meanwhile is not sent again: repeated hints are the cache half's.
pub(super) fn push(world: &mut World, consumer: usize) {
    let Some(it) = world.consumers.get_mut(consumer) else { return };
    let owed = std::mem::take(&mut it.owed);
    for key in owed.iter() {
        let slot = world.slots.get(usize::from(key.user));
        let watch = slot.and_then(|slot| slot.watch);
        let is_open = watch.is_some_and(|w| w.owner == key.owner && w.acked < key.version);
        if is_open && may_send(world, &key) {
            world.hints.insert(key);
        }
    }
}

/// Whether there is room for this hint, and it is not under way already.
pub(super) fn may_send(world: &World, key: &HintKey) -> bool {
    let under_way = world.hints.iter().filter(|it| it.user == key.user).count();
    under_way < 2 && !world.hints.contains(key)
}

/// A consumer dies: what it has not acknowledged is handed out again.
pub(super) fn crash(model: &Line, world: &mut World, consumer: usize) {
    world.left.crashes -= 1;
    let Some(it) = world.consumers.get(consumer).copied() else { return };
    put(world, consumer, Consumer::default());
    if model.variant == Variant::AckBeforeCommit {
        return;
    }
    for held in each(it.messages).chain(each(it.letters)).chain(each(it.done)) {
        put_back(world, held);
    }
}

/// An operator replays: the message goes through the queue again.
pub(super) fn replay(world: &mut World, event: u8) {
    world.replayed |= 1 << event;
    world.marks |= Mark::Replayed.bit();
    enqueue(world, message_number(event, false));
}

fn put(world: &mut World, consumer: usize, it: Consumer) {
    if let Some(place) = world.consumers.get_mut(consumer) {
        *place = it;
    }
}
