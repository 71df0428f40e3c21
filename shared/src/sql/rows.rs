//! Rows as the JSON that the statements read.

use serde_json::{Value, json};

use crate::merge::{Change, Entity, Live, Pair, Rank, State};
use crate::plan::{DeadLetter, Delivery, Verdict};
use crate::projection::Fields;

/// One synced row. A deletion is blank: two deletions of one id are the same bytes.
pub(super) fn row(change: &Change) -> Value {
    let columns = match &change.state {
        State::Dead => blank(change.entity),
        State::Live(live) => columns(&live.fields),
    };
    json!({ "id": change.id.as_str(), "columns": columns, "rank": rank(&change.state) })
}

/// The greatest rank heard of a pair.
pub(super) fn pair(pair: &Pair, rank: &Rank) -> Value {
    json!({
        "org_id": pair.org_id,
        "user_id": pair.user_id,
        "updated_at": rank.updated_at,
        "event_at": rank.event_at,
        "projection": rank.projection,
        "digest": rank.digest,
    })
}

fn rank(state: &State) -> Value {
    match state {
        State::Dead => json!({
            "deleted": 1, "updated_at": 0, "event_at": 0, "projection": 0, "digest": "",
        }),
        State::Live(Live { rank: Rank { updated_at, event_at, projection, digest }, .. }) => {
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

fn columns(fields: &Fields) -> Value {
    match fields {
        Fields::User(user) => json!({
            "email": user.email,
            "banned": i32::from(user.banned),
            "app_roles": list(&user.app_roles),
            "created_at": user.created_at,
        }),
        Fields::Organization(organization) => json!({
            "name": organization.name,
            "slug": organization.slug,
        }),
        Fields::Membership(membership) => json!({
            "org_id": membership.org_id,
            "user_id": membership.user_id,
            "role": membership.role,
            "permissions": list(&membership.permissions),
        }),
        Fields::Role(role) => json!({
            "key": role.key,
            "permissions": list(&role.permissions),
        }),
        Fields::Permission(permission) => json!({ "key": permission.key }),
    }
}

fn blank(entity: Entity) -> Value {
    match entity {
        Entity::User => json!({ "email": null, "banned": 0, "app_roles": "[]", "created_at": 0 }),
        Entity::Organization => json!({ "name": "", "slug": null }),
        Entity::Membership => {
            json!({ "org_id": "", "user_id": "", "role": "", "permissions": "[]" })
        }
        Entity::Role => json!({ "key": "", "permissions": "[]" }),
        Entity::Permission => json!({ "key": "" }),
    }
}

/// One row of `deliveries`. `outcome` is null where the synced row decides it.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let Delivery { envelope, verdict } = delivery;
    let (outcome, row) = match verdict {
        Verdict::ByRow(change) => {
            let row = json!({ "entity": name(change.entity), "rank": rank(&change.state) });
            (Value::Null, row)
        }
        Verdict::Parked => (json!("parked"), Value::Null),
        Verdict::Ignored => (json!("ignored"), Value::Null),
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

fn name(entity: Entity) -> &'static str {
    match entity {
        Entity::User => "user",
        Entity::Organization => "organization",
        Entity::Membership => "membership",
        Entity::Role => "role",
        Entity::Permission => "permission",
    }
}
