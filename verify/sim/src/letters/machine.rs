//! The next step of a replay, asked of `shared::operators::replay` once for each thing that can be
//! read.

use std::sync::PoisonError;

use shared::operators::api::replays::{ReplayAction, ReplayState};
use shared::operators::letter::{LetterClass, LetterOutcome, LetterState};
use shared::operators::replay::{Mark, next_step, plan_page};

use super::law::Content;
use super::paper;
use super::stored::{NOW, machine, numbers, reads, stored};
use super::world::{Became, Intent, Item, LETTERS, Letters, Machine, Number, Replay, World};
use crate::variant::Variant;

/// What comes next in a replay, unless it waits for an operator or for messages.
pub(super) fn decide(model: &Letters, world: &World, number: Number) -> Option<Intent> {
    let replay = world.replay(number)?;
    let rest = matches!(replay.machine.state, ReplayState::Planned | ReplayState::Paused);
    if rest || !replay.machine.open {
        return None;
    }
    let letters = world.letters.map(|it| (it.state, it.generation));
    let walks = matches!(replay.machine.state, ReplayState::Planning | ReplayState::Checking);
    let (rows, inbox) =
        if walks { (world.rows, world.inbox) } else { ([Content::None; LETTERS], [None; LETTERS]) };
    let read = (number, replay, letters, rows, inbox);
    let memory = &model.memory.0;
    let known = memory.read().unwrap_or_else(PoisonError::into_inner).get(&read).copied();
    if let Some(known) = known {
        return known;
    }
    let decided = if walks {
        walk(model, world, number, &replay)
    } else {
        step(model, world, number, &replay)
    };
    memory.write().unwrap_or_else(PoisonError::into_inner).insert(read, decided);
    decided
}

/// Makes the plan, or checks it.
fn walk(model: &Letters, world: &World, number: Number, replay: &Replay) -> Option<Intent> {
    let before = stored(model, number, replay)?;
    let walked = plan_page(&before, &paper::page(&model.rows, world), &paper::facts(world), NOW);
    let plans = before.state == ReplayState::Planning;
    let mut items = replay.items;
    if plans {
        items = [None; LETTERS];
        for folded in &walked.letters {
            let place: usize = folded.id.parse().ok()?;
            let generation = u8::try_from(folded.generation).unwrap_or(u8::MAX);
            let (planned, became) = (folded.class, Became::Waiting);
            *items.get_mut(place)? = Some(Item { planned, generation, became });
        }
    }
    let mut after = machine(model, &walked.after, replay);
    if model.variant == Variant::ApplyWithoutHash && after.state == ReplayState::Refused {
        let sends = before.action == ReplayAction::Replay;
        after.state = if sends { ReplayState::Canary } else { ReplayState::Running };
    }
    if model.variant == Variant::NoCanary && after.state == ReplayState::Canary {
        after.state = ReplayState::Running;
    }
    let holds = !plans && classify(model, world) == replay.items;
    Some(Intent::Walk { after, items, holds, acts: walked.act.is_some() })
}

/// Sends, discards, leaves, waits or ends.
fn step(model: &Letters, world: &World, number: Number, replay: &Replay) -> Option<Intent> {
    let before = stored(model, number, replay)?;
    let step = next_step(&before, &reads(model, world, replay), NOW)?;
    let mut generations = [0; LETTERS];
    let mut of = |mark: &Mark| -> u8 {
        // One that is not modelled is sent, and applied at once.
        let Ok(number) = mark.id.parse::<Number>() else { return 0 };
        if let Some(place) = generations.get_mut(usize::from(number)) {
            *place = u8::try_from(mark.generation).unwrap_or(u8::MAX);
        }
        1 << number
    };
    let send = step.send.iter().fold(0, |bits, (mark, _)| bits | of(mark));
    let discard = step.discard.iter().fold(0, |bits, mark| bits | of(mark));
    Some(Intent::Step {
        after: machine(model, &step.after, replay),
        send,
        discard,
        leave: numbers(model, replay, &step.leave),
        leave_waiting: step.leave_waiting,
        generations,
        acts: !step.acts.is_empty(),
    })
}

/// What would become of each letter that is parked, were it sent now: the model's own answer.
fn classify(model: &Letters, world: &World) -> [Option<Item>; LETTERS] {
    let mut plan = [None; LETTERS];
    for (number, place) in model.numbers().zip(&mut plan) {
        *place = one(model, world, number);
    }
    plan
}

fn one(model: &Letters, world: &World, number: Number) -> Option<Item> {
    let letter = world.letter(number).filter(|it| it.state == LetterState::Parked)?;
    let place = usize::from(number);
    let (row, before) = (world.rows.get(place)?, *world.inbox.get(place)?);
    let planned = match model.law.apply(model.content(number), *row, before).1 {
        LetterOutcome::Applied => LetterClass::Applied,
        LetterOutcome::Superseded => LetterClass::Superseded,
        LetterOutcome::Duplicate => LetterClass::Duplicate,
    };
    Some(Item { planned, generation: letter.generation, became: Became::Waiting })
}

/// The canary of a replay, as bits: the first letters that it sends. Those of `leave` are left.
pub(super) fn first(model: &Letters, number: Number, replay: &Replay, leave: u8) -> u8 {
    let unchanged = model.bounds.replays.get(usize::from(number)).is_some_and(|it| it.1);
    let sends = |item: &Item| {
        item.became != Became::Left && (!unchanged || item.planned == LetterClass::Applied)
    };
    let all = (0_u8..).zip(&replay.items).filter(|(number, _)| leave & 1 << number == 0);
    let sent = all.filter(|(_, item)| item.as_ref().is_some_and(sends));
    sent.take(model.bounds.canary).fold(0, |bits, (number, _)| bits | 1 << number)
}

/// A replay before its first step.
pub(super) fn begin(open: bool) -> Replay {
    let state = if open { ReplayState::Planning } else { ReplayState::Done };
    let machine = Machine { state, paused: None, open, canary: None, position: -1, plan: [0; 32] };
    Replay { machine, items: [None; LETTERS], held: false }
}
