//! HTTP protocol of the role cache object.
//!
//! One object per user, class `RoleCache`, behind the binding `ROLES`, named by the user's id. The
//! protocol is JSON over `fetch`: workers-rs has no object RPC on wasm32
//! (<https://github.com/cloudflare/workers-rs/issues/726>). The query is in the URL, because reading
//! a body costs a guard about 10 % of its time. A hint contains no roles: it can only trigger a
//! read, never grant a role.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::id::UserId;
use crate::json::{serde_struct_from_object, serde_unit_enum};
use crate::roles::{self, RoleSet, UserStatus};

/// The binding of the namespace, in every Worker that calls the objects.
pub const ROLE_CACHE_BINDING: &str = "ROLES";

/// A guard's query: `GET` with a [`RoleQuery`] after `?`. The response is a [`RoleAnswer`], or a
/// [`RoleQueryRefused`] with another status than 200. See [`RoleQuery::to_url`].
pub const QUERY_URL: &str = "https://role-cache/ask";

/// The consumer's hint: `POST` a [`Hint`]. The response is a [`HintReply`].
pub const HINT_URL: &str = "https://role-cache/hint";

/// An operator's look: `GET`. The response is a [`CachePeek`]. Changes nothing: no fill, no watch,
/// no alarm, no write.
pub const PEEK_URL: &str = "https://role-cache/peek";

/// The name of a user's object.
#[must_use]
pub fn object_name(user: &UserId) -> &str {
    user.as_str()
}

/// A guard's query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleQuery {
    /// The user, whose id is the object's name.
    pub user_id: String,
    /// Refill first, at most once per second and object.
    #[serde(default)]
    pub fresh: bool,
    /// Serve nothing below this version.
    #[serde(default)]
    pub min_version: i64,
    /// Whether the caller can parse [`roles::CompactRoleSet`]. Otherwise each membership contains
    /// its permissions.
    #[serde(default)]
    pub compact: bool,
}

serde_struct_from_object!(RoleQuery, RoleAnswer, RoleQueryRefused, Hint, CachePeek);
serde_unit_enum!(RoleSource, HintReply);

impl RoleQuery {
    /// The URL to `GET`: [`QUERY_URL`], a `?` and the query as percent-encoded JSON.
    ///
    /// # Errors
    /// Never: numbers, booleans and strings always serialize.
    pub fn to_url(&self) -> serde_json::Result<String> {
        let text = serde_json::to_string(self)?;
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        Ok(format!("{QUERY_URL}?{encoded}"))
    }

    /// Parses the query of a URL.
    #[must_use]
    pub fn from_url(url: &str) -> Option<Self> {
        let (_, query) = url.split_once('?')?;
        let (text, _) = form_urlencoded::parse(query.as_bytes()).next()?;
        serde_json::from_str(&text).ok()
    }
}

/// Where a role set came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum RoleSource {
    /// The isolate's own cache.
    Isolate,
    /// The object's memory or storage.
    Object,
    /// D1, read for this query.
    Fill,
}

impl RoleSource {
    /// The name in responses and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Object => "object",
            Self::Fill => "fill",
        }
    }
}

/// The object's answer to a [`RoleQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleAnswer {
    /// The role set.
    pub set: RoleSet,
    /// Where it came from.
    pub source: RoleSource,
    /// Its age in milliseconds: the time since its read was sent.
    pub age_ms: i64,
    /// Milliseconds until it expires.
    pub good_for_ms: i64,
}

/// An answer to a caller that can parse [`roles::CompactRoleSet`].
#[derive(Clone, Debug, Serialize)]
pub struct CompactRoleAnswer<'a> {
    set: roles::CompactRoleSet<'a>,
    source: RoleSource,
    age_ms: i64,
    good_for_ms: i64,
}

impl<'a> From<&'a RoleAnswer> for CompactRoleAnswer<'a> {
    fn from(answer: &'a RoleAnswer) -> Self {
        let RoleAnswer { set, source, age_ms, good_for_ms } = answer;
        let (age_ms, good_for_ms) = (*age_ms, *good_for_ms);
        Self { set: set.into(), source: *source, age_ms, good_for_ms }
    }
}

/// Why an object could not answer a query or a hint. Sent with status 400, 404 or 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleQueryRefused {
    /// One word for logs: `unreachable`, `below`, `ahead`, `malformed`, `misdirected` and others.
    pub reason: String,
}

/// Notification that a user's roles changed: read again, at least at this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Hint {
    /// The user, whose id is the object's name.
    pub user_id: String,
    /// The owner of the watch.
    pub owner: i64,
    /// The version in D1.
    pub version: i64,
    /// The delivery that caused it, for the log. A hint of the sweep has none, nor has that of an
    /// older build; an older object ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The object's reply to a [`Hint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum HintReply {
    /// The floor is at or above the hint's version, and saved.
    Acked,
    /// The object has another owner number than the watch: the watch is orphaned.
    Gone,
    /// The version is too far in the future.
    Refused,
}

impl HintReply {
    /// The name in responses, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Gone => "gone",
            Self::Refused => "refused",
        }
    }

    /// The value of the same label where there was no reply.
    pub const NONE: &str = "failed";
}

/// The state of an object, without roles. That of an object that was never asked is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CachePeek {
    /// The owner; 0 before the first fill.
    pub owner: i64,
    /// Role sets below this version are not served.
    pub floor: i64,
    /// The version of the role set that it holds.
    pub version: Option<i64>,
    /// The user's status in that set.
    #[serde(rename = "standing")]
    pub status: Option<UserStatus>,
    /// The age of the set in milliseconds: the time since its read was sent.
    pub age_ms: Option<i64>,
    /// Whether it would be served now: not below the floor, and not past the hard age.
    pub serves: bool,
}

#[cfg(test)]
mod tests {
    use super::{HintReply, RoleSource};
    use crate::metrics::labels::{AGE_SOURCE, CACHE_SOURCE, HINT_ANSWER};

    #[test]
    fn each_answer_to_a_hint_is_in_the_table_of_metrics() {
        let all = [HintReply::Acked, HintReply::Gone, HintReply::Refused];
        let values = all.map(HintReply::as_str).into_iter().chain([HintReply::NONE]);
        assert_eq!(values.collect::<Vec<_>>(), HINT_ANSWER.values);
    }

    #[test]
    fn each_source_is_in_the_table_of_metrics() {
        let all = [RoleSource::Isolate, RoleSource::Object, RoleSource::Fill];
        assert_eq!(all.map(RoleSource::as_str), AGE_SOURCE.values);
        let values = all.map(RoleSource::as_str).into_iter().chain(["none"]);
        assert_eq!(values.collect::<Vec<_>>(), CACHE_SOURCE.values);
    }
}
