//! `GET /explain/{id}`: what Rolecall knows of an id, and why.

use serde::{Deserialize, Serialize};

use super::letters::LetterSummary;
use crate::json::serde_struct_from_object;
use crate::time::UnixMillis;

/// The answer: exactly one of `delivery` and `entity` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Explanation {
    /// The id that was asked for.
    pub id: String,
    /// For a `svix-id`.
    pub delivery: Option<DeliveryStory>,
    /// For the id of a user, an organization, a membership, a role or a permission.
    pub entity: Option<EntityStory>,
}

/// A delivery as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeliveryRow {
    /// The `svix-id`.
    pub svix_id: String,
    /// Clerk's event type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it is about, if that is known.
    pub subject: Option<String>,
    /// `applied`, `superseded`, `duplicate`, `parked` or `ignored`.
    pub outcome: String,
    /// The event's own time.
    pub event_at: Option<UnixMillis>,
    /// When the attempt was signed.
    pub attempted_at: UnixMillis,
    /// When ingest received it.
    pub received_at: UnixMillis,
    /// When its batch was committed.
    pub applied_at: UnixMillis,
    /// The D1 batch, as in the consumer's log; empty for older deliveries.
    pub batch: String,
    /// How often it was committed.
    pub copies: i64,
    /// Whether one `svix-id` came with two bodies.
    pub id_reused: bool,
    /// What was left out of it.
    pub note: String,
}

/// Everything about one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeliveryStory {
    /// Its row, if it was committed.
    pub row: Option<DeliveryRow>,
    /// Its dead letters, at most twenty.
    pub letters: Vec<LetterSummary>,
    /// What happened, in sentences, in the order of time.
    pub story: Vec<StoryLine>,
}

/// One sentence with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct StoryLine {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub text: String,
}

/// Everything about one synced thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct EntityStory {
    /// `user`, `organization`, `membership`, `role` or `permission`.
    pub kind: String,
    /// Its row with its rank, as in the database; `null` if it was never heard of.
    pub row: Option<serde_json::Value>,
    /// What that means, in a sentence: for a user, also what bars every role.
    #[serde(default)]
    pub summary: String,
    /// The last deliveries about it, the newest first, at most twenty.
    pub deliveries: Vec<DeliveryRow>,
    /// Its dead letters, at most twenty.
    pub letters: Vec<LetterSummary>,
    /// For a user: each role, and why it counts or does not.
    pub roles: Vec<RoleReason>,
    /// For a user, and for a membership itself: organization roles and their permissions.
    pub organizations: Vec<MembershipReason>,
    /// Whether the user has more memberships than these.
    #[serde(default)]
    pub more: bool,
    /// For a user: the role cache.
    pub cache: Option<CacheReport>,
}

/// One app role of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleReason {
    /// Its name.
    pub role: String,
    /// Whether it counts.
    pub counts: bool,
    /// Why, in sentences.
    pub because: Vec<String>,
}

/// One membership of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MembershipReason {
    /// The membership.
    pub id: String,
    /// The organization.
    pub org_id: String,
    /// The role.
    pub role: String,
    /// Whether it counts.
    pub counts: bool,
    /// The permissions that it gives.
    pub permissions: Vec<String>,
    /// Why, in sentences.
    pub because: Vec<String>,
}

/// A user's role cache against the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CacheReport {
    /// Whether a cache watches the user. Without one the next guard reads the database.
    pub watched: bool,
    /// The version in the database.
    pub version: Option<i64>,
    /// The version that the cache has acknowledged.
    pub acked: Option<i64>,
    /// Whether a hint is pending.
    pub hint_pending: bool,
    /// The version that the cache holds; `null` if it holds none or did not answer.
    pub cached_version: Option<i64>,
    /// Milliseconds since the cache read it.
    pub cached_age_ms: Option<i64>,
    /// What that means, in a sentence.
    pub summary: String,
}

serde_struct_from_object!(
    Explanation,
    DeliveryRow,
    DeliveryStory,
    StoryLine,
    EntityStory,
    RoleReason,
    MembershipReason,
    CacheReport,
);
