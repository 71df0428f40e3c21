//! Statements of the audit trail.

use serde_json::json;

use super::{Arg, Statement};
use crate::operators::audit::AuditEntry;
use crate::time::UnixMillis;

/// Reads the head of the trail: at most one row, an `AuditHead`.
pub const AUDIT_HEAD: &str = text!("audit_head");

/// Appends an entry. The trigger refuses it with `HEAD_MOVED` when it does not continue the chain;
/// then the whole batch is undone.
const AUDIT: &str = text!("audit");

/// See [`AUDIT_HEAD`].
#[must_use]
pub fn audit_head() -> Statement {
    Statement { sql: AUDIT_HEAD, args: vec![] }
}

/// Appends `entry` to the trail.
#[must_use]
pub fn append(entry: &AuditEntry) -> Statement {
    let text = |text: &String| Arg::Text(text.clone());
    let args = vec![
        // With zeros in front: an export, which is in the order of the ids, can then be loaded.
        Arg::Text(format!("{:016}", entry.seq)),
        Arg::Int(entry.at.0),
        text(&entry.actor),
        text(&entry.action),
        text(&entry.target),
        text(&entry.detail),
        Arg::Int(entry.seq),
        text(&entry.prev),
        text(&entry.hash),
    ];
    Statement { sql: AUDIT, args }
}

const NEWEST: &str = text!("audit_newest");
const OF_TARGET: &str = text!("audit_of_target");
const AFTER: &str = text!("audit_after");
const NAMES: &str = text!("operator_names");
const NAME: &str = text!("operator_name");

/// Reads at most `limit` entries before number `before`, the newest first.
#[must_use]
pub fn newest(before: i64, limit: u32) -> Statement {
    Statement { sql: NEWEST, args: vec![Arg::Int(before), Arg::Int(limit.into())] }
}

/// The same about one target.
#[must_use]
pub fn newest_of(target: &str, before: i64, limit: u32) -> Statement {
    let args = vec![Arg::Text(target.into()), Arg::Int(before), Arg::Int(limit.into())];
    Statement { sql: OF_TARGET, args }
}

/// Reads at most `limit` entries after number `after`, in the order of the chain.
#[must_use]
pub fn after(after: i64, limit: u32) -> Statement {
    Statement { sql: AFTER, args: vec![Arg::Int(after), Arg::Int(limit.into())] }
}

/// Reads the names of these actors, where they are known.
#[must_use]
pub fn names<'a>(actors: impl IntoIterator<Item = &'a str>) -> Statement {
    let actors: Vec<&str> = actors.into_iter().collect();
    Statement { sql: NAMES, args: vec![Arg::Text(json!(actors).to_string())] }
}

/// Keeps the name of an actor, which is beside the trail: it may be deleted.
#[must_use]
pub fn keep_name(actor: &str, name: &str, seen_at: UnixMillis) -> Statement {
    let args = vec![Arg::Text(actor.into()), Arg::Text(name.into()), Arg::Int(seen_at.0)];
    Statement { sql: NAME, args }
}
