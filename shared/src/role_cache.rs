//! The role cache's contract: what is said to the object and what it answers.
//!
//! One object per user, class `RoleCache`, behind the binding `ROLES`, named by the user's id. It
//! is spoken to by `fetch` with small texts in JSON: workers-rs has no object RPC on wasm32
//! (<https://github.com/cloudflare/workers-rs/issues/726>). A question stands in the address: a body
//! would cost each guard a tenth of its time. A hint carries no roles: whoever holds
//! the binding can make an object read again, never make it grant.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::id::UserId;
use crate::json::{serde_struct_from_object, serde_unit_enum};
use crate::roles::{self, RoleSet};

/// The binding of the namespace, in every Worker that speaks to the objects.
pub const ROLE_CACHE_BINDING: &str = "ROLES";

/// Where a guard asks: `GET` with an [`RoleQuery`] behind a `?`, get an [`RoleAnswer`], or 503
/// with a [`RoleQueryRefused`]. See [`RoleQuery::to_url`].
pub const ASK_URL: &str = "https://role-cache/ask";

/// Where the consumer tells of a change: `POST` a [`Hint`], get a [`HintReply`].
pub const HINT_URL: &str = "https://role-cache/hint";

/// The name of a user's object.
#[must_use]
pub fn object_name(user: &UserId) -> &str {
    user.as_str()
}

/// A guard's question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleQuery {
    /// Whose roles: the id that the object is named by.
    pub user_id: String,
    /// Refill first, at most once a second per object.
    #[serde(default)]
    pub fresh: bool,
    /// Serve nothing below this version.
    #[serde(default)]
    pub min_version: i64,
    /// Whether the caller reads [`roles::CompactRoleSet`]. If not, it gets each membership with
    /// its permissions.
    #[serde(default)]
    pub compact: bool,
}

serde_struct_from_object!(RoleQuery, RoleAnswer, RoleQueryRefused, Hint);
serde_unit_enum!(RoleSource, HintReply);

impl RoleQuery {
    /// The address to `GET`: [`ASK_URL`], a `?` and the question's JSON, percent-encoded.
    ///
    /// # Errors
    /// Never: numbers, booleans and texts always become JSON.
    pub fn to_url(&self) -> serde_json::Result<String> {
        let text = serde_json::to_string(self)?;
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        Ok(format!("{ASK_URL}?{encoded}"))
    }

    /// The question in an address, if it holds one.
    #[must_use]
    pub fn from_url(url: &str) -> Option<Self> {
        let (_, query) = url.split_once('?')?;
        let (text, _) = form_urlencoded::parse(query.as_bytes()).next()?;
        serde_json::from_str(&text).ok()
    }
}

/// Where a set came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum RoleSource {
    /// The asking isolate's own second level.
    Isolate,
    /// The object's memory or storage.
    Object,
    /// D1, read for this question.
    Fill,
}

impl RoleSource {
    /// The name in answers and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Object => "object",
            Self::Fill => "fill",
        }
    }
}

/// The object's answer to an [`RoleQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleAnswer {
    /// The roles.
    pub set: RoleSet,
    /// Where they came from.
    pub source: RoleSource,
    /// Milliseconds since the read that they rest on was sent.
    pub age_ms: i64,
    /// Milliseconds for which they may still be relied on.
    pub good_for_ms: i64,
}

/// An answer to a question that says it reads [`roles::CompactRoleSet`].
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

/// Why an object could not answer. Travels with status 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleQueryRefused {
    /// One word for logs: `unreachable`, `below`, `ahead`, `malformed`, `misdirected` and others.
    pub reason: String,
}

/// Word that a user's roles have changed: read again, at least at this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Hint {
    /// Whose: the id that the object is named by.
    pub user_id: String,
    /// The incarnation that the watch belongs to.
    pub owner: i64,
    /// The version that D1 has reached.
    pub version: i64,
}

/// The object's answer to a [`Hint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum HintReply {
    /// The floor is at or above the hint's version, and persisted.
    Acked,
    /// This object is not the incarnation that the watch names: the watch serves nobody.
    Gone,
    /// The version lies too far ahead of the clock to be true.
    Refused,
}
