//! The steps of a letter's life, by `shared::operators::letter`, and what the replay is told.

use shared::operators::api::replays::ReplayState;
use shared::operators::letter::{self, LetterOutcome, LetterState, LetterStep};
use shared::time::UnixMillis;

use super::mark::Mark;
use super::world::{Became, Driver, Letter, Letters, Machine, Message, Number, World, bits};
use crate::variant::Variant;

/// A letter after a step, if the step leads from here.
fn after(it: Letter, step: &LetterStep) -> Option<Letter> {
    let is_replaying = it.state == LetterState::Replaying;
    let before = letter::Letter {
        state: it.state,
        generation: it.generation.into(),
        attempts: 1,
        returns: 0,
        claim: if is_replaying { it.round.to_string() } else { String::new() },
        sent_at: it.sent.then_some(UnixMillis(0)),
    };
    let after = before.after(step).ok()?;
    // Nobody asks a letter that has its outcome whether its message was sent.
    let sent = after.sent_at.is_some() && after.state == LetterState::Replaying;
    let generation = u8::try_from(after.generation).unwrap_or(u8::MAX);
    Some(Letter { state: after.state, generation, sent, ..it })
}

/// Marks a letter that is parked at the planned generation: its message will be sent. The round
/// of the mark, unless it was taken already.
pub(super) fn mark(
    world: &mut World,
    number: Number,
    replay: Number,
    generation: u8,
) -> Option<u8> {
    let letter = world.letter(number)?;
    let round = letter.round + 1;
    let (generation, claim) = (generation.into(), round.to_string());
    let next = after(letter, &LetterStep::Mark { generation, claim })?;
    put(world, number, Letter { replay: Some(replay), round, ..next });
    tell(world, number, Became::Sent);
    Some(round)
}

/// Writes that a letter's message is in the queue, if no other mark took it since.
pub(super) fn set_sent(world: &mut World, number: Number, round: u8) {
    let Some(letter) = world.letter(number) else { return };
    let step = LetterStep::Sent { claim: round.to_string(), at: UnixMillis(0) };
    if let Some(next) = after(letter, &step) {
        put(world, number, next);
    }
}

/// The consumer writes what became of a letter, with the effects. A letter that has its outcome
/// keeps it; one that was returned meanwhile learns the truth.
pub(super) fn settle(model: &Letters, world: &mut World, of: Message, outcome: LetterOutcome) {
    let Some(letter) = world.letter(of.letter) else { return };
    let mut next = after(letter, &LetterStep::Outcome(outcome));
    if letter.state.is_final() {
        world.marks |= Mark::ToldAgain.bit();
        if model.variant == Variant::OutcomeTwice {
            next = Some(Letter { state: outcome.state(), ..letter });
        }
    }
    let Some(next) = next else { return };
    if letter.state.is_final() {
        world.marks |= Mark::Reopened.bit();
    }
    if letter.state == LetterState::Parked {
        world.marks |= Mark::Late.bit();
    }
    put(world, of.letter, next);
    tell(world, of.letter, Became::Is(next.state));
    audit(world);
}

/// The consumer parks a letter again whose message failed.
pub(super) fn park_again(model: &Letters, world: &mut World, of: Message) {
    let Some(letter) = world.letter(of.letter) else { return };
    let any = model.variant == Variant::ParkedByAnyMessage;
    let generation = if any { letter.generation } else { of.generation };
    let step = LetterStep::ParkAgain { generation: generation.into(), attempts: 1 };
    let Some(next) = after(letter, &step) else { return };
    if of.round != letter.round {
        world.marks |= Mark::NotItsOwn.bit();
    }
    put(world, of.letter, next);
    tell(world, of.letter, Became::Is(LetterState::Parked));
    audit(world);
}

/// The sweep returns a letter whose message is lost, or seems to be. Its replay sends it again, if
/// it goes on.
pub(super) fn give_back(model: &Letters, world: &mut World, number: Number) {
    let Some(letter) = world.letter(number) else { return };
    let step = LetterStep::Return { generation: letter.generation.into() };
    let Some(mut next) = after(letter, &step) else { return };
    if model.variant == Variant::ReturnKeepsGeneration {
        next.generation = letter.generation;
    }
    world.marks |= Mark::Returned.bit();
    put(world, number, next);
    if model.variant != Variant::ReturnIsNotTold {
        tell(world, number, Became::Waiting);
    }
    audit(world);
}

/// An operator discards a letter that is parked at the planned generation.
pub(super) fn discard(
    model: &Letters,
    world: &mut World,
    number: Number,
    replay: Number,
    generation: u8,
) {
    let Some(mut letter) = world.letter(number) else { return };
    if model.variant == Variant::DiscardsWhatIsSent && letter.state == LetterState::Replaying {
        letter.state = LetterState::Parked;
    }
    let step = LetterStep::Discard { generation: generation.into() };
    let Some(next) = after(letter, &step) else { return };
    put(world, number, Letter { replay: Some(replay), ..next });
    tell(world, number, Became::Is(next.state));
    world.discarded |= 1 << number;
}

/// A row of the audit trail, in the batch of the act. A driver that read its head before must
/// read it again.
pub(super) fn audit(world: &mut World) {
    for driver in &mut world.drivers {
        if let Driver::Decided { moved, .. } = driver {
            *moved = true;
        }
    }
}

fn put(world: &mut World, number: Number, letter: Letter) {
    if let Some(row) = world.letters.get_mut(usize::from(number)) {
        *row = letter;
    }
}

/// The trigger of `dead_letters`: the replay that took the letter last is told. One that is at its
/// end leaves a letter that is returned.
fn tell(world: &mut World, number: Number, became: Became) {
    let Some(letter) = world.letter(number) else { return };
    let replay = letter.replay.and_then(|it| world.replays.get_mut(usize::from(it)));
    let Some(replay) = replay else { return };
    let is_open = replay.machine.open;
    let item = replay.items.get_mut(usize::from(number)).and_then(Option::as_mut);
    let Some(item) = item else { return };
    if became == Became::Waiting {
        item.generation = letter.generation;
    }
    item.became = if became == Became::Waiting && !is_open { Became::Left } else { became };
}

/// Of these letters of a replay, those that wait are left.
pub(super) fn leave(world: &mut World, replay: Number, of: u8) {
    let Some(replay) = world.replays.get_mut(usize::from(replay)) else { return };
    for number in bits(of) {
        let item = replay.items.get_mut(usize::from(number)).and_then(Option::as_mut);
        if let Some(item) = item.filter(|it| it.became == Became::Waiting) {
            item.became = Became::Left;
        }
    }
}

/// A replay is somewhere else. A driver that has read it before comes too late.
pub(super) fn become_machine(world: &mut World, number: Number, machine: Machine) {
    let Some(replay) = world.replays.get_mut(usize::from(number)) else { return };
    let turns = |to: ReplayState| machine.state == to && replay.machine.state != to;
    let (refused, stopped) = (turns(ReplayState::Refused), turns(ReplayState::Stopped));
    replay.machine = machine;
    world.marks |= if refused { Mark::Refused.bit() } else { 0 };
    world.marks |= if stopped { Mark::Stopped.bit() } else { 0 };
    stale(world, number);
}

/// The number of the replay's last step has changed.
fn stale(world: &mut World, number: Number) {
    for driver in &mut world.drivers {
        if let Driver::Decided { replay, stale, .. } = driver
            && *replay == number
        {
            *stale = true;
        }
    }
}

/// Sets what a driver does.
pub(super) fn put_driver(world: &mut World, driver: usize, it: Driver) {
    if let Some(place) = world.drivers.get_mut(driver) {
        *place = it;
    }
}
