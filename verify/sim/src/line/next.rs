//! What can happen next on the line.

use super::action::{Action, Fate};
use super::decided::{MessageNumber, Pair, pair};
use super::pipe;
use super::world::{Consumer, Line, World};
use crate::d1;
use crate::object::Stage;
use crate::variant::Variant;
use crate::wire::HintKey;

/// Lists what can happen.
pub(super) fn list(model: &Line, world: &World, acts: &mut Vec<Action>) {
    door(world, acts);
    for batch in batches(world) {
        if model.bounds.steps {
            take(world, batch, acts);
        } else {
            run(world, batch, acts);
        }
    }
    for (index, consumer) in world.consumers.iter().enumerate() {
        work(world, index, consumer, acts);
    }
    if world.down {
        acts.push(Action::Up);
    } else {
        reached(model, world, acts);
    }
    if world.left.ticks != 0 {
        acts.push(Action::Tick);
    }
    for user in 0..2 {
        caches(world, user, acts);
    }
}

/// What D1 must be there for, beside the consumers and the fills. What a hint settles is written
/// down there too; one that an object hears of twice is the cache half's.
fn reached(model: &Line, world: &World, acts: &mut Vec<Action>) {
    let handed = model.variant != Variant::NobodyParks;
    let dead = (0_u8..).zip(world.dead).filter(|(_, count)| handed && *count != 0);
    for (event, _) in dead {
        acts.push(Action::ApplyDead(event));
        if world.left.ends != 0 {
            acts.push(Action::EndDead(event));
        }
    }
    acts.extend(bits(world.letters & !world.replayed).map(Action::Replay));
    let operators = (0_u8..).take(model.script.events.len()).skip(model.script.clerks.into());
    acts.extend(operators.filter(|it| world.joined & (1 << it) == 0).map(Action::Operate));
    if world.left.outages != 0 {
        acts.push(Action::Down);
    }
    for (user, slot) in (0_u8..).zip(&world.slots) {
        let is_held = |key: &HintKey| world.consumers.iter().any(|it| it.owed.contains(key));
        let owed = d1::pending(slot, user);
        if owed.is_some_and(|key| !is_held(&key) && pipe::may_send(world, &key)) {
            acts.push(Action::Sweep(user));
        }
    }
    acts.extend(world.hints.iter().map(Action::Hint));
}

/// The numbers of the bits that are set.
pub(super) fn bits(of: u8) -> impl Iterator<Item = u8> {
    (0..8_u8).filter(move |bit| of & (1 << bit) != 0)
}

fn door(world: &World, acts: &mut Vec<Action>) {
    for event in bits(world.unsent) {
        acts.push(Action::Deliver(event));
        if world.left.crashes != 0 {
            acts.extend([Action::DieBeforeSend(event), Action::DieAfterSend(event)]);
        }
        if world.left.lost != 0 {
            acts.push(Action::GiveUp(event));
        }
    }
    if world.left.copies != 0 {
        acts.extend(bits(world.accepted).map(Action::DeliverAgain));
    }
}

/// Every batch of one message or two. Equal messages are interchangeable.
fn batches(world: &World) -> impl Iterator<Item = Pair> + '_ {
    let held =
        |it: MessageNumber| world.queue.get(usize::from(it) - 1).copied().unwrap_or_default();
    let all = (1..=8_u8).filter(move |it| held(*it) != 0);
    all.clone().flat_map(move |first| {
        let second = all.clone().filter(move |it| first < *it || (first == *it && 1 < held(*it)));
        std::iter::once(pair([first])).chain(second.map(move |it| pair([first, it])))
    })
}

fn run(world: &World, batch: Pair, acts: &mut Vec<Action>) {
    let mut one = |fate: Fate| acts.push(Action::Run(batch, fate));
    if world.down {
        one(Fate::Refused);
        if world.left.crashes != 0 {
            one(Fate::DiesFirst);
        }
        return;
    }
    one(Fate::Done);
    if world.left.crashes != 0 {
        Fate::DEATHS.into_iter().for_each(&mut one);
    }
    if world.left.errors != 0 {
        Fate::ERRORS.into_iter().for_each(one);
    }
}

/// Idle consumers are interchangeable: the first one takes.
fn take(world: &World, batch: Pair, acts: &mut Vec<Action>) {
    let idle = world.consumers.iter().position(|it| *it == Consumer::default());
    acts.extend(idle.map(|consumer| Action::Take(consumer, batch)));
}

fn work(world: &World, index: usize, consumer: &Consumer, acts: &mut Vec<Action>) {
    if *consumer == Consumer::default() {
        return;
    }
    if pipe::is_before_commit(consumer) {
        if world.down {
            acts.push(Action::Refuse(index));
        } else {
            acts.push(Action::Commit(index));
        }
        if world.left.errors != 0 && !world.down {
            acts.extend([Action::Refuse(index), Action::CommitUnheard(index)]);
        }
    } else {
        if consumer.done != Pair::default() {
            acts.push(Action::Acknowledge(index));
        }
        if !consumer.owed.is_empty() {
            acts.push(Action::Push(index));
        }
    }
    if world.left.crashes != 0 {
        acts.push(Action::Crash(index));
    }
}

fn caches(world: &World, user: u8, acts: &mut Vec<Action>) {
    let place = usize::from(user);
    let Some(object) = world.objects.get(place) else { return };
    let waits = world.waits.get(place).copied().unwrap_or_default();
    if !waits && world.asks.get(place).is_some_and(|left| *left != 0) {
        acts.push(Action::Ask(user));
    }
    match object.flight {
        Some(flight) if flight.stage == Stage::Sent && world.down => {
            acts.push(Action::Fail(user, false));
        }
        Some(flight) if flight.stage == Stage::Sent => {
            acts.push(Action::Land(user));
            if world.left.errors != 0 {
                acts.push(Action::Fail(user, false));
                if flight.sent.registers {
                    acts.push(Action::Fail(user, true));
                }
            }
        }
        Some(_) => acts.push(Action::Arrive(user)),
        None => {}
    }
    if world.left.evictions != 0 && object.memory.owner != 0 {
        acts.push(Action::Evict(user));
    }
}
