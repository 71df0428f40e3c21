//! What the letters' model consists of: its bounds, its state, and small helpers on both.

use shared::operators::api::replays::ReplayAction;
use shared::operators::letter::LetterState;
use shared::sql::letter_lists::LetterRow;

use super::law::{Content, Law};
use super::memory::Memory;
use crate::small_set::SmallSet;
use crate::variant::Variant;

pub(super) use super::message::LETTERS;
pub use super::message::{Message, Number};
pub(super) use super::replay::{Became, Driver, Intent, Item, Machine, Replay};

/// Replays: one of each operator.
pub(super) const REPLAYS: usize = 2;

/// What is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Of each letter: what its subject's row holds, and what the letter says.
    pub letters: &'static [(Content, Content)],
    /// The replays: what each does, and whether it discards letters that would change nothing.
    pub replays: &'static [(ReplayAction, bool)],
    /// Letters that go before the others.
    pub canary: usize,
    /// Letters of one step.
    pub chunk: usize,
    /// What may happen.
    pub left: Left,
}

/// How often each of these may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    /// A driver or the consumer dies, or all are replaced by a new version.
    pub crashes: u8,
    /// The queue loses a message.
    pub losses: u8,
    /// The queue hands a message out twice.
    pub copies: u8,
    /// A message fails at its last attempt.
    pub failures: u8,
    /// The sweep returns a letter though its message is not lost: only its driver was slow, or
    /// died before it wrote that it had sent it.
    pub early: u8,
    /// Svix delivers the event of a letter again, and it is applied.
    pub deliveries: u8,
    /// Another event about the subject of a letter is applied.
    pub events: u8,
    /// An operator pauses or cancels a replay.
    pub stops: u8,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Letters {
    /// What is explored.
    pub bounds: Bounds,
    /// The protocol, or a wrong form of it.
    pub variant: Variant,
    /// The merge law on the contents of the letters.
    pub(super) law: Law,
    /// The letters as they were parked first.
    pub(super) rows: Vec<LetterRow>,
    /// What was decided before.
    pub(super) memory: Memory,
}

/// Everything there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The rows of `dead_letters`.
    pub letters: [Letter; LETTERS],
    /// The rows of `replays`.
    pub replays: [Replay; REPLAYS],
    /// Who carries replays on.
    pub drivers: [Driver; 2],
    /// Messages of letters.
    pub queue: SmallSet<Message, 6>,
    /// The row of each letter's subject.
    pub rows: [Content; LETTERS],
    /// `deliveries.outcome` of each letter's event.
    pub inbox: [Option<LetterState>; LETTERS],
    /// Letters whose event changed its row by a message of the letter, as bits.
    pub took: u8,
    /// Subjects whose end was received, as bits.
    pub gone: u8,
    /// Letters that an operator discarded, as bits.
    pub discarded: u8,
    /// Steps of letters that the audit trail lacks.
    pub unaudited: bool,
    /// What may still happen.
    pub left: Left,
    /// What the last step broke or showed, as bits of `mark`.
    pub marks: u32,
}

/// A row of `dead_letters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Letter {
    /// Its state.
    pub state: LetterState,
    /// How often it was parked again.
    pub generation: u8,
    /// The replay that took it last.
    pub replay: Option<Number>,
    /// Whether its message is known to be in the queue.
    pub sent: bool,
    /// How often it was marked: the model's own count, to tell its messages apart.
    pub round: u8,
}

impl Letters {
    /// Its letters.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number> + use<> {
        (0..).zip(self.bounds.letters).map(|(number, _)| number)
    }

    /// What a letter says.
    pub(super) fn content(&self, letter: Number) -> Content {
        self.bounds.letters.get(usize::from(letter)).map_or(Content::None, |it| it.1)
    }
}

impl World {
    /// A letter.
    pub(super) fn letter(&self, number: Number) -> Option<Letter> {
        self.letters.get(usize::from(number)).copied()
    }

    /// A replay.
    pub(super) fn replay(&self, number: Number) -> Option<Replay> {
        self.replays.get(usize::from(number)).copied()
    }

    /// Whether a message of the letter's last mark is under way, or its driver will still send it.
    pub(super) fn is_under_way(&self, number: Number) -> bool {
        let Some(letter) = self.letter(number) else { return false };
        let is_of = |it: Message| it.letter == number && it.round == letter.round;
        let sends = |driver: &Driver| match driver {
            Driver::Marked(messages) => messages.iter().any(is_of),
            Driver::Idle | Driver::Decided { .. } | Driver::Sent(_) => false,
        };
        self.queue.iter().any(is_of) || self.drivers.iter().any(sends)
    }
}

/// The numbers of the bits that are set.
pub(super) fn bits(of: u8) -> impl Iterator<Item = Number> {
    (0..8).filter(move |number| of & (1 << number) != 0)
}
