//! From a verified body to the event that it is.
//!
//! Clerk's documents, examples and deliveries disagree, so this reads liberally: unknown fields are
//! ignored whatever they hold, nearly everything may be absent. A field that is synced and says
//! nothing of who may do what costs itself alone when it cannot be read, and
//! [`ParsedDelivery::note`] says so. What cannot be read at all is a value too
//! ([`Payload::Unreadable`]), for the delivery was genuine and must not be lost.

mod project;
mod roles;
mod wire;

use crate::id::UserId;
use crate::json::JsonObject;
use crate::merge::{EntityChange, EntityKind};
use crate::projection::ContentDigest;
use crate::signature::VerifiedBody;
use crate::time::UnixMillis;
use wire::{ParseIssue, ParseNotes, ParseResult};

/// A verified delivery, read as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedDelivery {
    /// The Clerk instance that it speaks of; older deliveries do not say.
    pub instance_id: Option<String>,
    /// The event's type, `user.created` for instance, where it can be read.
    pub kind: Option<String>,
    /// The event's time; `None` where the envelope has none.
    pub event_at: Option<UnixMillis>,
    /// Of the raw body: two deliveries under one id with other bytes are told apart by it.
    pub body_digest: ContentDigest,
    /// What of it was left out, in words without any of the values; empty when nothing was.
    pub note: String,
    /// What it says.
    pub payload: Payload,
}

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// An event that is synced.
    Event(Event),
    /// A type that is not synced, or does not exist yet.
    Ignored,
    /// A synced type, or no type at all, that cannot be read.
    Unreadable(UnreadablePayload),
}

/// An event that changes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the event is about; a membership's nested organization comes after it.
    pub changes: Vec<EntityChange>,
    /// The users whose roles it names outright. Others are found by D1's triggers.
    pub users: Vec<UserId>,
}

/// A genuine delivery that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadablePayload {
    /// The id of the object, where that much can be read.
    pub object_id: Option<String>,
    /// Why not.
    pub reason: UnreadableReason,
    /// Where it stopped, without any of the values: they may be personal.
    pub detail: String,
}

/// Why a delivery cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableReason {
    /// Not UTF-8, not JSON, or nested too deep.
    NotJson,
    /// JSON, but not an event's shape.
    Shape,
    /// An id that is none.
    Id,
    /// A deletion that does not say what was deleted.
    NoSubject,
    /// A time that no clock of Clerk's says, or an update later than its own event.
    Time,
    /// More than an envelope may carry.
    Size,
}

impl UnreadableReason {
    /// The reason as `dead_letters.reason` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::Shape => "shape",
            Self::Id => "id",
            Self::NoSubject => "no-subject",
            Self::Time => "time",
            Self::Size => "size",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::NotJson, Self::Shape, Self::Id, Self::NoSubject, Self::Time, Self::Size];
        all.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// What a synced type does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventAction {
    Upsert,
    Delete,
}

/// The entity and the verb of a type, or `None` for a type that is not synced.
fn synced(kind: &str) -> Option<(EntityKind, EventAction)> {
    let (noun, verb) = kind.split_once('.')?;
    let entity = match noun {
        "user" => EntityKind::User,
        "organization" => EntityKind::Organization,
        "organizationMembership" => EntityKind::Membership,
        "role" => EntityKind::Role,
        "permission" => EntityKind::Permission,
        _ => return None,
    };
    match verb {
        "created" | "updated" => Some((entity, EventAction::Upsert)),
        "deleted" => Some((entity, EventAction::Delete)),
        _ => None,
    }
}

/// Reads a verified delivery. Never fails: what cannot be read is said so.
#[must_use]
pub fn parse(body: &VerifiedBody<'_>) -> ParsedDelivery {
    parse_bytes(body.bytes())
}

fn parse_bytes(bytes: &[u8]) -> ParsedDelivery {
    let mut incoming = ParsedDelivery {
        instance_id: None,
        kind: None,
        event_at: None,
        body_digest: ContentDigest::of(bytes),
        note: String::new(),
        payload: Payload::Ignored,
    };
    // As every browser decodes: what is no UTF-8 becomes U+FFFD, and spoils no more than the text
    // that it stands in.
    let text = String::from_utf8_lossy(bytes);
    let outer = match JsonObject::parse(&text, &wire::EVENT) {
        Ok(outer) => outer,
        Err(error) => {
            let flaw = ParseIssue::bad_event("the body", &error);
            incoming.payload = Payload::Unreadable(flaw.unreadable(None));
            return incoming;
        }
    };
    let mut notes = ParseNotes::default();
    let data = outer
        .non_null_member("data")
        .ok()
        .flatten()
        .map(|raw| JsonObject::parse(raw.get(), &wire::DATA));
    let object_id = data.as_ref().and_then(|data| data.as_ref().ok()?.scalar("id").ok()?);
    incoming.payload = match incoming.parse_payload(&outer, data, &mut notes) {
        Ok(payload) => payload,
        Err(flaw) => Payload::Unreadable(flaw.unreadable(object_id)),
    };
    if let Payload::Event(_) = incoming.payload {
        incoming.note = notes.join();
    }
    incoming
}

impl ParsedDelivery {
    fn parse_payload(
        &mut self,
        outer: &JsonObject<'_>,
        data: Option<serde_json::Result<JsonObject<'_>>>,
        notes: &mut ParseNotes,
    ) -> ParseResult<Payload> {
        let get = |name| outer.scalar(name).map_err(|error| ParseIssue::bad_event(name, &error));
        let (kind, instance_id): (_, ParseResult<Option<String>>) =
            (get("type"), get("instance_id"));
        self.instance_id = instance_id.as_ref().ok().cloned().flatten();
        let kind = kind?.ok_or_else(|| ParseIssue::missing("type"))?;
        let synced = synced(&kind);
        self.kind = Some(kind);
        let Some((entity, verb)) = synced else { return Ok(Payload::Ignored) };
        // An event of who knows which instance may be none of ours.
        instance_id?;
        self.event_at = event_at(outer).or_else(|flaw| match verb {
            // A deletion holds whenever it was.
            EventAction::Delete => {
                notes.add_unreadable("timestamp");
                Ok(None)
            }
            EventAction::Upsert => Err(flaw),
        })?;
        let data = data
            .ok_or_else(|| ParseIssue::missing("data"))?
            .map_err(|_| ParseIssue::bad_shape("data"))?;
        project::event_from(entity, verb, &data, self.event_at, notes).map(Payload::Event)
    }
}

fn event_at(outer: &JsonObject<'_>) -> ParseResult<Option<UnixMillis>> {
    let raw =
        outer.scalar("timestamp").map_err(|error| ParseIssue::bad_event("timestamp", &error))?;
    let time = |raw| UnixMillis::from_clerk(raw).ok_or_else(|| ParseIssue::bad_time("timestamp"));
    raw.map(time).transpose()
}

#[cfg(test)]
mod tests;
