//! Reads the members of Clerk's JSON, required ones and optional ones.
//!
//! A malformed required member (ids, roles, keys, times) parks the delivery, because a guess could
//! grant access. A malformed optional member is skipped, and the delivery's row says so: a ban must
//! not be lost to a malformed e-mail address.

use serde_json::value::RawValue;

use super::{UnreadablePayload, UnreadableReason};
use crate::json::{JsonObject, JsonScalar, array_items};

/// A problem in the JSON, with its path. It has no value: values may be personal.
#[derive(Debug)]
pub(super) struct ParseIssue {
    pub(super) reason: UnreadableReason,
    pub(super) text: String,
}

pub(super) type ParseResult<T> = Result<T, ParseIssue>;

impl ParseIssue {
    pub(super) fn bad_time(at: &str) -> Self {
        Self { reason: UnreadableReason::Time, text: at.into() }
    }

    pub(super) fn bad_id(at: &str) -> Self {
        Self { reason: UnreadableReason::Id, text: at.into() }
    }

    pub(super) fn missing(at: &str) -> Self {
        Self { reason: UnreadableReason::Shape, text: format!("{at} is missing") }
    }

    pub(super) fn bad_shape(at: &str) -> Self {
        Self { reason: UnreadableReason::Shape, text: format!("{at} is malformed") }
    }

    /// For the outermost object, which may not be JSON at all.
    pub(super) fn bad_event(at: &str, error: &serde_json::Error) -> Self {
        let reason =
            if error.is_data() { UnreadableReason::Shape } else { UnreadableReason::NotJson };
        Self { reason, ..Self::bad_shape(at) }
    }

    pub(super) fn unreadable(self, object_id: Option<String>) -> UnreadablePayload {
        UnreadablePayload { object_id, reason: self.reason, detail: self.text }
    }
}

/// The parts of a delivery that were skipped, without values.
#[derive(Debug, Default)]
pub(super) struct ParseNotes(Vec<String>);

impl ParseNotes {
    pub(super) fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    pub(super) fn add_malformed(&mut self, at: &str) {
        self.add(format!("{at} is malformed"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn join(&self) -> String {
        self.0.join("; ")
    }
}

/// The last part of a path: the member's name.
fn last_segment(at: &str) -> &str {
    at.rsplit('.').next().unwrap_or(at)
}

/// A member that must not be malformed; `None` if it is missing.
pub(super) fn required<T: JsonScalar>(object: &JsonObject<'_>, at: &str) -> ParseResult<Option<T>> {
    object.scalar(last_segment(at)).map_err(|_| ParseIssue::bad_shape(at))
}

/// A required string without U+FFFD, which stands for invalid UTF-8: no id or key of Clerk has it.
pub(super) fn required_text(object: &JsonObject<'_>, at: &str) -> ParseResult<String> {
    let text: String = required(object, at)?.ok_or_else(|| ParseIssue::missing(at))?;
    if text.contains(char::REPLACEMENT_CHARACTER) {
        Err(ParseIssue::bad_shape(at))
    } else {
        Ok(text)
    }
}

/// A required object.
pub(super) fn required_object<'a>(
    object: &JsonObject<'a>,
    at: &str,
    names: &'static [&'static str],
) -> ParseResult<JsonObject<'a>> {
    let raw = object.non_null_member(last_segment(at)).map_err(|_| ParseIssue::bad_shape(at))?;
    let raw = raw.ok_or_else(|| ParseIssue::missing(at))?;
    JsonObject::parse(raw.get(), names).map_err(|_| ParseIssue::bad_shape(at))
}

/// An optional member: skipped and noted if it is malformed.
pub(super) fn optional<T: JsonScalar>(
    object: &JsonObject<'_>,
    at: &str,
    notes: &mut ParseNotes,
) -> Option<T> {
    object.scalar(last_segment(at)).unwrap_or_else(|_| {
        notes.add_malformed(at);
        None
    })
}

/// The same, as raw JSON.
pub(super) fn optional_raw<'a>(
    object: &JsonObject<'a>,
    at: &str,
    notes: &mut ParseNotes,
) -> Option<&'a RawValue> {
    object.non_null_member(last_segment(at)).unwrap_or_else(|_| {
        notes.add_malformed(at);
        None
    })
}

/// The items of an optional list that `item` can parse. The others are skipped and counted in a
/// note.
pub(super) fn optional_items<'a, T>(
    object: &JsonObject<'a>,
    at: &str,
    notes: &mut ParseNotes,
    item: impl Fn(&'a RawValue) -> Option<T>,
) -> Vec<T> {
    let Some(raw) = optional_raw(object, at, notes) else { return Vec::new() };
    let Ok(items) = array_items(raw) else {
        notes.add_malformed(at);
        return Vec::new();
    };
    let parsed: Vec<T> = items.iter().filter_map(|raw| item(raw)).collect();
    let skipped = items.len() - parsed.len();
    if 0 < skipped {
        notes.add(format!("{at}: {skipped} of {} items are malformed, skipped", items.len()));
    }
    parsed
}
