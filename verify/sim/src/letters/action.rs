//! What can happen to letters and replays.

use shared::operators::api::replays::ReplayState;
use shared::operators::letter::LetterState;

use super::law::Content;
use super::machine::decide;
use super::world::{Driver, Letters, Message, Number, World};
use crate::variant::Variant;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A driver reads a replay and decides on its next step.
    Decide(usize, Number),
    /// It commits the step.
    Commit(usize),
    /// It sends the messages of the letters that it has marked.
    Send(usize),
    /// It writes that it has sent them.
    SetSent(usize),
    /// It dies.
    Die(usize),
    /// A new version takes the place of all that runs.
    Deploy,
    /// An operator tells a replay something.
    Tell(Number, Command),
    /// The queue loses a message.
    Lose(Message),
    /// The queue will hand a message out once more.
    Copy(Message),
    /// The consumer takes a message, and this becomes of it.
    Run(Message, Fate),
    /// The sweep returns a letter.
    Return(Number),
    /// Svix delivers the event of a letter again.
    Deliver(Number),
    /// Another event about the subject of a letter is applied.
    Event(Number, Content),
}

/// What an operator tells a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Carry the plan out.
    Apply,
    /// Wait.
    Pause,
    /// Go on.
    Resume,
    /// End.
    Cancel,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is committed and acknowledged.
    Done,
    /// It is committed, and the consumer dies before it acknowledges.
    DoneUnacked,
    /// It fails at its last attempt: the letter is parked again.
    Fails,
    /// The same, and the consumer dies before it acknowledges.
    FailsUnacked,
}

impl Action {
    /// Whether it is work that must happen: no fault, and nothing that a person may choose.
    pub(super) fn is_work(self, world: &World) -> bool {
        match self {
            Self::Return(number) => !world.is_under_way(number),
            Self::Run(_, fate) => fate == Fate::Done,
            Self::Decide(..) | Self::Commit(_) | Self::Send(_) | Self::SetSent(_) => true,
            Self::Die(_)
            | Self::Deploy
            | Self::Tell(..)
            | Self::Lose(_)
            | Self::Copy(_)
            | Self::Deliver(_)
            | Self::Event(..) => false,
        }
    }
}

/// All that can happen in a world.
pub(super) fn list(model: &Letters, world: &World, acts: &mut Vec<Action>) {
    drivers(model, world, acts);
    operators(model, world, acts);
    messages(world, acts);
    let returns = model.numbers().filter(|number| may_return(model, world, *number));
    acts.extend(returns.map(Action::Return));
    if world.left.deliveries != 0 {
        acts.extend(model.numbers().map(Action::Deliver));
    }
    if world.left.events != 0 {
        for number in model.numbers() {
            acts.extend([Content::Updated, Content::Deleted].map(|it| Action::Event(number, it)));
        }
    }
}

fn drivers(model: &Letters, world: &World, acts: &mut Vec<Action>) {
    let replays = || (0..).zip(model.bounds.replays).map(|(number, _)| number);
    let mut idle = false;
    for (place, driver) in world.drivers.iter().enumerate() {
        match driver {
            // Of two that are idle the first one works.
            Driver::Idle if idle => {}
            Driver::Idle => {
                idle = true;
                let next = replays().filter(|it| decide(model, world, *it).is_some());
                acts.extend(next.map(|number| Action::Decide(place, number)));
            }
            Driver::Decided { .. } => acts.push(Action::Commit(place)),
            Driver::Marked(_) => acts.push(Action::Send(place)),
            Driver::Sent(_) => acts.push(Action::SetSent(place)),
        }
        let sent_first = matches!(driver, Driver::Decided { sent: true, .. });
        let dies = sent_first || matches!(driver, Driver::Marked(_) | Driver::Sent(_));
        if dies && world.left.crashes != 0 {
            acts.push(Action::Die(place));
        }
    }
    let busy = world.drivers.iter().filter(|it| **it != Driver::Idle).count();
    if 2 <= busy && world.left.crashes != 0 {
        acts.push(Action::Deploy);
    }
}

fn operators(model: &Letters, world: &World, acts: &mut Vec<Action>) {
    for (number, _) in (0..).zip(model.bounds.replays) {
        let Some(replay) = world.replay(number) else { continue };
        let state = replay.machine.state;
        if state == ReplayState::Planned {
            acts.push(Action::Tell(number, Command::Apply));
        }
        if state == ReplayState::Paused {
            acts.push(Action::Tell(number, Command::Resume));
        }
        if world.left.stops != 0 {
            acts.extend([Command::Pause, Command::Cancel].map(|it| Action::Tell(number, it)));
        }
    }
}

fn messages(world: &World, acts: &mut Vec<Action>) {
    let left = &world.left;
    for message in world.queue.iter() {
        let other = Message { again: !message.again, ..message };
        let twice = world.queue.contains(&other);
        // Two that are alike: the second one goes first.
        if twice && !message.again {
            continue;
        }
        acts.push(Action::Run(message, Fate::Done));
        if left.crashes != 0 {
            acts.push(Action::Run(message, Fate::DoneUnacked));
        }
        if left.failures != 0 {
            acts.push(Action::Run(message, Fate::Fails));
        }
        if left.failures != 0 && left.crashes != 0 {
            acts.push(Action::Run(message, Fate::FailsUnacked));
        }
        if left.losses != 0 {
            acts.push(Action::Lose(message));
        }
        if left.copies != 0 && !twice {
            acts.push(Action::Copy(message));
        }
    }
}

/// A letter whose message is lost is returned; and one that is not known to be sent, after a
/// shorter time, though its driver may only be slow or have died after it sent.
fn may_return(model: &Letters, world: &World, number: Number) -> bool {
    let replaying = |it: &super::world::Letter| it.state == LetterState::Replaying;
    let Some(letter) = world.letter(number).filter(replaying) else { return false };
    if model.variant == Variant::LostStayLost {
        return false;
    }
    let early = !letter.sent && world.left.early != 0;
    early || !world.is_under_way(number) || model.variant == Variant::ReturnsWhatIsQueued
}
