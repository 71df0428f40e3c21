//! A driver carries a replay on: it reads, commits, sends, and writes that it has sent.

use shared::operators::api::replays::ReplayState;
use shared::operators::letter::LetterState;

use super::life::{self, become_machine, put_driver};
use super::machine;
use super::mark::Mark;
use super::queue::enqueue;
use super::world::{Became, Driver, Intent, Item, LETTERS, Letters, Message, Number, World, bits};
use crate::small_set::SmallSet;
use crate::variant::Variant;

/// A driver reads a replay and the head of the audit trail, and decides.
pub(super) fn decide(model: &Letters, world: &mut World, driver: usize, replay: Number) {
    if let Some(intent) = machine::decide(model, world, replay) {
        let (stale, moved, sent) = (false, false, false);
        put_driver(world, driver, Driver::Decided { replay, intent, stale, moved, sent });
    }
}

/// It commits its step, unless another driver has: then it has nothing to do. When only the head
/// of the audit trail has moved, it reads that again.
pub(super) fn commit(model: &Letters, world: &mut World, driver: usize) {
    let Some(Driver::Decided { replay, intent, stale: late, moved, sent }) =
        world.drivers.get(driver).copied()
    else {
        return;
    };
    let blind = model.variant == Variant::StepNotCompared;
    if late && !(blind && matches!(intent, Intent::Step { .. })) {
        world.marks |= Mark::TooLate.bit();
        return put_driver(world, driver, Driver::Idle);
    }
    let (Intent::Walk { acts, .. } | Intent::Step { acts, .. }) = intent;
    if moved && acts {
        if model.variant != Variant::HeadNotCompared {
            let moved = false;
            let again = Driver::Decided { replay, intent, stale: late, moved, sent };
            return put_driver(world, driver, again);
        }
        world.marks |= Mark::Forked.bit();
    }
    if model.variant == Variant::SentBeforeMarked
        && let (Intent::Step { send: letters @ 1.., .. }, false) = (intent, sent)
    {
        bits(letters).for_each(|number| send_unmarked(world, number));
        let (stale, sent) = (late, true);
        return put_driver(world, driver, Driver::Decided { replay, intent, stale, moved, sent });
    }
    put_driver(world, driver, Driver::Idle);
    judge(model, world, replay, intent);
    match intent {
        Intent::Walk { after, items, holds, .. } => {
            if let Some(row) = world.replays.get_mut(usize::from(replay)) {
                (row.items, row.held) = (items, holds);
            }
            become_machine(world, replay, after);
        }
        Intent::Step { after, send, discard, leave, leave_waiting, generations, .. } => {
            let left = if leave_waiting { u8::MAX } else { leave };
            life::leave(world, replay, left);
            let messages = mark(model, world, replay, send, generations);
            for (number, generation) in chosen(discard, generations) {
                life::discard(model, world, number, replay, generation);
            }
            become_machine(world, replay, after);
            let next = if sent { Driver::Sent(messages) } else { Driver::Marked(messages) };
            put_driver(world, driver, if messages.is_empty() { Driver::Idle } else { next });
            if model.variant == Variant::AuditAfter && send | discard != 0 {
                world.unaudited = true;
                return;
            }
        }
    }
    if acts {
        life::audit(world);
    }
}

/// It sends the messages of the letters that it has marked.
pub(super) fn send(world: &mut World, driver: usize) {
    let Some(Driver::Marked(messages)) = world.drivers.get(driver).copied() else { return };
    messages.iter().for_each(|message| enqueue(world, message));
    world.unaudited = false;
    put_driver(world, driver, Driver::Sent(messages));
}

/// It writes that it has sent them.
pub(super) fn set_sent(world: &mut World, driver: usize) {
    let Some(Driver::Sent(messages)) = world.drivers.get(driver).copied() else { return };
    messages.iter().for_each(|it| life::set_sent(world, it.letter, it.round));
    put_driver(world, driver, Driver::Idle);
}

fn send_unmarked(world: &mut World, number: Number) {
    let Some(letter) = world.letter(number) else { return };
    let (generation, round, again) = (letter.generation, letter.round + 1, false);
    enqueue(world, Message { letter: number, generation, round, again });
}

fn mark(
    model: &Letters,
    world: &mut World,
    replay: Number,
    of: u8,
    generations: [u8; LETTERS],
) -> SmallSet<Message, LETTERS> {
    let mut messages = SmallSet::default();
    for (number, generation) in chosen(of, generations) {
        let Some(before) = world.letter(number) else { continue };
        let mut round = life::mark(world, number, replay, generation);
        if round.is_none() {
            world.marks |= Mark::Taken.bit();
        }
        if model.variant == Variant::UnmarkedAreSent {
            round = round.or(Some(before.round));
        }
        if let Some(round) = round {
            messages.insert(Message { letter: number, generation, round, again: false });
        }
    }
    messages
}

/// Each letter of a step, and the generation at which it is taken.
fn chosen(of: u8, generations: [u8; LETTERS]) -> impl Iterator<Item = (Number, u8)> {
    (0_u8..).zip(generations).filter(move |(number, _)| of & 1 << number != 0)
}

/// Whether this step may be taken at all: asked of the replay itself, not of the machine.
fn judge(model: &Letters, world: &mut World, number: Number, intent: Intent) {
    let Some(replay) = world.replay(number) else { return };
    let Intent::Step { send, discard, leave, .. } = intent else { return };
    if send | discard == 0 {
        return;
    }
    if !replay.held {
        world.marks |= Mark::PlanDidNotHold.bit();
    }
    if !matches!(replay.machine.state, ReplayState::Canary | ReplayState::Running) {
        world.marks |= Mark::NotOpen.bit();
    }
    let first = machine::first(model, number, &replay, leave);
    let open = |letter: Number| {
        let became = item(world, number, letter).map(|it| it.became);
        became.is_none_or(|it| {
            matches!(it, Became::Waiting | Became::Sent | Became::Is(LetterState::Parked))
        })
    };
    if send & !first != 0 && bits(first).any(open) {
        world.marks |= Mark::BeforeCanary.bit();
    }
}

fn item(world: &World, replay: Number, number: Number) -> Option<Item> {
    world.replay(replay)?.items.get(usize::from(number)).copied().flatten()
}
