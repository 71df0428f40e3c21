//! The roles of one user, as D1 says them and as the cache serves them.

mod compact;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use compact::{CompactRoleSet, serialize_compact};

use crate::json::serde_unit_enum;
use crate::limits::ROLE_NAME_BYTES_MAX;

/// What is known of a user, apart from the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum UserStatus {
    /// No event about the user has been applied: the webhook is late, or never came.
    Unknown,
    /// A user like any other.
    Live,
    /// Blocked by an administrator.
    Banned,
    /// Deleted. Stays so.
    Dead,
}

impl UserStatus {
    /// Whether a session of this user is worth anything.
    #[must_use]
    pub fn may_have_access(self) -> bool {
        match self {
            Self::Unknown | Self::Live => true,
            Self::Banned | Self::Dead => false,
        }
    }
}

/// Permission keys, `org:<feature>:<action>`, sorted, each once.
///
/// One list can serve many memberships: what a role carries is in memory once, however many
/// organizations a user has it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionList(Arc<[String]>);

impl From<Vec<String>> for PermissionList {
    /// Sorts what JSON aggregation left in no promised order, and drops repetitions.
    fn from(mut keys: Vec<String>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        Self(keys.into())
    }
}

impl Deref for PermissionList {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Serialize for PermissionList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PermissionList {
    /// As it was written: sorted.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|keys: Vec<String>| Self(keys.into()))
    }
}

/// A live membership: the organization, the role in it, and what the role may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Membership {
    /// The organization's id, `org_…`.
    pub id: String,
    /// The role's key, `org:…`.
    pub role: String,
    /// What the role may do there.
    pub permissions: PermissionList,
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
///
/// As JSON each membership has its permissions with it, unless [`serialize_compact()`] writes it.
/// Either form is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "compact::RoleSetWire")]
pub struct RoleSet {
    /// The version of the watch at which this was read; equal versions name equal sets.
    pub version: i64,
    /// Whether the user lives.
    pub standing: UserStatus,
    /// App roles that hold everywhere, sorted.
    pub roles: Vec<String>,
    /// Live memberships, sorted by organization.
    pub organizations: Vec<Membership>,
}

serde_unit_enum!(UserStatus);

impl RoleSet {
    /// Sorts what came in no promised order, drops repetitions, and holds equal lists once.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.roles.sort_unstable();
        self.roles.dedup();
        let mut lists = BTreeSet::<PermissionList>::new();
        for membership in &mut self.organizations {
            match lists.get(&membership.permissions) {
                Some(list) => membership.permissions = list.clone(),
                None => {
                    lists.insert(membership.permissions.clone());
                }
            }
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
