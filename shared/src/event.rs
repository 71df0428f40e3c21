//! From a verified body to the event that it is.
//!
//! Clerk's documents, examples and deliveries disagree, so this reads liberally: unknown fields are
//! ignored, nearly everything may be absent. What cannot be read at all is a value too
//! ([`Content::Unreadable`]), for the delivery was genuine and must not be lost.

mod project;
mod wire;

use crate::id::UserId;
use crate::merge::{Change, Entity};
use crate::projection::Digest;
use crate::signature::VerifiedBody;
use crate::time::UnixMillis;

/// A verified delivery, read as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The Clerk instance that it speaks of; older deliveries do not say.
    pub instance_id: Option<String>,
    /// The event's type, `user.created` for instance, where it can be read.
    pub kind: Option<String>,
    /// The event's time; `None` where the envelope has none.
    pub event_at: Option<UnixMillis>,
    /// Of the raw body: two deliveries under one id with other bytes are told apart by it.
    pub body_digest: Digest,
    /// What it says.
    pub content: Content,
}

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// An event that is synced.
    Synced(Event),
    /// A type that is not synced, or does not exist yet.
    Ignored,
    /// A synced type, or no type at all, that cannot be read.
    Unreadable(Unreadable),
}

/// An event that changes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the event is about; a membership's nested organization comes after it.
    pub changes: Vec<Change>,
    /// The users whose roles it names outright. Others are found by D1's triggers.
    pub users: Vec<UserId>,
}

/// A genuine delivery that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The id of the object, where that much can be read.
    pub object_id: Option<String>,
    /// Why not.
    pub reason: Unread,
    /// Where it stopped, without any of the values: they may be personal.
    pub detail: String,
}

/// Why a delivery cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
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

impl Unread {
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
enum Verb {
    Write,
    Delete,
}

/// The entity and the verb of a type, or `None` for a type that is not synced.
fn synced(kind: &str) -> Option<(Entity, Verb)> {
    let (noun, verb) = kind.split_once('.')?;
    let entity = match noun {
        "user" => Entity::User,
        "organization" => Entity::Organization,
        "organizationMembership" => Entity::Membership,
        "role" => Entity::Role,
        "permission" => Entity::Permission,
        _ => return None,
    };
    match verb {
        "created" | "updated" => Some((entity, Verb::Write)),
        "deleted" => Some((entity, Verb::Delete)),
        _ => None,
    }
}

/// Reads a verified delivery. Never fails: what cannot be read is said so.
#[must_use]
pub fn parse(body: &VerifiedBody<'_>) -> Incoming {
    parse_bytes(body.bytes())
}

fn parse_bytes(bytes: &[u8]) -> Incoming {
    let body_digest = Digest::of(bytes);
    let outer: wire::Envelope<'_> = match wire::envelope(bytes) {
        Ok(outer) => outer,
        Err(error) => return Incoming::unread(bytes, body_digest, &error),
    };
    let kind = Some(outer.kind.to_string());
    let instance_id = outer.instance_id;
    let event_at = outer.timestamp.and_then(UnixMillis::from_outside);
    let Some((entity, verb)) = synced(&outer.kind) else {
        return Incoming { instance_id, kind, event_at, body_digest, content: Content::Ignored };
    };
    let data = outer.data.map_or("null", |data| data.get());
    let read = if outer.timestamp.is_some() && event_at.is_none() {
        Err(project::Flaw::time("timestamp"))
    } else {
        project::event(entity, verb, data, event_at)
    };
    let content = match read {
        Ok(event) => Content::Synced(event),
        Err(flaw) => Content::Unreadable(flaw.unreadable(data)),
    };
    Incoming { instance_id, kind, event_at, body_digest, content }
}

impl Incoming {
    /// A body whose outermost shape cannot be read; its parts are named where they stand out.
    fn unread(bytes: &[u8], body_digest: Digest, error: &serde_json::Error) -> Self {
        let loose: wire::Loose = serde_json::from_slice(bytes).unwrap_or_default();
        let reason = if error.is_data() { Unread::Shape } else { Unread::NotJson };
        let detail = format!("{reason:?} at line {} column {}", error.line(), error.column());
        let object_id = loose.object_id();
        Self {
            instance_id: loose.text("instance_id"),
            kind: loose.text("type"),
            event_at: None,
            body_digest,
            content: Content::Unreadable(Unreadable { object_id, reason, detail }),
        }
    }
}

#[cfg(test)]
mod tests;
