//! Statements that grant and revoke app roles by name.

use super::explain::{ROLES, row_of};
use super::{Arg, ROLE_NAMES, Statement, audit, json_statements};
use crate::entity::EntityKind;
use crate::operators::audit::AuditEntry;
use crate::operators::grants::PlannedChange;

/// Grants or revokes: `?1` user, `?2` name, `?3` 1 or 0, `?4` time, `?5` id, `?6` actor, `?7`
/// reason, `?8` the end or 0.
pub const GRANT_BY_NAME: &str = text!("grant_by_name");

/// One batch that reads what a change is planned from: the head of the audit trail, the user, and
/// the app roles that are named for them.
#[must_use]
pub fn read_for_change(user_id: &str) -> Vec<Statement> {
    let of_user = [row_of(EntityKind::User), ROLES];
    let of_user = of_user.map(|sql| Statement { sql, args: vec![Arg::Text(user_id.into())] });
    std::iter::once(audit::audit_head()).chain(of_user).collect()
}

/// One batch that changes a role and appends `entry` to the audit trail: both, or none. `id` is
/// random: it names the change.
#[must_use]
pub fn change(planned: &PlannedChange, entry: &AuditEntry, id: &str) -> Vec<Statement> {
    let PlannedChange { user_id, role, granted, reason, ends_at, .. } = planned;
    let args = vec![
        Arg::Text(user_id.clone()),
        Arg::Text(role.clone()),
        Arg::Int(i64::from(*granted)),
        Arg::Int(entry.at.0),
        Arg::Text(id.into()),
        Arg::Text(entry.actor.clone()),
        Arg::Text(reason.clone()),
        Arg::Int(ends_at.map_or(0, |at| at.0)),
    ];
    let mut batch: Vec<_> = json_statements(ROLE_NAMES, [role]).collect();
    batch.push(Statement { sql: GRANT_BY_NAME, args });
    batch.push(audit::append(entry));
    batch
}
