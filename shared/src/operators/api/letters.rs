//! Dead letters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::serde_struct_from_object;
use crate::operators::letter::{LetterClass, LetterState};
use crate::time::UnixMillis;

/// Which letters. Each member narrows the choice; an empty filter is every letter, and whatever
/// changes things refuses it unless `all` is set. The members are also the query of
/// `GET /dead-letters` and of the page `/dead-letters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default)]
pub struct LetterFilter {
    /// Message ids. Empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// `dead_letters.reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Clerk's event type; empty: letters without one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The id of the user, organization, … that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// First seen at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<UnixMillis>,
    /// First seen before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<UnixMillis>,
    /// Every letter: only with no other member.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// A letter in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterSummary {
    /// The queue's own id for the message; the letter's id.
    pub id: String,
    /// Its state.
    pub state: LetterState,
    /// Why it was parked.
    pub reason: String,
    /// The same for people.
    pub detail: String,
    /// Clerk's event type, if it is known.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// What it is about, if that is known.
    pub subject: Option<String>,
    /// The delivery, if that is known.
    pub svix_id: Option<String>,
    /// Attempts of all its messages.
    pub attempts: u32,
    /// How often it was parked again.
    pub generation: u32,
    /// When its message was first sent.
    pub first_seen_at: UnixMillis,
    /// When it was parked last.
    pub last_seen_at: UnixMillis,
    /// The replay that took it last.
    pub replay_id: Option<String>,
}

/// `GET /dead-letters`. Oldest first. A page may hold fewer letters than asked for, or none, while
/// `next` is set: a page reads a constant number of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<LetterSummary>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// `GET /dead-letters/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterDetail {
    /// The letter.
    pub letter: LetterSummary,
    /// What a replay would do with it now.
    pub class: LetterClass,
    /// Why, for people.
    pub class_detail: String,
    /// Whether its bytes are those that were parked; `null` for a letter from before digests.
    pub digest_matches: Option<bool>,
    /// The queue that it came from.
    pub queue: String,
    /// The projected event, if the message can be read. It may hold an e-mail address.
    pub event: Option<Value>,
    /// Its bytes, if they cannot be read as an envelope.
    pub raw: Option<String>,
    /// Its replays, the newest first, at most twenty.
    pub replays: Vec<LetterReplay>,
}

/// One replay of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterReplay {
    /// `replays.id`.
    pub replay_id: String,
    /// What was planned.
    pub planned: LetterClass,
    /// What became of it: `waiting`, `sent`, `left` or a state.
    pub became: String,
    /// When.
    pub became_at: Option<UnixMillis>,
}

/// A letter with its bytes: one line of `GET /dead-letters/export` (NDJSON). The last line of a
/// page is `{"next": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ExportedLetter {
    /// The letter.
    pub letter: LetterSummary,
    /// The bytes of its message.
    pub envelope: String,
}

/// `GET /dead-letters/matrix`: how many letters there are, by state, reason, type and age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterMatrix {
    /// The cells that are not empty.
    pub cells: Vec<MatrixCell>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MatrixCell {
    /// `dead_letters.state`.
    pub state: LetterState,
    /// `dead_letters.reason`.
    pub reason: String,
    /// The type; empty for none.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The UTC day of `first_seen_at`, in days since 1970.
    pub day: i64,
    /// How many.
    pub letters: i64,
}

serde_struct_from_object!(
    LetterFilter,
    LetterSummary,
    LetterPage,
    LetterDetail,
    LetterReplay,
    ExportedLetter,
    LetterMatrix,
    MatrixCell,
);
