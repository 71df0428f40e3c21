//! Parses a verified webhook body into an event.
//!
//! Clerk's documents, examples and deliveries disagree, so this parses liberally: unknown fields
//! are ignored, and nearly everything may be missing. A malformed field that does not affect access
//! is skipped and recorded in [`ParsedDelivery::note`]. One that does makes the delivery unreadable
//! ([`Payload::Unreadable`]): it was genuine and must not be lost.

mod deletion;
mod project;
mod roles;
mod members;

use crate::id::UserId;
use crate::json::JsonObject;
use crate::merge::{EntityChange, EntityKind};
use crate::projection::ContentDigest;
use crate::signature::VerifiedBody;
use crate::time::UnixMillis;
use members::{ParseIssue, ParseNotes, ParseResult};

/// A verified delivery, parsed as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedDelivery {
    /// The Clerk instance that sent it; missing in older deliveries.
    pub instance_id: Option<String>,
    /// The event's type, for instance `user.created`.
    pub event_type: Option<String>,
    /// The event's time, if it has one.
    pub event_at: Option<UnixMillis>,
    /// Digest of the raw body. It detects two deliveries with one id but different bytes.
    pub body_digest: ContentDigest,
    /// What was skipped while parsing, without values; empty if nothing was.
    pub note: String,
    /// The parsed payload.
    pub payload: Payload,
}

/// The payload of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// An event that is synced.
    Event(Event),
    /// A type that is not synced, or does not exist yet. `ingest` answers 202 and sends no message
    /// for it. The envelope can carry it only so that both sides share one enum.
    Ignored,
    /// A malformed event of a synced type, or one without a type: it is parked.
    Unreadable(UnreadablePayload),
}

/// An event that changes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The main change first, then a membership's nested organization.
    pub changes: Vec<EntityChange>,
    /// Users named directly in the event. Other affected users are found by D1's triggers.
    pub users: Vec<UserId>,
}

/// A genuine delivery that is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadablePayload {
    /// The id of what it is about, if that could be parsed.
    pub object_id: Option<String>,
    /// Why it is unreadable.
    pub reason: UnreadableReason,
    /// The path that failed, without values: they may be personal.
    pub detail: String,
}

/// Why a delivery is unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableReason {
    /// Not JSON.
    NotJson,
    /// JSON, but not an event's shape.
    Shape,
    /// A malformed id.
    Id,
    /// A deletion that does not say what was deleted.
    NoSubject,
    /// A timestamp out of range, or an update more than an hour later than its event.
    Time,
    /// Larger than an envelope may be.
    Size,
}

impl UnreadableReason {
    /// The reason for the column `dead_letters.reason`.
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

    /// The reason of [`Self::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::NotJson, Self::Shape, Self::Id, Self::NoSubject, Self::Time, Self::Size];
        all.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// The members of the event itself.
const EVENT_MEMBERS: [&str; 4] = ["type", "data", "timestamp", "instance_id"];

/// What an event of a synced type does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventAction {
    Upsert,
    Delete,
}

/// The entity and the action of an event type, or `None` for a type that is not synced.
fn parse_type(event_type: &str) -> Option<(EntityKind, EventAction)> {
    let (noun, verb) = event_type.split_once('.')?;
    let entity = EntityKind::from_clerk_noun(noun)?;
    match verb {
        "created" | "updated" => Some((entity, EventAction::Upsert)),
        "deleted" => Some((entity, EventAction::Delete)),
        _ => None,
    }
}

/// Parses a verified delivery. Never fails: a malformed one is [`Payload::Unreadable`].
#[must_use]
pub fn parse(body: &VerifiedBody<'_>) -> ParsedDelivery {
    parse_bytes(body.bytes())
}

fn parse_bytes(bytes: &[u8]) -> ParsedDelivery {
    let mut delivery = ParsedDelivery {
        instance_id: None,
        event_type: None,
        event_at: None,
        body_digest: ContentDigest::of(bytes),
        note: String::new(),
        payload: Payload::Ignored,
    };
    // Invalid UTF-8 becomes U+FFFD, as in every browser, so it damages only the string that has it.
    let text = String::from_utf8_lossy(bytes);
    let outer = match JsonObject::parse(&text, &EVENT_MEMBERS) {
        Ok(outer) => outer,
        Err(error) => {
            let issue = ParseIssue::bad_event("body", &error);
            delivery.payload = Payload::Unreadable(issue.unreadable(None));
            return delivery;
        }
    };
    let mut notes = ParseNotes::default();
    let data = outer
        .non_null_member("data")
        .ok()
        .flatten()
        .map(|raw| JsonObject::parse(raw.get(), &project::DATA_MEMBERS));
    let object_id = data.as_ref().and_then(|data| data.as_ref().ok()?.scalar("id").ok()?);
    delivery.payload = match delivery.parse_payload(&outer, data, &mut notes) {
        Ok(payload) => payload,
        Err(issue) => Payload::Unreadable(issue.unreadable(object_id)),
    };
    if let Payload::Event(_) = delivery.payload {
        delivery.note = notes.join();
    }
    delivery
}

impl ParsedDelivery {
    fn parse_payload(
        &mut self,
        outer: &JsonObject<'_>,
        data: Option<serde_json::Result<JsonObject<'_>>>,
        notes: &mut ParseNotes,
    ) -> ParseResult<Payload> {
        let get = |name| outer.scalar(name).map_err(|error| ParseIssue::bad_event(name, &error));
        let (event_type, instance_id): (_, ParseResult<Option<String>>) =
            (get("type"), get("instance_id"));
        self.instance_id = instance_id.as_ref().ok().cloned().flatten();
        let event_type = event_type?.ok_or_else(|| ParseIssue::missing("type"))?;
        let synced = parse_type(&event_type);
        self.event_type = Some(event_type);
        let Some((entity, action)) = synced else { return Ok(Payload::Ignored) };
        // A malformed instance id must not pass: the event may be from another instance.
        instance_id?;
        self.event_at = event_at(outer).or_else(|issue| match action {
            // A deletion applies whatever its timestamp.
            EventAction::Delete => {
                notes.add_malformed("timestamp");
                Ok(None)
            }
            EventAction::Upsert => Err(issue),
        })?;
        let data = data
            .ok_or_else(|| ParseIssue::missing("data"))?
            .map_err(|_| ParseIssue::bad_shape("data"))?;
        let event = match action {
            EventAction::Upsert => project::upsert(entity, &data, self.event_at, notes),
            EventAction::Delete => deletion::deletion(entity, &data, self.event_at, notes),
        };
        event.map(Payload::Event)
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
