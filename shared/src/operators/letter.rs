//! The life of a dead letter.
//!
//! ```text
//! parked ─mark→ replaying ─outcome→ applied | superseded | duplicate
//!   ↑  │            │
//!   │  └─discard→ discarded
//!   └─ failed again, or its message was lost (generation + 1) ─┘
//! ```
//!
//! Each step is one D1 batch, together with its row in the audit trail. The message is sent after
//! the commit that marks the letter, so a crash between the two loses the message: the sweep then
//! returns the letter to `parked`.

mod life;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use life::{Letter, LetterOutcome, LetterStep, StepRefused, is_lost};

use crate::json::{serde_struct_from_object, serde_unit_enum};

/// The state of a dead letter, as in `dead_letters.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum LetterState {
    /// Waits for an operator.
    Parked,
    /// Its message is in the queue, or about to be.
    Replaying,
    /// A replay applied it.
    Applied,
    /// A replay found that a later change had replaced it.
    Superseded,
    /// A replay found that it had been applied already.
    Duplicate,
    /// An operator discarded it, with a reason.
    Discarded,
}

/// What a replay is expected to do with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum LetterClass {
    /// It would be applied.
    Applied,
    /// A later change has replaced it: nothing would change.
    Superseded,
    /// It was applied already: nothing would change.
    Duplicate,
    /// No build can read it.
    Unreadable,
    /// A newer build wrote it, and this one cannot read it.
    Newer,
}

/// Which letter a replayed message belongs to. Travels in its envelope, so that the consumer
/// writes what became of the letter in the batch of its effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ReplayTag {
    /// `dead_letters.message_id`.
    pub letter: String,
    /// `replays.id`.
    pub replay: String,
    /// The letter's generation when it was marked.
    pub generation: u32,
}

serde_struct_from_object!(ReplayTag);
serde_unit_enum!(LetterState, LetterClass);

impl LetterState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Parked,
        Self::Replaying,
        Self::Applied,
        Self::Superseded,
        Self::Duplicate,
        Self::Discarded,
    ];

    /// The word in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Replaying => "replaying",
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
            Self::Discarded => "discarded",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens to the letter.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Parked | Self::Replaying)
    }
}

impl fmt::Display for LetterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LetterClass {
    /// Every class.
    pub const ALL: [Self; 5] =
        [Self::Applied, Self::Superseded, Self::Duplicate, Self::Unreadable, Self::Newer];

    /// The word in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
            Self::Unreadable => "unreadable",
            Self::Newer => "newer",
        }
    }

    /// The class of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// Whether a message of it can be sent.
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self, Self::Applied | Self::Superseded | Self::Duplicate)
    }
}
