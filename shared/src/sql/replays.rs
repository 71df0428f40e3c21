//! Statements of replays: see [`crate::operators::replay`].

mod rows;

use serde_json::{Value, json};

pub use self::rows::{BusyRow, IdRow, OldestRow, PlannedRow};

use super::letter_lists::PAGE_MAX;
use super::{Arg, Statement};
use crate::operators::api::replays::{PlannedLetter, PlannedLetterPage};
use crate::operators::cursor::{Cursor, NUMBERS_END};
use crate::operators::letter::LetterClass;
use crate::operators::replay::{
    FoldedLetter, LEAVE_PER_STEP, Mark, Named, PAGE_LETTERS, Step, StoredReplay,
};
use crate::time::UnixMillis;

/// Part of D1's error when another driver did the step first.
pub const STEP_TAKEN: &str = "replays.step";

/// Part of D1's error when the idempotency key was used.
pub const KEY_TAKEN: &str = "replays.idempotency_key";

const REPLAY: &str = text!("replay");
const REPLAY_BY_KEY: &str = text!("replay_by_key");
const REPLAYS: &str = text!("replays");
const OPEN_REPLAYS: &str = text!("open_replays");
const INSERT: &str = text!("replay_insert");
const STEP: &str = text!("replay_step");
const PLAN: &str = text!("replay_plan");
const SYNCED: &str = text!("replay_synced");
const OUTCOMES: &str = text!("replay_outcomes");
const ITEMS: &str = text!("replay_items");
const CANARY: &str = text!("replay_canary");
const COUNTS: &str = text!("replay_counts");
const MARK: &str = text!("replay_mark");
/// The letters that a claim marked: [`Mark`]s.
pub const MARKED: &str = text!("replay_marked");
const SENT: &str = text!("replay_sent");
const DISCARD: &str = text!("replay_discard");
const LEAVE: &str = text!("replay_leave");
const LEAVE_WAITING: &str = text!("replay_leave_waiting");
const LETTERS: &str = text!("replay_letters");
const EXAMPLES: &str = text!("replay_examples");
const AUTO_BUSY: &str = text!("replay_auto_busy");
const AUTO_OLDEST: &str = text!("replay_auto_oldest");

fn text(text: &str) -> Arg {
    Arg::Text(text.into())
}

fn list(value: &Value) -> Arg {
    Arg::Text(value.to_string())
}

/// Reads one replay: at most one `ReplayRow`.
#[must_use]
pub fn replay(id: &str) -> Statement {
    Statement { sql: REPLAY, args: vec![text(id)] }
}

/// Reads the replay that was made with this key.
#[must_use]
pub fn replay_by_key(key: &str) -> Statement {
    Statement { sql: REPLAY_BY_KEY, args: vec![text(key)] }
}

/// A page of `ReplayRow`s, the newest first. The next page begins at the cursor of the last one.
#[must_use]
pub fn replays(cursor: Option<&Cursor>, limit: u32) -> Statement {
    let Cursor { at, id } = cursor.cloned().unwrap_or_else(Cursor::after_all);
    let limit = Arg::Int(limit.clamp(1, PAGE_MAX).into());
    Statement { sql: REPLAYS, args: vec![Arg::Int(at.0), Arg::Text(id), limit] }
}

/// The replays that the cron carries on: [`IdRow`]s.
#[must_use]
pub fn open_replays() -> Statement {
    Statement { sql: OPEN_REPLAYS, args: vec![] }
}

/// Adds a new replay.
#[must_use]
pub fn insert(replay: &StoredReplay, key: Option<&str>) -> Statement {
    Statement { sql: INSERT, args: vec![list(&row(replay, key))] }
}

fn row(replay: &StoredReplay, key: Option<&str>) -> Value {
    json!({
        "id": replay.id,
        "action": replay.action,
        "state": replay.state,
        "is_open": i64::from(replay.is_open),
        "created_at": replay.created_at,
        "updated_at": replay.updated_at,
        "actor": replay.actor,
        "reason": replay.reason,
        "filter": replay.filter,
        "plan_hash": replay.plan_hash,
        "progress": replay.progress,
        "step": replay.step,
        "key": key,
    })
}

/// Writes a replay after its next step: its member `step` is still the number before that. Fails
/// with [`STEP_TAKEN`] if the replay is not at that number.
#[must_use]
pub fn step(after: &StoredReplay) -> Statement {
    Statement { sql: STEP, args: vec![list(&row(after, None))] }
}

/// Adds letters to a plan.
#[must_use]
pub fn plan(id: &str, letters: &[FoldedLetter]) -> Option<Statement> {
    let rows = letters.iter().map(|letter| {
        let FoldedLetter { position, id, generation, class } = letter;
        json!({ "position": position, "id": id, "generation": generation, "planned": class })
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| Statement { sql: PLAN, args: vec![text(id), list(&json!(rows))] })
}

/// Reads what decides the classes of letters: `SyncedRow`s, then `OutcomeRow`s.
#[must_use]
pub fn facts(named: &Named) -> [Statement; 2] {
    let entities: Vec<_> =
        named.entities.iter().map(|(kind, id)| json!([kind.as_str(), id])).collect();
    [
        Statement { sql: SYNCED, args: vec![list(&json!(entities))] },
        Statement { sql: OUTCOMES, args: vec![list(&json!(named.svix_ids))] },
    ]
}

/// Reads what the next step is decided from: `ItemRow`s that wait, those of the canary, and
/// `CountRow`s.
#[must_use]
pub fn step_reads(replay: &StoredReplay) -> [Statement; 3] {
    let position = Arg::Int(replay.progress.position);
    let canary = json!(replay.progress.canary.clone().unwrap_or_default());
    let limit = Arg::Int(PAGE_LETTERS.into());
    [
        Statement { sql: ITEMS, args: vec![text(&replay.id), position, limit] },
        Statement { sql: CANARY, args: vec![text(&replay.id), list(&canary)] },
        counts(&[&replay.id]),
    ]
}

/// Counts the letters of these replays: `CountRow`s.
#[must_use]
pub fn counts(ids: &[&str]) -> Statement {
    Statement { sql: COUNTS, args: vec![list(&json!(ids))] }
}

/// Everything that a step writes but its audit rows. `claim` is a random id. If it sends letters,
/// the last statement reads those that were marked, as [`Mark`]s.
#[must_use]
pub fn step_writes(step: &Step, claim: &str, now: UnixMillis) -> Vec<Statement> {
    let (id, now) = (text(&step.after.id), Arg::Int(now.0));
    let mut statements = vec![self::step(&step.after)];
    let mut add = |sql, args: Vec<Arg>| statements.push(Statement { sql, args });
    if !step.leave.is_empty() {
        add(LEAVE, vec![id.clone(), list(&json!(step.leave)), now.clone()]);
    }
    if step.leave_waiting {
        add(LEAVE_WAITING, vec![id.clone(), Arg::Int(LEAVE_PER_STEP), now.clone()]);
    }
    if !step.discard.is_empty() {
        add(DISCARD, vec![list(&json!(step.discard)), id.clone(), now.clone()]);
    }
    if !step.send.is_empty() {
        let marks: Vec<&Mark> = step.send.iter().map(|(mark, _)| mark).collect();
        add(MARK, vec![list(&json!(marks)), id, text(claim), now]);
        add(MARKED, vec![text(claim)]);
    }
    statements
}

/// Records that the messages of a claim are in the queue.
#[must_use]
pub fn sent(claim: &str, now: UnixMillis) -> Statement {
    Statement { sql: SENT, args: vec![text(claim), Arg::Int(now.0)] }
}

/// A page of the letters of a replay after a position, by [`parse_planned_letters`].
#[must_use]
pub fn planned_letters(
    id: &str,
    planned: Option<LetterClass>,
    became: Option<&str>,
    after: Option<i64>,
    limit: u32,
) -> Statement {
    let after = after.unwrap_or(-1).clamp(-1, NUMBERS_END - 1);
    let args = vec![
        text(id),
        Arg::Int(after),
        Arg::Int(limit.clamp(1, PAGE_MAX).into()),
        text(planned.map_or("", LetterClass::as_str)),
        text(became.unwrap_or_default()),
    ];
    Statement { sql: LETTERS, args }
}

/// Parses the rows of [`planned_letters`] that were read with this `limit`.
///
/// # Errors
/// If a row is not one of them.
pub fn parse_planned_letters(
    rows: &[PlannedRow],
    limit: u32,
) -> Result<PlannedLetterPage, &'static str> {
    let letters = rows.iter().filter_map(|row| row.letter.as_deref());
    let letters: Result<Vec<PlannedLetter>, _> = letters.map(serde_json::from_str).collect();
    let letters = letters.map_err(|_| "a letter of the replay cannot be read")?;
    let full = u32::try_from(letters.len()).is_ok_and(|it| limit.clamp(1, PAGE_MAX) <= it);
    let last = rows.last().filter(|_| full).and_then(|row| row.position);
    let next = last.or_else(|| rows.first().and_then(|row| row.end_position));
    Ok(PlannedLetterPage { letters, next: next.map(|position| position.to_string()) })
}

/// Reads the examples of a replay: [`PlannedLetter`]s.
#[must_use]
pub fn examples(replay: &StoredReplay) -> Statement {
    let positions: Vec<i64> = replay.progress.examples.values().flatten().copied().collect();
    Statement { sql: EXAMPLES, args: vec![text(&replay.id), list(&json!(positions))] }
}

/// Reads whether no replay may begin by itself now: one [`BusyRow`].
#[must_use]
pub fn auto_busy(now: UnixMillis) -> Statement {
    Statement { sql: AUTO_BUSY, args: vec![Arg::Int(now.0)] }
}

/// Reads the oldest letter of this reason for a replay that begins by itself: one [`OldestRow`].
#[must_use]
pub fn auto_oldest(reason: &str) -> Statement {
    Statement { sql: AUTO_OLDEST, args: vec![text(reason)] }
}
