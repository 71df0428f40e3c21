//! Replays, their letters, and those who carry them on.

use shared::operators::api::replays::ReplayState;
use shared::operators::letter::{LetterClass, LetterState};

use super::message::{LETTERS, Message, Number};
use crate::small_set::SmallSet;

/// A row of `replays`, with its `replay_letters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replay {
    /// Where it is.
    pub machine: Machine,
    /// Its letters.
    pub items: [Option<Item>; LETTERS],
    /// Whether its check really found the plan to hold.
    pub held: bool,
}

/// Where a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine {
    /// Its state.
    pub state: ReplayState,
    /// The state in which an operator paused it.
    pub paused: Option<ReplayState>,
    /// Whether it has steps before it.
    pub open: bool,
    /// The letters that were sent first, as bits.
    pub canary: Option<u8>,
    /// The last position that was sent, discarded or skipped.
    pub position: i8,
    /// The hash of the plan.
    pub plan: [u8; 32],
}

/// A row of `replay_letters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What is expected of it.
    pub planned: LetterClass,
    /// The generation at which it may be taken.
    pub generation: u8,
    /// What became of it.
    pub became: Became,
}

/// `replay_letters.became`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Became {
    /// It was not sent yet.
    Waiting,
    /// Its message is on its way.
    Sent,
    /// It is in this state.
    Is(LetterState),
    /// The replay goes on, or ended, without it.
    Left,
}

/// Who carries a replay on. Its memory is lost when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Driver {
    /// Does nothing.
    Idle,
    /// Has read a replay and knows its next step.
    Decided {
        /// The replay.
        replay: Number,
        /// What it will commit.
        intent: Intent,
        /// Whether another step of this replay was committed since.
        stale: bool,
        /// Whether the head of the audit trail has moved since it was read.
        moved: bool,
        /// Whether it has sent the messages already; a wrong form does.
        sent: bool,
    },
    /// Has marked letters, and will send these messages of them.
    Marked(SmallSet<Message, LETTERS>),
    /// Has sent them.
    Sent(SmallSet<Message, LETTERS>),
}

/// A step of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intent {
    /// The plan is made, or checked.
    Walk {
        /// The replay after it.
        after: Machine,
        /// The plan.
        items: [Option<Item>; LETTERS],
        /// Whether it really holds.
        holds: bool,
        /// Whether it has a row in the audit trail.
        acts: bool,
    },
    /// Letters are sent, discarded or left, or the state changes. The letters are bits.
    Step {
        /// The replay after it.
        after: Machine,
        /// Letters that are marked, to be sent.
        send: u8,
        /// Letters that are discarded.
        discard: u8,
        /// Letters that are left.
        leave: u8,
        /// Whether all that wait are left.
        leave_waiting: bool,
        /// The generation at which each is taken.
        generations: [u8; LETTERS],
        /// Whether it has a row in the audit trail.
        acts: bool,
    },
}
