//! What an object waits for, and what it is told and tells.

use shared::role_cache::RoleAnswer;

use crate::wire::{Read, Sent};

/// A fill under way, and how many came before it for the same questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    /// What was sent.
    pub sent: Sent,
    /// Which of the rows of fills it is.
    pub round: u8,
    /// How far it is.
    pub stage: Stage,
}

/// How far a fill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// On its way to D1.
    Sent,
    /// D1 has answered; the answer is on its way.
    Answered(Option<Read>),
}

/// What the disk does with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// It keeps it.
    Writes,
    /// It says that it could not.
    Fails,
}

/// What a question met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An answer at once.
    Served(RoleAnswer),
    /// A fill must come first. Whether one was under way already.
    Waits(bool),
    /// A 503 at once: no fill can meet the question.
    Refused,
}

/// What a fill's answer led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Another fill is under way.
    Again,
    /// The questions are answered from what is held now.
    Done,
    /// The roles cannot be known.
    GaveUp,
}
