//! Statements of the life of dead letters: what `operators::letter::Letter` does, in D1. A replay's
//! own steps are beside those of replays.

use serde_json::json;

use super::{Arg, Statement, json_list_of, json_statements_at, rows};
use crate::limits::{LETTER_SENT_MS_MAX, LETTER_UNSENT_MS_MAX, SWEEP_ROWS_MAX};
use crate::operators::settle::LostLetter;
use crate::plan::BatchPlan;
use crate::time::UnixMillis;

const DEAD_LETTERS: &str = text!("dead_letters");
const AGAIN: &str = text!("letters_again");
const SETTLED: &str = text!("letters_settled");
const NAMED: &str = text!("letters_named");
const LOST: &str = text!("letters_lost");
const RETURNED: &str = text!("letters_returned");

/// The outcome of the letters that a plan's messages replay. Comes after the rows and before the
/// deliveries.
pub(super) fn settled(plan: &BatchPlan, now: UnixMillis) -> impl Iterator<Item = Statement> {
    let rows: Vec<_> = plan.deliveries.iter().filter_map(rows::settled_row).collect();
    json_statements_at(now, SETTLED, rows)
}

/// Parks messages: the tagged ones on their own letters.
pub(super) fn parked(plan: &BatchPlan, now: UnixMillis) -> impl Iterator<Item = Statement> {
    let rows_of = |is_tagged: bool| {
        let letters = plan.dead_letters.iter();
        let letters = letters.filter(move |letter| letter.replay.is_some() == is_tagged);
        letters.map(rows::dead_letter_row).collect::<Vec<_>>()
    };
    let new = json_statements_at(now, DEAD_LETTERS, rows_of(false));
    new.chain(json_statements_at(now, AGAIN, rows_of(true)))
}

/// Reads the letters of these ids, as `operators::settle::LetterNow`.
#[must_use]
pub fn named<'a>(ids: impl IntoIterator<Item = &'a str>) -> Statement {
    Statement { sql: NAMED, args: vec![json_list_of(ids)] }
}

/// Reads at most [`SWEEP_ROWS_MAX`] letters whose message is taken for lost, as [`LostLetter`]:
/// those of `operators::letter::is_lost`.
#[must_use]
pub fn lost(now: UnixMillis) -> Statement {
    let before = |ms: i64| Arg::Int(now.plus(-ms).0);
    let args =
        vec![before(LETTER_UNSENT_MS_MAX), before(LETTER_SENT_MS_MAX), Arg::Int(SWEEP_ROWS_MAX)];
    Statement { sql: LOST, args }
}

/// Returns letters to `parked`.
#[must_use]
pub fn returned(letters: &[LostLetter], now: UnixMillis) -> Statement {
    let rows = letters
        .iter()
        .map(|letter| json!({ "message_id": letter.message_id, "generation": letter.generation }));
    Statement { sql: RETURNED, args: vec![json_list_of(rows), Arg::Int(now.0)] }
}
