//! App roles of a user: grant and revoke.

use serde::{Deserialize, Serialize};

use crate::json::serde_struct_from_object;
use crate::time::UnixMillis;

/// `POST /users/{id}/roles`: grants or revokes one app role. The answer is a [`RoleChange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleChangeRequest {
    /// The app role.
    pub role: String,
    /// `true` grants it, `false` revokes it.
    pub granted: bool,
    /// Why, for the audit trail: 1 to 200 characters, no personal data.
    pub reason: String,
    /// When this ends; never, if it is absent.
    #[serde(default)]
    pub ends_at: Option<UnixMillis>,
    /// Only says what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// The app roles of a user that count, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleChange {
    /// The user.
    pub user_id: String,
    /// The app role.
    pub role: String,
    /// Whether it was granted or revoked.
    pub granted: bool,
    /// When this ends.
    pub ends_at: Option<UnixMillis>,
    /// Whether it was done; `false` for a dry run.
    pub done: bool,
    /// The app roles before.
    pub before: Vec<String>,
    /// The app roles after.
    pub after: Vec<String>,
}

serde_struct_from_object!(RoleChangeRequest, RoleChange);
