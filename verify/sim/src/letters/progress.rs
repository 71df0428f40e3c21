//! How far letters and replays are from rest: the measure that every step makes less.

use shared::operators::api::replays::ReplayState;
use shared::operators::letter::LetterState;

use super::world::{Became, Driver, Intent, Left, Letter, Letters, Number, Replay, World};

/// How far it is to rest, at most. What may still happen from outside weighs most; then the steps
/// of replays, then letters that are to be sent, then messages.
pub(super) fn way_to_go(model: &Letters, world: &World) -> u32 {
    let Left { crashes, losses, copies, failures, early, deliveries, events, stops } = world.left;
    let left = [crashes, losses, copies, failures, early, deliveries, events, stops];
    let outside: u32 = left.into_iter().map(u32::from).sum();
    let replays: u32 = world.replays.iter().map(of_replay).sum();
    let drivers: u32 = world.drivers.iter().map(|it| of_driver(world, it)).sum();
    let queue: u32 = world.queue.iter().map(|_| 1_000).sum();
    let letters: u32 = model.numbers().map(|number| of_letter(world, number)).sum();
    outside * 100_000 + replays + drivers + queue + letters
}

fn of_replay(replay: &Replay) -> u32 {
    let state = |state| match state {
        ReplayState::Planning => 40_000,
        ReplayState::Planned => 20_000,
        ReplayState::Checking => 15_000,
        ReplayState::Canary => 10_000,
        ReplayState::Running => 5_000,
        ReplayState::Paused
        | ReplayState::Done
        | ReplayState::Refused
        | ReplayState::Stopped
        | ReplayState::Canceled => 0,
    };
    let machine = &replay.machine;
    let paused = machine.paused.map_or(0, |it| state(it) + 500);
    // Each of these is a step of its own: to choose the canary, to wind up, to begin again.
    let canary = if machine.canary.is_none() { 1_000 } else { 0 };
    let open = if machine.open { 500 } else { 0 };
    let position = if 0 <= machine.position { 60 } else { 0 };
    let waiting = replay.items.iter().flatten().filter(|it| it.became == Became::Waiting);
    let waiting: u32 = waiting.map(|_| 3_000).sum();
    state(machine.state) + paused + canary + open + position + waiting
}

fn of_driver(world: &World, driver: &Driver) -> u32 {
    match driver {
        Driver::Idle => 30,
        Driver::Decided { intent, stale, moved, .. } => {
            let step = match (*stale, is_in_vain(world, intent)) {
                (true, _) => 40,
                // It is taken all the same, and the letters are left in another one.
                (false, true) => 400,
                (false, false) => 20,
            };
            step + if *moved { 5 } else { 0 }
        }
        Driver::Marked(messages) => 50 + messages.iter().map(|_| 1_100).sum::<u32>(),
        Driver::Sent(_) => 45,
    }
}

/// Whether a letter of a step was taken or told since it was decided.
fn is_in_vain(world: &World, intent: &Intent) -> bool {
    let Intent::Step { send, discard, generations, .. } = intent else { return false };
    let taken = |(letter, generation): (&Letter, &u8)| {
        letter.state != LetterState::Parked || letter.generation != *generation
    };
    let all = (0_u8..).zip(world.letters.iter().zip(generations));
    let mut ours = all.filter(|(number, _)| (send | discard) & 1 << number != 0);
    ours.any(|(_, it)| taken(it))
}

/// A letter whose message is lost will be returned, and may be sent again.
fn of_letter(world: &World, number: Number) -> u32 {
    let is_replaying = world.letter(number).is_some_and(|it| it.state == LetterState::Replaying);
    if is_replaying && !world.is_under_way(number) { 3_300 } else { 0 }
}
