//! The queue, and the consumer of a letter's message.

use shared::operators::letter::LetterOutcome;

use super::action::Fate;
use super::life;
use super::mark::Mark;
use super::world::{Letters, Message, World};
use crate::variant::Variant;

/// A message is sent. One of the same mark must not be there.
pub(super) fn enqueue(world: &mut World, message: Message) {
    let same = |it: Message| it.letter == message.letter && it.round == message.round;
    let twice = world.queue.iter().any(same);
    if twice {
        world.marks |= Mark::SentTwice.bit();
    }
    world.queue.insert(Message { again: twice, ..message });
}

/// The consumer takes a message.
pub(super) fn run(model: &Letters, world: &mut World, message: Message, fate: Fate) {
    if matches!(fate, Fate::DoneUnacked | Fate::FailsUnacked) {
        world.left.crashes -= 1;
    } else {
        world.queue.remove(&message);
    }
    if matches!(fate, Fate::Fails | Fate::FailsUnacked) {
        world.left.failures -= 1;
        return life::park_again(model, world, message);
    }
    let dies = fate == Fate::DoneUnacked;
    let before = *world;
    let Some(outcome) = apply(model, world, message) else { return };
    // In two batches, a consumer that dies between them leaves one of the two undone.
    if dies && model.variant == Variant::OutcomeAfter {
        return;
    }
    if dies && model.variant == Variant::OutcomeBefore {
        *world = before;
    }
    life::settle(model, world, message, outcome);
}

/// The effects of a message, and what they were.
fn apply(model: &Letters, world: &mut World, message: Message) -> Option<LetterOutcome> {
    let place = usize::from(message.letter);
    let (event, row) = (model.content(message.letter), world.rows.get_mut(place)?);
    let inbox = world.inbox.get_mut(place)?;
    let mut after = model.law.apply(event, *row, *inbox);
    if model.variant == Variant::ReplayOverwrites {
        after = (event, LetterOutcome::Applied);
    }
    let (after, outcome) = after;
    if after != *row {
        world.took |= 1 << message.letter;
        if inbox.is_some() {
            world.marks |= Mark::Redone.bit();
        }
    }
    *row = after;
    *inbox = inbox.or(Some(outcome.state()));
    Some(outcome)
}
