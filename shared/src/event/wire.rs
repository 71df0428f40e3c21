//! Clerk's JSON, as far as it is synced. The only place that spells its names.
//!
//! Shapes: <https://github.com/clerk/openapi-specs>, `webhooks/2025-04-15.yml`; examples break
//! their own schema, so nearly everything is optional and unknown fields are ignored.
//!
//! What a member is worth decides what it costs when it cannot be read. One that says who may do
//! what, or when ([`needed`]), parks the delivery: a guess could grant. Any other ([`spare`]) costs
//! itself alone, and the delivery's row says so: a ban must not be lost to an odd e-mail address.

use serde_json::value::RawValue;

use super::{Unread, Unreadable};
use crate::json::{Leaf, Object, list};

/// The event itself.
pub(super) const EVENT: [&str; 4] = ["type", "data", "timestamp", "instance_id"];

/// What it is about, of any kind.
pub(super) const DATA: [&str; 14] = [
    "id",
    "primary_email_address_id",
    "email_addresses",
    "public_metadata",
    "banned",
    "created_at",
    "updated_at",
    "name",
    "slug",
    "role",
    "permissions",
    "organization",
    "public_user_data",
    "key",
];

pub(super) const EMAIL_ADDRESS: [&str; 2] = ["id", "email_address"];

pub(super) const ORGANIZATION: [&str; 4] = ["id", "name", "slug", "updated_at"];

pub(super) const PUBLIC_USER_DATA: [&str; 1] = ["user_id"];

pub(super) const PERMISSION: [&str; 2] = ["id", "key"];

pub(super) const METADATA: [&str; 2] = ["roles", "role"];

/// What is wrong with the data, and where. Holds no value: those may be personal.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) reason: Unread,
    pub(super) at: String,
}

pub(super) type Read<T> = Result<T, Flaw>;

impl Flaw {
    pub(super) fn time(at: &str) -> Self {
        Self { reason: Unread::Time, at: at.into() }
    }

    pub(super) fn id(at: &str) -> Self {
        Self { reason: Unread::Id, at: at.into() }
    }

    pub(super) fn absent(at: &str) -> Self {
        Self { reason: Unread::Shape, at: format!("{at} is absent") }
    }

    pub(super) fn shape(at: &str) -> Self {
        Self { reason: Unread::Shape, at: format!("{at} cannot be read") }
    }

    /// Of the event itself, which may be no JSON at all.
    pub(super) fn outer(at: &str, error: &serde_json::Error) -> Self {
        let reason = if error.is_data() { Unread::Shape } else { Unread::NotJson };
        Self { reason, ..Self::shape(at) }
    }

    pub(super) fn unreadable(self, object_id: Option<String>) -> Unreadable {
        Unreadable { object_id, reason: self.reason, detail: self.at }
    }
}

/// What of a delivery was left out, in words, without any value.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn say(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    pub(super) fn unread(&mut self, at: &str) {
        self.say(format!("{at} cannot be read"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn text(&self) -> String {
        self.0.join("; ")
    }
}

/// The last part of a path, which is the member's name.
fn name(at: &str) -> &str {
    at.rsplit('.').next().unwrap_or(at)
}

/// A member without which the event would say something else; `None` when it is absent.
pub(super) fn needed<T: Leaf>(object: &Object<'_>, at: &str) -> Read<Option<T>> {
    object.get(name(at)).map_err(|_| Flaw::shape(at))
}

/// The same of a text. No id and no key of Clerk's holds the sign that stands for bytes which are
/// no UTF-8.
pub(super) fn needed_text(object: &Object<'_>, at: &str) -> Read<String> {
    let text: String = needed(object, at)?.ok_or_else(|| Flaw::absent(at))?;
    if text.contains(char::REPLACEMENT_CHARACTER) { Err(Flaw::shape(at)) } else { Ok(text) }
}

/// A part that is an object, without which the event would say something else.
pub(super) fn needed_part<'a>(
    object: &Object<'a>,
    at: &str,
    names: &'static [&'static str],
) -> Read<Object<'a>> {
    let raw = object.some(name(at)).map_err(|_| Flaw::shape(at))?;
    let raw = raw.ok_or_else(|| Flaw::absent(at))?;
    Object::read(raw.get(), names).map_err(|_| Flaw::shape(at))
}

/// A member that costs itself alone.
pub(super) fn spare<T: Leaf>(object: &Object<'_>, at: &str, notes: &mut Notes) -> Option<T> {
    object.get(name(at)).unwrap_or_else(|_| {
        notes.unread(at);
        None
    })
}

/// The same, as it is written.
pub(super) fn spare_raw<'a>(
    object: &Object<'a>,
    at: &str,
    notes: &mut Notes,
) -> Option<&'a RawValue> {
    object.some(name(at)).unwrap_or_else(|_| {
        notes.unread(at);
        None
    })
}

/// The items of a list, as far as `item` reads them; how many it does not is noted.
pub(super) fn spare_items<'a, T>(
    object: &Object<'a>,
    at: &str,
    notes: &mut Notes,
    item: impl Fn(&'a RawValue) -> Option<T>,
) -> Vec<T> {
    let Some(raw) = spare_raw(object, at, notes) else { return Vec::new() };
    let Ok(items) = list(raw) else {
        notes.unread(at);
        return Vec::new();
    };
    let read: Vec<T> = items.iter().filter_map(|raw| item(raw)).collect();
    let left_out = items.len() - read.len();
    if 0 < left_out {
        notes.say(format!("{at}: {left_out} of {} cannot be read", items.len()));
    }
    read
}
