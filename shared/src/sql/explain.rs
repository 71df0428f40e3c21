//! Statements of `explain`. Each reads a bounded number of rows, and each row is one JSON text
//! under the name `json`: see [`crate::operators::explain`], which reads them.

use super::{Arg, Statement};
use crate::entity::EntityKind;

/// What `?1` names.
pub const TARGET: &str = text!("explain_target");
/// The delivery `?1`.
pub const DELIVERY: &str = text!("explain_delivery_json", "explain_delivery");
/// Dead letters of the delivery `?1`.
pub const LETTERS_OF_DELIVERY: &str = text!("explain_letter_json", "explain_letters_of_delivery");
/// Replays of these.
pub const REPLAYS: &str = text!("explain_replays");
/// The last deliveries about `?1`.
pub const DELIVERIES: &str = text!("explain_delivery_json", "explain_deliveries");
/// The last dead letters about `?1`.
pub const LETTERS_OF_SUBJECT: &str = text!("explain_letter_json", "explain_letters_of_subject");
/// The app roles that are named for the user `?1`.
pub const ROLES: &str = text!("explain_roles");
/// The memberships of the user `?1`, or the membership `?1`.
pub const MEMBERSHIPS: &str = text!("explain_memberships");
/// What the roles of these memberships list.
pub const PERMISSIONS: &str = text!("explain_permissions");
/// The watch of the user `?1`.
pub const WATCH: &str = text!("explain_watch");

/// The row of the synced thing `?1`.
#[must_use]
pub const fn row_of(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::User => text!("explain_user"),
        EntityKind::Organization => text!("explain_organization"),
        EntityKind::Membership => text!("explain_membership"),
        EntityKind::Role => text!("explain_role"),
        EntityKind::Permission => text!("explain_permission"),
    }
}

/// Finds what an id names.
#[must_use]
pub fn target(id: &str) -> Statement {
    about(TARGET, id)
}

/// One batch that reads everything about a delivery.
#[must_use]
pub fn delivery(svix_id: &str) -> Vec<Statement> {
    [DELIVERY, LETTERS_OF_DELIVERY, REPLAYS].map(|sql| about(sql, svix_id)).into()
}

/// One batch that reads everything about a synced thing, so that all rows are of one time.
#[must_use]
pub fn entity(kind: EntityKind, id: &str) -> Vec<Statement> {
    let of_kind: &[&str] = match kind {
        EntityKind::User => &[MEMBERSHIPS, PERMISSIONS, ROLES, WATCH],
        EntityKind::Membership => &[MEMBERSHIPS, PERMISSIONS],
        EntityKind::Organization | EntityKind::Role | EntityKind::Permission => &[],
    };
    let every = [row_of(kind), DELIVERIES, LETTERS_OF_SUBJECT];
    every.iter().chain(of_kind).map(|sql| about(sql, id)).collect()
}

fn about(sql: &'static str, id: &str) -> Statement {
    Statement { sql, args: vec![Arg::Text(id.into())] }
}
