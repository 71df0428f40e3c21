//! The pipeline's steps: the door, the queue, the consumers, the dead letters, the operator.

use shared::fault::{Disposition, Fault};
use shared::limits::ATTEMPTS_MAX;
use shared::outbox::round;
use shared::plan::{Plan, plan};

use super::handout::{is, messages, name, part};
use super::history::Known;
use super::laws::Mark;
use super::store;
use super::{Consumer, Held, Line, World};
use crate::d1;
use crate::variant::Variant;
use crate::wire::{Told, USERS};

/// The attempt that a message's first one counts as: the last but one.
pub(super) const FIRST: u32 = ATTEMPTS_MAX - 1;

pub(super) const QUEUE: &str = "rolecall-events";

/// Svix delivers, and the door sends on.
pub(super) fn deliver(world: &mut World, event: u8, variant: Variant) {
    let bit = 1 << event;
    let noted = world.noted & bit != 0;
    if variant == Variant::NotedBeforeSent {
        world.noted |= bit;
    }
    if !(noted && variant == Variant::NotedBeforeSent) {
        enqueue(world, (event, FIRST));
    }
    world.accepted |= bit;
    world.unsent &= !bit;
}

/// Puts a message into the queue, or among the dead when it has been handed out too often.
pub(super) fn enqueue(world: &mut World, message: Held) {
    if ATTEMPTS_MAX < message.1 {
        world.dead.push(message.0);
        world.dead.sort_unstable();
    } else {
        world.queue.push(message);
        world.queue.sort_unstable();
    }
}

/// A consumer gets messages.
pub(super) fn take(model: &Line, world: &mut World, consumer: usize, places: &[usize]) {
    let mut places = places.to_vec();
    places.sort_unstable();
    let mut messages = Vec::new();
    for place in places.into_iter().rev() {
        if place < world.queue.len() {
            messages.push(world.queue.remove(place));
        }
    }
    messages.sort_unstable();
    if model.variant == Variant::InboxApart {
        // The wrong form skips what is noted, and notes the rest at once.
        messages.retain(|(event, _)| world.inbox & (1 << event) == 0);
        for (event, _) in &messages {
            world.inbox |= 1 << event;
        }
    }
    let Some(it) = world.consumers.get_mut(consumer) else { return };
    it.messages = messages;
}

/// D1 commits a consumer's batch, and says so or not.
pub(super) fn commit(model: &Line, world: &mut World, consumer: usize, heard: bool) {
    let Some(mut it) = world.consumers.get(consumer).cloned() else { return };
    let part = part(model, &it);
    if model.variant == Variant::ForeignKeys
        && let Some(refused) = it
            .messages
            .iter()
            .find(|(event, _)| store::is_orphan(&model.events, &world.rows, *event))
    {
        // What comes of it in the end: the culprit alone is parked.
        let refused = *refused;
        it.messages.retain(|held| *held != refused);
        it.letters.push(refused);
        place(world, consumer, it);
        return;
    }
    write(model, world, &plan(QUEUE, &part.messages, part.letters.clone()));
    if heard {
        let settled = part.committed();
        let acked = |held: &&Held| {
            settled.iter().any(|v| is(v, **held) && v.disposition == Disposition::Ack)
        };
        it.done = it.messages.iter().chain(&it.letters).filter(acked).copied().collect();
        it.owed = owed(world);
        (it.messages, it.letters) = (vec![], vec![]);
        place(world, consumer, it);
    } else {
        refuse(model, world, consumer);
    }
}

/// D1 refuses a consumer's batch, or so it says.
pub(super) fn refuse(model: &Line, world: &mut World, consumer: usize) {
    world.left.errors -= 1;
    let Some(mut it) = world.consumers.get(consumer).cloned() else { return };
    if model.variant == Variant::RefusedIsDone {
        place(world, consumer, Consumer::default());
        return;
    }
    let all: Vec<Held> = it.messages.iter().chain(&it.letters).copied().collect();
    let lost = Fault::of("Network connection lost");
    let next = part(model, &it).refused(&lost, 0);
    let back = |held: &&Held| next.verdicts.iter().any(|verdict| is(verdict, **held));
    for (event, attempts) in all.iter().filter(back) {
        enqueue(world, (*event, attempts + 1));
    }
    let letters = next.parts.iter().flat_map(|part| &part.letters);
    let ids: Vec<&String> = letters.map(|letter| &letter.message_id).collect();
    let parked = |held: &&Held| ids.iter().any(|id| **id == name(**held));
    it.letters = all.iter().filter(parked).copied().collect();
    it.messages = vec![];
    if model.variant == Variant::LettersAreForgotten {
        it.letters = vec![];
    }
    place(world, consumer, it);
}

/// A consumer dies: what it has not acknowledged is handed out again.
pub(super) fn crash(model: &Line, world: &mut World, consumer: usize) {
    world.left.crashes -= 1;
    let Some(it) = world.consumers.get(consumer).cloned() else { return };
    place(world, consumer, Consumer::default());
    if model.variant == Variant::AckBeforeCommit {
        return;
    }
    for (event, attempts) in it.messages.iter().chain(&it.letters).chain(&it.done) {
        enqueue(world, (*event, attempts + 1));
    }
}

/// What the platform gave up is parked, by the same plan.
pub(super) fn park(model: &Line, world: &mut World, index: usize) {
    if world.dead.len() <= index {
        return;
    }
    let event = world.dead.remove(index);
    let letters = messages(model, &[(event, ATTEMPTS_MAX)])
        .iter()
        .map(|message| message.park("rolecall-dead", "retries-exhausted", ""))
        .collect();
    write(model, world, &plan("rolecall-dead", &[], letters));
}

/// An operator replays: the message goes through the queue again.
pub(super) fn replay(world: &mut World, event: u8) {
    world.replayed |= 1 << event;
    world.marks |= Mark::Replayed.bit();
    enqueue(world, (event, FIRST));
}

/// The outbox, as the batch reads it last.
fn owed(world: &World) -> std::collections::BTreeSet<Told> {
    let pending: Vec<_> = (0_u8..)
        .zip(&world.slots)
        .filter_map(|(user, slot)| d1::pending(slot, user))
        .map(|told| told.pending())
        .collect();
    let told = round(vec![], pending).into_iter().filter_map(|pending| {
        let user = (0_u8..).zip(USERS).find(|(_, id)| *id == pending.user_id)?.0;
        Some(Told { user, owner: pending.owner, version: pending.version })
    });
    told.collect()
}

/// Writes one plan: rows and bumps, deliveries, dead letters; all or nothing.
fn write(model: &Line, world: &mut World, plan: &Plan) {
    let codes = |world: &World| {
        [0, 1].map(|user| store::code(&model.events, &world.rows, user, model.variant))
    };
    for change in plan.changes.values().flatten() {
        let found = model.events.iter().position(|known| known.change == *change);
        let Some(event) = found.and_then(|event| u8::try_from(event).ok()) else { continue };
        let (before, was) = (world.rows.clone(), codes(world));
        if store::take(&model.events, &mut world.rows, event, model.variant) {
            let rows = (&before, &world.rows);
            let users = store::bumped(&model.events, rows.0, rows.1, event, model.variant);
            let slots = (0_u8..).zip(&mut world.slots);
            for (_, slot) in slots.filter(|(user, _)| users.contains(user)) {
                d1::bump(slot, super::step::NOW, model.variant);
            }
        }
        world.joined |= 1 << event;
        let is = codes(world);
        isolated(model, world, event, was, is);
    }
    let codes = codes(world);
    for (was, code) in world.was.iter_mut().zip(codes) {
        *was |= 1 << code;
    }
    for delivery in &plan.deliveries {
        let parked = delivery.verdict == shared::plan::Verdict::Parked;
        let known = model.events.iter().position(|it| it.message.envelope == delivery.envelope);
        let Some(bit) = known.map(|event| 1_u32 << event) else { continue };
        if !parked {
            world.inbox |= bit;
        }
    }
    for letter in &plan.dead_letters {
        let event = letter.message_id.split(':').next();
        if let Some(Ok(event)) = event.map(str::parse::<u8>) {
            world.letters |= 1 << event;
            if letter.attempts < ATTEMPTS_MAX {
                world.marks |= Mark::ParkedEarly.bit();
            }
        }
    }
}

/// I11: an event about a user or a membership changes nothing for the other user.
fn isolated(model: &Line, world: &mut World, event: u8, was: [u16; 2], is: [u16; 2]) {
    let Some(Known { change, .. }) = store::at(&model.events, event) else { return };
    let everybody = change.entity == shared::merge::Entity::Organization;
    let changed = was.iter().zip(is).filter(|(was, is)| **was != *is).count();
    if !everybody && 1 < changed {
        world.marks |= Mark::Leaked.bit();
    }
}

fn place(world: &mut World, consumer: usize, it: Consumer) {
    if let Some(place) = world.consumers.get_mut(consumer) {
        *place = it;
    }
}
