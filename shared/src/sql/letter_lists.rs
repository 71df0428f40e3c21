//! Statements about dead letters: lists, one letter, the matrix. Each page reads a constant number
//! of rows, however many letters there are.

use serde::Deserialize;
use serde_json::json;

use super::{Arg, Statement};
use crate::json::deserialize_from_object;
use crate::operators::api::letters::{ExportedLetter, LetterFilter, LetterPage, LetterSummary};
use crate::operators::cursor::{Cursor, NUMBERS_END};
use crate::operators::letter::LetterState;
use crate::time::UnixMillis;

/// One page of letters: [`letters`].
pub const LETTERS: &str = text!("letters");

/// One letter: at most one row, a [`LetterRow`].
pub const LETTER: &str = text!("letter");

/// The last replays of one letter: rows of `LetterReplay`.
pub const LETTER_REPLAYS: &str = text!("letter_replays");

/// The counts: rows of `MatrixCell`.
pub const LETTER_MATRIX: &str = text!("letter_matrix");

/// Most letters on one page.
pub const PAGE_MAX: u32 = 100;

/// The days of the matrix; what is older is counted with the oldest of them.
pub const MATRIX_DAYS: i64 = 90;

/// Which letters, and in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterQuery {
    /// The filter.
    pub filter: LetterFilter,
    /// `None`: in any state.
    pub state: Option<LetterState>,
    /// Only those that were last parked at or before this time.
    pub seen_until: Option<UnixMillis>,
}

/// Whether a page also reads the bytes of its letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterBytes {
    /// [`LetterRow::envelope`] is empty.
    Skip,
    /// They are read.
    Read,
}

/// A row of `dead_letters`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterRow {
    /// `message_id`.
    pub id: String,
    /// See [`LetterSummary`].
    pub state: LetterState,
    /// See [`LetterSummary`].
    pub reason: String,
    /// See [`LetterSummary`].
    pub detail: String,
    /// See [`LetterSummary`].
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// See [`LetterSummary`].
    pub subject: Option<String>,
    /// See [`LetterSummary`].
    pub svix_id: Option<String>,
    /// See [`LetterSummary`].
    pub attempts: u32,
    /// See [`LetterSummary`].
    pub generation: u32,
    /// See [`LetterSummary`].
    pub first_seen_at: UnixMillis,
    /// See [`LetterSummary`].
    pub last_seen_at: UnixMillis,
    /// See [`LetterSummary`].
    pub replay_id: Option<String>,
    /// The queue that it came from.
    pub queue: String,
    /// The digest of its bytes when it was parked; empty for a letter from before digests.
    pub digest: String,
    /// The bytes of its message.
    pub envelope: String,
}

/// A row of [`LETTERS`]: a letter as JSON, or none, and where the scan ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct ScanRow {
    /// Where the scan ended, unless it read everything.
    pub end_at: Option<i64>,
    /// See `end_at`.
    pub end_id: Option<String>,
    /// A [`LetterRow`].
    pub letter: Option<String>,
}

deserialize_from_object!(LetterRow, ScanRow);

/// Letters, and the place after which the next page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    /// The letters, oldest first.
    pub rows: Vec<LetterRow>,
    /// `None`: there are no more.
    pub next: Option<Cursor>,
}

/// One page: at most `limit` letters after `cursor`, oldest first, by [`parse_letters`].
#[must_use]
pub fn letters(
    query: &LetterQuery,
    cursor: Option<&Cursor>,
    limit: u32,
    bytes: LetterBytes,
) -> Statement {
    let LetterQuery { filter, state, seen_until } = query;
    let start = Cursor::before(filter.after.unwrap_or_default());
    let start = cursor.map_or(&start, |cursor| cursor.max(&start));
    let before = filter.before.map_or(NUMBERS_END - 1, |before| before.0.clamp(0, NUMBERS_END - 1));
    let state = state.map(LetterState::as_str);
    let json = json!({
        "ids": filter.ids,
        "reason": filter.reason,
        "type": filter.event_type,
        "subject": filter.subject,
        "state": state,
        "seen_until": seen_until,
    });
    let args = vec![
        Arg::Int(start.at.0),
        Arg::Text(start.id.clone()),
        Arg::Int(before),
        Arg::Text(json.to_string()),
        Arg::Text(index_for(query).into()),
        Arg::Int(limit.clamp(1, PAGE_MAX).into()),
        Arg::Int((bytes == LetterBytes::Read).into()),
    ];
    Statement { sql: LETTERS, args }
}

/// The arm of [`LETTERS`] whose index fits best. A letter without a type has NULL or an empty one,
/// so for these no index over types fits.
fn index_for(query: &LetterQuery) -> &'static str {
    let LetterFilter { ids, reason, event_type, subject, .. } = &query.filter;
    let typed = event_type.as_ref().is_some_and(|name| !name.is_empty());
    if !ids.is_empty() {
        return "ids";
    }
    if subject.as_ref().is_some_and(|id| !id.is_empty()) {
        return "subject";
    }
    match (query.state.is_some(), reason.is_some(), typed) {
        (true, true, true) => "cell",
        (true, true, false) => "reason",
        (true, false, true) => "type",
        (true, false, false) => "state",
        (false, ..) => "age",
    }
}

/// Parses the rows of [`LETTERS`] that were read with this `limit`.
///
/// # Errors
/// If a row is not one of [`LETTERS`].
pub fn parse_letters(rows: &[ScanRow], limit: u32) -> Result<Letters, &'static str> {
    let letters = rows.iter().filter_map(|row| row.letter.as_deref());
    let letters: Result<Vec<LetterRow>, _> = letters.map(serde_json::from_str).collect();
    let letters = letters.map_err(|_| "a letter cannot be read")?;
    let first = rows.first().ok_or("no row at all")?;
    let full = u32::try_from(letters.len()).is_ok_and(|it| limit.clamp(1, PAGE_MAX) <= it);
    let next = match letters.last().filter(|_| full) {
        Some(last) => Some(Cursor { at: last.first_seen_at, id: last.id.clone() }),
        None => match (first.end_at, &first.end_id) {
            (Some(at), Some(id)) => Some(Cursor { at: UnixMillis(at), id: id.clone() }),
            _ => None,
        },
    };
    Ok(Letters { rows: letters, next })
}

/// Reads the letter `id`.
#[must_use]
pub fn letter(id: &str) -> Statement {
    Statement { sql: LETTER, args: vec![Arg::Text(id.into())] }
}

/// Reads the last replays of the letter `id`, the newest first, at most twenty.
#[must_use]
pub fn letter_replays(id: &str) -> Statement {
    Statement { sql: LETTER_REPLAYS, args: vec![Arg::Text(id.into())] }
}

/// Counts the letters in these states. What is older than [`MATRIX_DAYS`] is counted under the
/// oldest day.
#[must_use]
pub fn letter_matrix(states: &[LetterState], now: UnixMillis) -> Statement {
    let oldest = now.0.div_euclid(86_400_000).saturating_sub(MATRIX_DAYS);
    let states: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    let args = vec![Arg::Text(json!(states).to_string()), Arg::Int(oldest)];
    Statement { sql: LETTER_MATRIX, args }
}

impl LetterRow {
    /// The letter in a list.
    #[must_use]
    pub fn summary(&self) -> LetterSummary {
        let it = self.clone();
        LetterSummary {
            id: it.id,
            state: it.state,
            reason: it.reason,
            detail: it.detail,
            event_type: it.event_type,
            subject: it.subject,
            svix_id: it.svix_id,
            attempts: it.attempts,
            generation: it.generation,
            first_seen_at: it.first_seen_at,
            last_seen_at: it.last_seen_at,
            replay_id: it.replay_id,
        }
    }
}

impl Letters {
    /// The page of the list.
    #[must_use]
    pub fn page(&self) -> LetterPage {
        let letters = self.rows.iter().map(LetterRow::summary).collect();
        LetterPage { letters, next: self.next.as_ref().map(Cursor::encode) }
    }

    /// The letters with their bytes.
    #[must_use]
    pub fn export(&self) -> Vec<ExportedLetter> {
        let exported = self
            .rows
            .iter()
            .map(|row| ExportedLetter { letter: row.summary(), envelope: row.envelope.clone() });
        exported.collect()
    }
}
