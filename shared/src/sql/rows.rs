//! Converts rows to the JSON that the statements read.

use serde_json::{Value, json};

use crate::merge::{EntityChange, EntityState, LiveState, MembershipPair, Rank};
use crate::plan::{DeadLetter, DeliveryOutcome, DeliveryRecord};
use crate::projection::{ContentDigest, EntityFields};

/// One synced row. A deletion has empty columns: two deletions of one id are identical.
pub(super) fn synced_row(change: &EntityChange) -> Value {
    let columns = match &change.state {
        EntityState::Deleted => field_columns(&EntityFields::empty(change.kind)),
        EntityState::Live(live) => field_columns(&live.fields),
    };
    json!({ "id": change.id.as_str(), "columns": columns, "rank": rank_columns(&change.state) })
}

/// The greatest rank seen for a pair.
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

fn field_columns(fields: &EntityFields) -> Value {
    let columns = fields.columns().into_iter();
    Value::Object(columns.map(|(name, value)| (name.into(), json!(value))).collect())
}

/// One row of `deliveries`. `outcome` is null if the synced row decides it.
pub(super) fn delivery_row(delivery: &DeliveryRecord) -> Value {
    let DeliveryRecord { envelope, outcome: decided } = delivery;
    let (outcome, row) = match decided {
        DeliveryOutcome::DecidedByRow(change) => {
            let rank = rank_columns(&change.state);
            (Value::Null, json!({ "entity": change.kind.as_str(), "rank": rank }))
        }
        DeliveryOutcome::Parked => (json!("parked"), Value::Null),
        DeliveryOutcome::Ignored => (json!("ignored"), Value::Null),
    };
    json!({
        "svix_id": envelope.svix_id.as_str(),
        "type": envelope.event_type,
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

/// The outcome of the letter that a delivery replays: null if the synced row decides it. `None` for
/// a delivery that replays none, or that is parked.
pub(super) fn settled_row(delivery: &DeliveryRecord) -> Option<Value> {
    let tag = delivery.envelope.replay.as_ref()?;
    let mut row = delivery_row(delivery);
    let columns = row.as_object_mut()?;
    columns.insert("letter".into(), json!(tag.letter));
    match delivery.outcome {
        DeliveryOutcome::DecidedByRow(_) => {}
        DeliveryOutcome::Ignored => drop(columns.insert("outcome".into(), json!("duplicate"))),
        DeliveryOutcome::Parked => return None,
    }
    Some(row)
}

/// One row of `dead_letters`: for a message that replays a letter, of that letter.
pub(super) fn dead_letter_row(letter: &DeadLetter) -> Value {
    let (envelope, tag) = (letter.envelope.as_ref(), letter.replay.as_ref());
    json!({
        "message_id": letter.row_id(),
        "generation": tag.map(|tag| tag.generation),
        "queue": letter.queue,
        "svix_id": envelope.map(|envelope| envelope.svix_id.as_str()),
        "type": envelope.map(|envelope| envelope.event_type.as_str()),
        "subject": envelope.and_then(|envelope| envelope.subject()),
        "reason": letter.reason,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "first_seen_at": letter.first_seen_at,
        "envelope": letter.text,
        "digest": ContentDigest::of(letter.text.as_bytes()),
    })
}
