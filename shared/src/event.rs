//! From a verified body to the event that it is.
//!
//! Clerk's documents, examples and deliveries disagree, so this reads liberally: unknown fields are
//! ignored whatever they hold, nearly everything may be absent. A field that is synced and says
//! nothing of who may do what costs itself alone when it cannot be read, and [`Incoming::note`]
//! says so. What cannot be read at all is a value too ([`Content::Unreadable`]), for the delivery
//! was genuine and must not be lost.

mod project;
mod roles;
mod wire;

use crate::id::UserId;
use crate::json::Object;
use crate::merge::{Change, Entity};
use crate::projection::Digest;
use crate::signature::VerifiedBody;
use crate::time::UnixMillis;
use wire::{Flaw, Notes, Read};

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
    /// What of it was left out, in words without any of the values; empty when nothing was.
    pub note: String,
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
    let mut incoming = Incoming {
        instance_id: None,
        kind: None,
        event_at: None,
        body_digest: Digest::of(bytes),
        note: String::new(),
        content: Content::Ignored,
    };
    // As every browser decodes: what is no UTF-8 becomes U+FFFD, and spoils no more than the text
    // that it stands in.
    let text = String::from_utf8_lossy(bytes);
    let outer = match Object::read(&text, &wire::EVENT) {
        Ok(outer) => outer,
        Err(error) => {
            let flaw = Flaw::outer("the body", &error);
            incoming.content = Content::Unreadable(flaw.unreadable(None));
            return incoming;
        }
    };
    let mut notes = Notes::default();
    let data = outer.some("data").ok().flatten().map(|raw| Object::read(raw.get(), &wire::DATA));
    let object_id = data.as_ref().and_then(|data| data.as_ref().ok()?.get("id").ok()?);
    incoming.content = match incoming.read(&outer, data, &mut notes) {
        Ok(content) => content,
        Err(flaw) => Content::Unreadable(flaw.unreadable(object_id)),
    };
    if let Content::Synced(_) = incoming.content {
        incoming.note = notes.text();
    }
    incoming
}

impl Incoming {
    fn read(
        &mut self,
        outer: &Object<'_>,
        data: Option<serde_json::Result<Object<'_>>>,
        notes: &mut Notes,
    ) -> Read<Content> {
        let get = |name| outer.get(name).map_err(|error| Flaw::outer(name, &error));
        let (kind, instance_id): (_, Read<Option<String>>) = (get("type"), get("instance_id"));
        self.instance_id = instance_id.as_ref().ok().cloned().flatten();
        let kind = kind?.ok_or_else(|| Flaw::absent("type"))?;
        let synced = synced(&kind);
        self.kind = Some(kind);
        let Some((entity, verb)) = synced else { return Ok(Content::Ignored) };
        // An event of who knows which instance may be none of ours.
        instance_id?;
        self.event_at = event_at(outer).or_else(|flaw| match verb {
            // A deletion holds whenever it was.
            Verb::Delete => {
                notes.unread("timestamp");
                Ok(None)
            }
            Verb::Write => Err(flaw),
        })?;
        let data = data.ok_or_else(|| Flaw::absent("data"))?.map_err(|_| Flaw::shape("data"))?;
        project::event(entity, verb, &data, self.event_at, notes).map(Content::Synced)
    }
}

fn event_at(outer: &Object<'_>) -> Read<Option<UnixMillis>> {
    let raw = outer.get("timestamp").map_err(|error| Flaw::outer("timestamp", &error))?;
    let time = |raw| UnixMillis::from_outside(raw).ok_or_else(|| Flaw::time("timestamp"));
    raw.map(time).transpose()
}

#[cfg(test)]
mod tests;
