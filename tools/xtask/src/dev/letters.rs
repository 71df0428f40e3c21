//! Dead letters of every class, to play with in the console.
//!
//! All of them come through the real pipeline: signed deliveries through `ingest` and the queue,
//! or a message given to the consumer. No row is written here. For a moment a trigger closes the
//! table `users`, as a mistake in a migration could: what arrives meanwhile is parked with the
//! reason `refused-by-database`. A database that is away would park nothing for ten days, and the
//! sweep would replay those letters by itself.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::clerk::LocalClerk;
use super::day::{ADA, GRACE, LINUS};
use super::system::System;
use crate::clock::Stopwatch;
use crate::show::Step;

/// The most time for a letter or a row. The queue alone waits for a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between queries meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Closes the table; the message is what the letters show.
const CLOSE: &str = "CREATE TRIGGER dev_users_are_closed BEFORE INSERT ON users BEGIN \
                     SELECT RAISE(ABORT, 'cargo xtask dev closed this table for a moment'); END";

/// Opens it again.
const OPEN: &str = "DROP TRIGGER dev_users_are_closed";

/// The app role that a letter about Linus gives him, once it is replayed.
pub(super) const NEW_ROLE: &str = "editor";

/// People who sign up while the table is closed. With Linus's letter these are more than a canary.
const NEWCOMERS: u32 = 7;

/// Bodies that no build can read, with the reason of each: signed, and so accepted.
pub(super) const UNREADABLE: [(&str, &str); 3] = [
    ("not-json", "{\"type\":\"user.updated\",\"data\":"),
    ("no-subject", r#"{"type":"user.deleted","data":{"object":"user","deleted":true}}"#),
    ("id", r#"{"type":"user.updated","data":{"object":"user","id":"not an id"}}"#),
];

/// An envelope of a build that does not exist yet.
const NEWER: &str = r#"{"v":9999,"written-by":"a newer build, says cargo xtask dev"}"#;

/// The id of its message.
const NEWER_ID: &str = "dev-newer";

/// One letter for each class that a replay can meet, and the class.
pub(super) struct SampleLetter {
    /// What the plan of a replay must say.
    pub(super) class: &'static str,
    /// The letter's id.
    pub(super) id: String,
}

/// Makes the letters. Called once for each state, after the day.
///
/// # Errors
/// When a delivery, the database or the queue does not do its part.
pub(super) fn make(system: &System, clerk: &LocalClerk) -> Result<Vec<SampleLetter>> {
    let step = Step::begin("make dead letters to play with");
    system.query(CLOSE, &[])?;
    let parked = park_while_closed(system, clerk);
    // Also after a failure: the table must not stay closed.
    system.query(OPEN, &[])?;
    let parked = parked?;
    for (_, body) in UNREADABLE {
        clerk.deliver(&json!({ "body": body }))?;
    }
    system.last_attempt(NEWER_ID, NEWER)?;

    // Something newer about Ada arrives, so her letter is superseded. Grace's delivery is sent
    // again from the endpoint's log, so her letter is a duplicate.
    clerk.deliver(&updated(&changed(clerk.user(ADA.id)?, 2)))?;
    clerk.deliver(&parked.grace)?;
    settled(system, &parked.grace_id)?;

    let mut letters = vec![
        SampleLetter { class: "applied", id: about(system, LINUS, "refused-by-database")? },
        SampleLetter { class: "superseded", id: about(system, ADA.id, "refused-by-database")? },
        SampleLetter { class: "duplicate", id: about(system, GRACE, "refused-by-database")? },
        SampleLetter { class: "newer", id: NEWER_ID.to_owned() },
    ];
    for (reason, _) in UNREADABLE {
        let sql = "SELECT message_id AS found FROM dead_letters WHERE reason = ?";
        letters.push(SampleLetter { class: "unreadable", id: found(system, sql, &[reason])? });
    }
    step.done(&format!("{} letters", u64::from(NEWCOMERS) + letters.len().try_into().unwrap_or(0)));
    Ok(letters)
}

/// What is needed later of the deliveries that were parked.
struct Parked {
    /// The delivery about Grace, to send again.
    grace: Value,
    /// Its `svix-id`.
    grace_id: String,
}

fn park_while_closed(system: &System, clerk: &LocalClerk) -> Result<Parked> {
    let roles = json!({ "roles": [NEW_ROLE] });
    let linus = with(changed(clerk.user(LINUS)?, 1), "public_metadata", roles);
    for number in 1..=NEWCOMERS {
        let id = format!("user_3NEWCOMERwhileclosed{number:07}");
        clerk.deliver(&newcomer(&linus, &id, &format!("newcomer{number}")))?;
    }
    clerk.deliver(&updated(&linus))?;
    clerk.deliver(&updated(&changed(clerk.user(ADA.id)?, 1)))?;
    let grace = updated(&changed(clerk.user(GRACE)?, 1));
    let grace_id = clerk.deliver(&grace)?.svix_id;
    let grace = with(grace, "svix_id", json!(grace_id));
    for user in [LINUS, ADA.id, GRACE] {
        about(system, user, "refused-by-database")?;
    }
    let all = "SELECT 1 AS found FROM dead_letters WHERE reason = 'refused-by-database' \
               GROUP BY reason HAVING count(*) >= CAST(? AS INTEGER)";
    found(system, all, &[&(NEWCOMERS + 3).to_string()])?;
    Ok(Parked { grace, grace_id })
}

/// The user as Clerk shows them after another change.
fn changed(user: Value, ms_later: i64) -> Value {
    let updated_at = user.get("updated_at").and_then(Value::as_i64).unwrap_or_default();
    with(user, "updated_at", json!(updated_at.saturating_add(ms_later)))
}

/// The object with one member changed.
pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

pub(super) fn updated(user: &Value) -> Value {
    json!({ "type": "user.updated", "data": user })
}

/// Somebody who signs up, but for the id and the name like the user.
pub(super) fn newcomer(like: &Value, id: &str, name: &str) -> Value {
    let user = with(with(like.clone(), "id", json!(id)), "username", json!(name));
    json!({ "type": "user.created", "data": user })
}

/// The newest letter about a user with this reason; waits until it is there.
fn about(system: &System, user: &str, reason: &str) -> Result<String> {
    let sql = "SELECT message_id AS found FROM dead_letters WHERE subject = ? AND reason = ? \
               ORDER BY first_seen_at DESC LIMIT 1";
    found(system, sql, &[user, reason])
}

/// Waits until a delivery that was parked has been applied by its next attempt.
fn settled(system: &System, svix_id: &str) -> Result<()> {
    let sql = "SELECT outcome AS found FROM deliveries WHERE svix_id = ? AND outcome <> 'parked'";
    found(system, sql, &[svix_id]).map(drop)
}

/// The column `found` of the first row; waits until there is one.
fn found(system: &System, sql: &str, args: &[&str]) -> Result<String> {
    let watch = Stopwatch::start();
    while watch.elapsed() < PATIENCE {
        if let Some(row) = system.query(sql, args)?.first() {
            let value = row.get("found").context("the query names no column `found`")?;
            return Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        thread::sleep(PAUSE);
    }
    bail!(
        "no row came for `{sql}` with {args:?} within {} s; the Workers' log says what became of \
         the deliveries",
        PATIENCE.as_secs()
    )
}
