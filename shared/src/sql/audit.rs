//! Statements of the audit trail.

use super::{Arg, Statement};
use crate::operators::audit::AuditEntry;

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
