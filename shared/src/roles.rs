//! The roles of one user, as read from D1 and as served by the cache.

mod compact;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use compact::{CompactRoleSet, serialize_compact};

use crate::json::serde_unit_enum;
use crate::limits::ROLE_NAME_BYTES_MAX;

/// The status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum UserStatus {
    /// No user event received yet.
    Unknown,
    /// Exists and is not banned.
    #[serde(rename = "live")]
    Active,
    /// Banned in Clerk.
    Banned,
    /// Deleted. This is final.
    #[serde(rename = "dead")]
    Deleted,
}

impl UserStatus {
    /// Returns whether the user may have access at all.
    #[must_use]
    pub fn may_have_access(self) -> bool {
        match self {
            Self::Unknown | Self::Active => true,
            Self::Banned | Self::Deleted => false,
        }
    }
}

/// Permission keys, `org:<feature>:<action>`, sorted, each once.
///
/// Many memberships can share one list: the permissions of a role are in memory once, even if a
/// user has the role in many organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionList(Arc<[String]>);

impl From<Vec<String>> for PermissionList {
    /// Sorts and removes duplicates: JSON aggregation in SQL guarantees no order.
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
    /// The input is already sorted, as it was written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|keys: Vec<String>| Self(keys.into()))
    }
}

/// A live membership: an organization, the user's role in it, and the role's permissions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Membership {
    /// The organization's id, `org_…`.
    #[serde(rename = "id")]
    pub org_id: String,
    /// The role's key, `org:…`.
    pub role: String,
    /// The permissions of the role.
    pub permissions: PermissionList,
}

/// Returns whether this is a valid name of an app role. Names that start with `org:` are not: they
/// are roles of an organization.
#[must_use]
pub fn is_app_role(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= ROLE_NAME_BYTES_MAX
        && name.trim() == name
        && !name.starts_with("org:")
        && !name.chars().any(char::is_control)
}

/// The roles of one user at one version.
///
/// As JSON each membership contains its permissions, unless [`serialize_compact()`] writes it. Both
/// forms can be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "compact::RoleSetWire")]
pub struct RoleSet {
    /// The version of the watch when this was read; equal versions mean equal sets.
    pub version: i64,
    /// The user's status.
    #[serde(rename = "standing")]
    pub status: UserStatus,
    /// App roles, sorted. They apply outside of organizations too.
    pub roles: Vec<String>,
    /// Live memberships, sorted by organization.
    pub organizations: Vec<Membership>,
}

serde_unit_enum!(UserStatus);

impl RoleSet {
    /// Sorts, removes duplicates, and lets equal permission lists share memory.
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

    /// All memberships of one organization (normally one).
    pub fn memberships_in<'a>(&'a self, org: &'a str) -> impl Iterator<Item = &'a Membership> {
        self.organizations.iter().filter(move |membership| membership.org_id == org)
    }
}
