//! The envelope's bytes, version 1. Frozen: changing the shape means adding version 2.

mod fields;

use serde::{Deserialize, Serialize};

use super::{Envelope, EnvelopeError};
use crate::event::{Event, Payload, UnreadablePayload, UnreadableReason};
use crate::id::{EntityId, SvixId, UserId};
use crate::json::{JsonObject, serde_struct_from_object};
use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use crate::operators::letter::ReplayTag;
use crate::projection::{ContentDigest, EntityFields, PROJECTION_VERSION};
use crate::time::UnixMillis;
use fields::FieldsV1;

const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
struct EnvelopeV1 {
    v: u64,
    svix_id: String,
    attempted_at: UnixMillis,
    received_at: UnixMillis,
    event_at: Option<UnixMillis>,
    body: ContentDigest,
    #[serde(rename = "type")]
    event_type: String,
    /// Added to version 1: an older consumer ignores it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    /// Added to version 1: an older consumer ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<ReplayTag>,
    /// The name on the wire is frozen. It does not mean a dead letter.
    #[serde(rename = "letter")]
    payload: PayloadV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PayloadV1 {
    Event(EventV1),
    Ignored,
    Unreadable(UnreadableV1),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
struct EventV1 {
    changes: Vec<ChangeV1>,
    users: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
struct UnreadableV1 {
    object_id: Option<String>,
    reason: String,
    detail: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
struct ChangeV1 {
    id: String,
    #[serde(flatten)]
    state: StateV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateV1 {
    Live(LiveV1),
    /// The kind, as in `EntityKind::as_str`.
    Dead(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
struct LiveV1 {
    updated_at: UnixMillis,
    event_at: UnixMillis,
    projection: u32,
    digest: ContentDigest,
    fields: FieldsV1,
}

serde_struct_from_object!(EnvelopeV1, EventV1, UnreadableV1, ChangeV1, LiveV1);

pub(super) fn encode(envelope: &Envelope) -> String {
    let wire = EnvelopeV1 {
        v: VERSION,
        svix_id: envelope.svix_id.to_string(),
        attempted_at: envelope.attempted_at,
        received_at: envelope.received_at,
        event_at: envelope.event_at,
        body: envelope.body_digest.clone(),
        event_type: envelope.event_type.clone(),
        note: envelope.note.clone(),
        replay: envelope.replay.clone(),
        payload: payload_to_wire(&envelope.payload),
    };
    // Cannot fail.
    serde_json::to_string(&wire).unwrap_or_default()
}

/// The tag, by the members that all versions have.
pub(super) fn replay_tag(text: &str) -> Option<ReplayTag> {
    let versioned = JsonObject::parse(text, &["replay"]).ok()?;
    let tag = versioned.non_null_member("replay").ok()??;
    serde_json::from_str(tag.get()).ok()
}

pub(super) fn decode(text: &str) -> Result<Envelope, EnvelopeError> {
    // The position only: serde's own text quotes values, and those may be personal.
    let malformed = |error: serde_json::Error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        EnvelopeError::Malformed(format!("{kind:?} at line {line} column {column}"))
    };
    // The member that all versions have.
    let versioned = JsonObject::parse(text, &["v"]).map_err(malformed)?;
    let v: Option<u64> = versioned.scalar("v").map_err(malformed)?;
    let v = v.ok_or_else(|| EnvelopeError::Malformed("v is missing".into()))?;
    if VERSION < v {
        return Err(EnvelopeError::NewerVersion(v));
    }
    if v < VERSION {
        return Err(EnvelopeError::Malformed(format!("unknown version {v}")));
    }
    let wire: EnvelopeV1 = serde_json::from_str(text).map_err(malformed)?;
    let svix_id = SvixId::parse(&wire.svix_id).map_err(|e| field("svix_id", &e))?;
    Ok(Envelope {
        svix_id,
        attempted_at: wire.attempted_at,
        received_at: wire.received_at,
        event_at: wire.event_at,
        body_digest: wire.body,
        event_type: wire.event_type,
        note: wire.note,
        replay: wire.replay,
        payload: payload_from_wire(wire.payload)?,
    })
}

fn field(name: &str, error: &dyn std::fmt::Display) -> EnvelopeError {
    EnvelopeError::Malformed(format!("{name}: {error}"))
}

fn payload_to_wire(payload: &Payload) -> PayloadV1 {
    match payload {
        Payload::Event(event) => PayloadV1::Event(EventV1 {
            changes: event.changes.iter().map(change_to_wire).collect(),
            users: event.users.iter().map(ToString::to_string).collect(),
        }),
        Payload::Ignored => PayloadV1::Ignored,
        Payload::Unreadable(unreadable) => PayloadV1::Unreadable(UnreadableV1 {
            object_id: unreadable.object_id.clone(),
            reason: unreadable.reason.as_str().into(),
            detail: unreadable.detail.clone(),
        }),
    }
}

fn payload_from_wire(wire: PayloadV1) -> Result<Payload, EnvelopeError> {
    match wire {
        PayloadV1::Ignored => Ok(Payload::Ignored),
        PayloadV1::Unreadable(UnreadableV1 { object_id, reason, detail }) => {
            let reason = UnreadableReason::from_name(&reason)
                .ok_or_else(|| EnvelopeError::Malformed("letter.reason is unknown".into()))?;
            Ok(Payload::Unreadable(UnreadablePayload { object_id, reason, detail }))
        }
        PayloadV1::Event(EventV1 { changes, users }) => {
            let changes = changes.into_iter().map(change_from_wire).collect::<Result<_, _>>()?;
            let user = |raw: &String| UserId::parse(raw).map_err(|e| field("users", &e));
            let users = users.iter().map(user).collect::<Result<_, _>>()?;
            Ok(Payload::Event(Event { changes, users }))
        }
    }
}

fn change_to_wire(change: &EntityChange) -> ChangeV1 {
    let state = match &change.state {
        EntityState::Deleted => StateV1::Dead(change.kind.as_str().into()),
        EntityState::Live(LiveState { rank, fields }) => StateV1::Live(LiveV1 {
            updated_at: rank.updated_at,
            event_at: rank.event_at,
            projection: rank.projection,
            digest: rank.digest.clone(),
            fields: fields.clone().into(),
        }),
    };
    ChangeV1 { id: change.id.to_string(), state }
}

fn change_from_wire(wire: ChangeV1) -> Result<EntityChange, EnvelopeError> {
    let id = EntityId::parse(&wire.id).map_err(|e| field("changes.id", &e))?;
    let (entity, state) = match wire.state {
        StateV1::Dead(name) => {
            let entity = EntityKind::from_name(&name)
                .ok_or_else(|| EnvelopeError::Malformed("changes.dead is unknown".into()))?;
            (entity, EntityState::Deleted)
        }
        // It may have fields that this build does not know. Stored without them under this rank, it
        // could never be corrected.
        StateV1::Live(LiveV1 { projection, .. }) if PROJECTION_VERSION < projection => {
            return Err(EnvelopeError::NewerVersion(projection.into()));
        }
        StateV1::Live(LiveV1 { updated_at, event_at, projection, digest, fields }) => {
            let rank = Rank { updated_at, event_at, projection, digest };
            let fields = EntityFields::from(fields);
            (fields.entity(), EntityState::Live(LiveState { rank, fields }))
        }
    };
    Ok(EntityChange { kind: entity, id, state })
}
