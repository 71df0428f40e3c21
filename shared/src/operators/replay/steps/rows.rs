//! Rows that a step is decided from.

use serde::{Deserialize, Serialize};

use crate::json::{deserialize_from_object, serialize_remote};
use crate::operators::letter::{LetterClass, LetterState};

/// A letter of a replay, beside its row as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct ItemRow {
    /// Its place in the plan.
    pub position: i64,
    /// The letter.
    pub id: String,
    /// Its generation in the plan, or when it was returned.
    pub generation: u32,
    /// What was planned.
    pub planned: LetterClass,
    /// What became of it.
    pub became: String,
    /// `dead_letters.state`; `None` if there is no such letter any more.
    pub state: Option<LetterState>,
    /// `dead_letters.generation`.
    pub letter_generation: Option<u32>,
    /// `dead_letters.digest`.
    pub digest: Option<String>,
    /// `dead_letters.envelope`.
    pub envelope: Option<String>,
}

/// A row of `replay_counts`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct CountRow {
    /// The replay.
    pub replay_id: String,
    /// What was planned.
    pub planned: LetterClass,
    /// What became of them.
    pub became: String,
    /// How many.
    pub letters: i64,
}

/// A letter at a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Mark {
    /// The letter.
    pub id: String,
    /// The generation that it must have.
    pub generation: u32,
}

deserialize_from_object!(ItemRow, CountRow, Mark);
serialize_remote!(Mark);
