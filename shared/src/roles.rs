//! The roles of one user, as one row of D1 says them and as the cache serves them.

use serde::{Deserialize, Serialize};

use crate::json::{by_name, by_word};
use crate::limits::ROLE_NAME_BYTES_MAX;

/// What is known of a user, apart from the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum Standing {
    /// No event about the user has been applied: the webhook is late, or never came.
    Unknown,
    /// A user like any other.
    Live,
    /// Blocked by an administrator.
    Banned,
    /// Deleted. Stays so.
    Dead,
}

impl Standing {
    /// Whether a session of this user is worth anything.
    #[must_use]
    pub fn admits(self) -> bool {
        match self {
            Self::Unknown | Self::Live => true,
            Self::Banned | Self::Dead => false,
        }
    }
}

/// A live membership: the organization, the role in it, and what the role may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Membership {
    /// The organization's id, `org_…`.
    pub id: String,
    /// The role's key, `org:…`.
    pub role: String,
    /// Permission keys, `org:<feature>:<action>`, sorted.
    pub permissions: Vec<String>,
}

/// Whether this can be the name of an app role: what only an organization can give is none.
#[must_use]
pub fn is_app_role(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= ROLE_NAME_BYTES_MAX
        && name.trim() == name
        && !name.starts_with("org:")
        && !name.chars().any(char::is_control)
}

/// The roles that count for one user at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleSet {
    /// The version of the watch at which this was read; equal versions name equal sets.
    pub version: i64,
    /// Whether the user lives.
    pub standing: Standing,
    /// App roles that hold everywhere, sorted.
    pub roles: Vec<String>,
    /// Live memberships, sorted by organization.
    pub organizations: Vec<Membership>,
}

by_name!(RoleSet, Membership);
by_word!(Standing);

impl RoleSet {
    /// Sorts what JSON aggregation left in no promised order, and drops repetitions.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.roles.sort_unstable();
        self.roles.dedup();
        for membership in &mut self.organizations {
            membership.permissions.sort_unstable();
            membership.permissions.dedup();
        }
        self.organizations.sort_unstable();
        self.organizations.dedup();
        self
    }

    /// The memberships in one organization. Clerk has one of a pair, and the newest alone counts;
    /// were there several, each would be read.
    pub fn memberships_in<'a>(&'a self, org: &'a str) -> impl Iterator<Item = &'a Membership> {
        self.organizations.iter().filter(move |membership| membership.id == org)
    }
}
