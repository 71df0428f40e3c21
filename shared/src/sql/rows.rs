//! Rows as the JSON that the statements read.

use serde_json::{Value, json};

use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, MembershipPair, Rank};
use crate::plan::{DeadLetter, DeliveryOutcome, DeliveryRecord};
use crate::projection::EntityFields;

/// One synced row. A deletion is blank: two deletions of one id are the same bytes.
pub(super) fn synced_row(change: &EntityChange) -> Value {
    let columns = match &change.state {
        EntityState::Deleted => blank_columns(change.entity),
        EntityState::Live(live) => live_columns(&live.fields),
    };
    json!({ "id": change.id.as_str(), "columns": columns, "rank": rank_columns(&change.state) })
}

/// The greatest rank heard of a pair.
pub(super) fn pair_row(pair: &MembershipPair, rank: &Rank) -> Value {
    json!({
        "org_id": pair.org_id,
        "user_id": pair.user_id,
        "updated_at": rank.updated_at,
        "event_at": rank.event_at,
        "projection": rank.projection,
        "digest": rank.digest,
    })
}

fn rank_columns(state: &EntityState) -> Value {
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
fn json_text<T: serde::Serialize>(items: &[T]) -> Value {
    json!(json!(items).to_string())
}

fn live_columns(fields: &EntityFields) -> Value {
    match fields {
        EntityFields::User(user) => json!({
            "email": user.email,
            "banned": i32::from(user.banned),
            "app_roles": json_text(&user.app_roles),
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
            "permissions": json_text(&membership.permissions),
        }),
        EntityFields::Role(role) => json!({
            "key": role.key,
            "permissions": json_text(&role.permissions),
        }),
        EntityFields::Permission(permission) => json!({ "key": permission.key }),
    }
}

fn blank_columns(entity: EntityKind) -> Value {
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
pub(super) fn delivery_row(delivery: &DeliveryRecord) -> Value {
    let DeliveryRecord { envelope, verdict } = delivery;
    let (outcome, row) = match verdict {
        DeliveryOutcome::DecidedByRow(change) => {
            let (entity, rank) = (entity_name(change.entity), rank_columns(&change.state));
            (Value::Null, json!({ "entity": entity, "rank": rank }))
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
pub(super) fn dead_letter_row(letter: &DeadLetter) -> Value {
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

fn entity_name(entity: EntityKind) -> &'static str {
    match entity {
        EntityKind::User => "user",
        EntityKind::Organization => "organization",
        EntityKind::Membership => "membership",
        EntityKind::Role => "role",
        EntityKind::Permission => "permission",
    }
}
