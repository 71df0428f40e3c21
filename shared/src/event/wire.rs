//! Clerk's JSON, as far as it is synced. The only place that spells its names.
//!
//! Shapes: <https://github.com/clerk/openapi-specs>, `webhooks/2025-04-15.yml`; examples break
//! their own schema, so nearly everything is optional and unknown fields are ignored.
//!
//! What a member is worth decides what it costs when it cannot be read. One that says who may do
//! what, or when ([`required`]), parks the delivery: a guess could grant. Any other ([`optional`])
//! costs itself alone, and the delivery's row says so: a ban must not be lost to an odd e-mail
//! address.

use serde_json::value::RawValue;

use super::{UnreadablePayload, UnreadableReason};
use crate::json::{JsonObject, JsonScalar, array_items};

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
pub(super) struct ParseIssue {
    pub(super) reason: UnreadableReason,
    pub(super) at: String,
}

pub(super) type ParseResult<T> = Result<T, ParseIssue>;

impl ParseIssue {
    pub(super) fn bad_time(at: &str) -> Self {
        Self { reason: UnreadableReason::Time, at: at.into() }
    }

    pub(super) fn bad_id(at: &str) -> Self {
        Self { reason: UnreadableReason::Id, at: at.into() }
    }

    pub(super) fn missing(at: &str) -> Self {
        Self { reason: UnreadableReason::Shape, at: format!("{at} is absent") }
    }

    pub(super) fn bad_shape(at: &str) -> Self {
        Self { reason: UnreadableReason::Shape, at: format!("{at} cannot be read") }
    }

    /// Of the event itself, which may be no JSON at all.
    pub(super) fn bad_event(at: &str, error: &serde_json::Error) -> Self {
        let reason =
            if error.is_data() { UnreadableReason::Shape } else { UnreadableReason::NotJson };
        Self { reason, ..Self::bad_shape(at) }
    }

    pub(super) fn unreadable(self, object_id: Option<String>) -> UnreadablePayload {
        UnreadablePayload { object_id, reason: self.reason, detail: self.at }
    }
}

/// What of a delivery was left out, in words, without any value.
#[derive(Debug, Default)]
pub(super) struct ParseNotes(Vec<String>);

impl ParseNotes {
    pub(super) fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    pub(super) fn add_unreadable(&mut self, at: &str) {
        self.add(format!("{at} cannot be read"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn join(&self) -> String {
        self.0.join("; ")
    }
}

/// The last part of a path, which is the member's name.
fn last_segment(at: &str) -> &str {
    at.rsplit('.').next().unwrap_or(at)
}

/// A member without which the event would say something else; `None` when it is absent.
pub(super) fn required<T: JsonScalar>(object: &JsonObject<'_>, at: &str) -> ParseResult<Option<T>> {
    object.scalar(last_segment(at)).map_err(|_| ParseIssue::bad_shape(at))
}

/// The same of a text. No id and no key of Clerk's holds the sign that stands for bytes which are
/// no UTF-8.
pub(super) fn required_text(object: &JsonObject<'_>, at: &str) -> ParseResult<String> {
    let text: String = required(object, at)?.ok_or_else(|| ParseIssue::missing(at))?;
    if text.contains(char::REPLACEMENT_CHARACTER) {
        Err(ParseIssue::bad_shape(at))
    } else {
        Ok(text)
    }
}

/// A part that is an object, without which the event would say something else.
pub(super) fn required_object<'a>(
    object: &JsonObject<'a>,
    at: &str,
    names: &'static [&'static str],
) -> ParseResult<JsonObject<'a>> {
    let raw = object.non_null_member(last_segment(at)).map_err(|_| ParseIssue::bad_shape(at))?;
    let raw = raw.ok_or_else(|| ParseIssue::missing(at))?;
    JsonObject::parse(raw.get(), names).map_err(|_| ParseIssue::bad_shape(at))
}

/// A member that costs itself alone.
pub(super) fn optional<T: JsonScalar>(
    object: &JsonObject<'_>,
    at: &str,
    notes: &mut ParseNotes,
) -> Option<T> {
    object.scalar(last_segment(at)).unwrap_or_else(|_| {
        notes.add_unreadable(at);
        None
    })
}

/// The same, as it is written.
pub(super) fn optional_raw<'a>(
    object: &JsonObject<'a>,
    at: &str,
    notes: &mut ParseNotes,
) -> Option<&'a RawValue> {
    object.non_null_member(last_segment(at)).unwrap_or_else(|_| {
        notes.add_unreadable(at);
        None
    })
}

/// The items of a list, as far as `item` reads them; how many it does not is noted.
pub(super) fn optional_items<'a, T>(
    object: &JsonObject<'a>,
    at: &str,
    notes: &mut ParseNotes,
    item: impl Fn(&'a RawValue) -> Option<T>,
) -> Vec<T> {
    let Some(raw) = optional_raw(object, at, notes) else { return Vec::new() };
    let Ok(items) = array_items(raw) else {
        notes.add_unreadable(at);
        return Vec::new();
    };
    let read: Vec<T> = items.iter().filter_map(|raw| item(raw)).collect();
    let left_out = items.len() - read.len();
    if 0 < left_out {
        notes.add(format!("{at}: {left_out} of {} cannot be read", items.len()));
    }
    read
}
