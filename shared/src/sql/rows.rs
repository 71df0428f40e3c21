//! Rows as the JSON that the statements read.

use serde_json::{Value, json};

use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, MembershipPair, Rank};
use crate::plan::{DeadLetter, DeliveryOutcome, DeliveryRecord};
use crate::projection::EntityFields;

/// One synced row. A deletion is blank: two deletions of one id are the same bytes.
pub(super) fn row(change: &EntityChange) -> Value {
    let columns = match &change.state {
        EntityState::Deleted => blank(change.entity),
        EntityState::Live(live) => columns(&live.fields),
    };
    json!({ "id": change.id.as_str(), "columns": columns, "rank": rank(&change.state) })
}

/// The greatest rank heard of a pair.
pub(super) fn pair(pair: &MembershipPair, rank: &Rank) -> Value {
    json!({
        "org_id": pair.org_id,
        "user_id": pair.user_id,
        "updated_at": rank.updated_at,
        "event_at": rank.event_at,
        "projection": rank.projection,
        "digest": rank.digest,
    })
}

fn rank(state: &EntityState) -> Value {
    match state {
        EntityState::Deleted => json!({
            "deleted": 1, "updated_at": 0, "event_at": 0, "projection": 0, "digest": "",
        }),
        EntityState::Live(LiveState {
            rank: Rank { updated_at, event_at, projection, digest },
            ..
        }) => {
            json!({
                "deleted": 0,
                "updated_at": updated_at,
                "event_at": event_at,
                "projection": projection,
                "digest": digest,
            })
        }
    }
}

/// Lists travel as the JSON text that the column holds.
fn list<T: serde::Serialize>(items: &[T]) -> Value {
    json!(json!(items).to_string())
}

fn columns(fields: &EntityFields) -> Value {
    match fields {
        EntityFields::User(user) => json!({
            "email": user.email,
            "banned": i32::from(user.banned),
            "app_roles": list(&user.app_roles),
            "created_at": user.created_at,
        }),
        EntityFields::Organization(organization) => json!({
            "name": organization.name,
            "slug": organization.slug,
        }),
        EntityFields::Membership(membership) => json!({
            "org_id": membership.org_id,
            "user_id": membership.user_id,
            "role": membership.role,
            "permissions": list(&membership.permissions),
        }),
        EntityFields::Role(role) => json!({
            "key": role.key,
            "permissions": list(&role.permissions),
        }),
        EntityFields::Permission(permission) => json!({ "key": permission.key }),
    }
}

fn blank(entity: EntityKind) -> Value {
    match entity {
        EntityKind::User => {
            json!({ "email": null, "banned": 0, "app_roles": "[]", "created_at": 0 })
        }
        EntityKind::Organization => json!({ "name": "", "slug": null }),
        EntityKind::Membership => {
            json!({ "org_id": "", "user_id": "", "role": "", "permissions": "[]" })
        }
        EntityKind::Role => json!({ "key": "", "permissions": "[]" }),
        EntityKind::Permission => json!({ "key": "" }),
    }
}

/// One row of `deliveries`. `outcome` is null where the synced row decides it.
pub(super) fn delivery(delivery: &DeliveryRecord) -> Value {
    let DeliveryRecord { envelope, outcome: decided } = delivery;
    let (outcome, row) = match decided {
        DeliveryOutcome::DecidedByRow(change) => {
            let row = json!({ "entity": name(change.entity), "rank": rank(&change.state) });
            (Value::Null, row)
        }
        DeliveryOutcome::Parked => (json!("parked"), Value::Null),
        DeliveryOutcome::Ignored => (json!("ignored"), Value::Null),
    };
    json!({
        "svix_id": envelope.svix_id.as_str(),
        "type": envelope.kind,
        "subject": envelope.subject(),
        "event_at": envelope.event_at,
        "attempted_at": envelope.attempted_at,
        "received_at": envelope.received_at,
        "body_digest": envelope.body_digest,
        "outcome": outcome,
        "note": envelope.note,
        "row": row,
    })
}

/// One row of `dead_letters`.
pub(super) fn dead_letter(letter: &DeadLetter) -> Value {
    let envelope = letter.envelope.as_ref();
    json!({
        "message_id": letter.message_id,
        "queue": letter.queue,
        "svix_id": envelope.map(|envelope| envelope.svix_id.as_str()),
        "type": envelope.map(|envelope| envelope.kind.as_str()),
        "subject": envelope.and_then(|envelope| envelope.subject()),
        "reason": letter.reason,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "first_seen_at": letter.first_seen_at,
        "envelope": letter.text,
    })
}

fn name(entity: EntityKind) -> &'static str {
    match entity {
        EntityKind::User => "user",
        EntityKind::Organization => "organization",
        EntityKind::Membership => "membership",
        EntityKind::Role => "role",
        EntityKind::Permission => "permission",
    }
}
