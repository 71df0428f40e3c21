//! The synced fields of each kind, their canonical bytes, and the digest over those.
//!
//! Only what stands here travels: never `private_metadata`, tokens, addresses or names of people.
//! That keeps personal data out of queues and dead letters. The shapes are serialised, so they are
//! frozen: a field more, or another reading of one, is a new [`PROJECTION`], and old ones must stay
//! readable.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::json::serde_struct_from_object;
use crate::merge::EntityKind;

/// The version of this projection. It outranks the digest in the merge law, so a delivery that a
/// newer build reads again wins over what an older one made of it, in whatever order.
///
/// 1: the fields below. 2: at most 100 app roles, and none with spaces around its name.
pub const PROJECTION: u32 = 2;

/// 128 bits of SHA-256, as 32 lower-case hexadecimal digits: text on both sides, so that Rust and
/// SQLite order it alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut text = String::with_capacity(32);
        for byte in hash.iter().take(16) {
            let digits = [byte >> 4, byte & 15];
            text.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
        }
        Self(text)
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is synced of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "entity", rename_all = "lowercase")]
pub enum EntityFields {
    /// Of a user.
    User(UserFields),
    /// Of an organization.
    Organization(OrganizationFields),
    /// Of a membership.
    Membership(MembershipFields),
    /// Of an organization role.
    Role(RoleFields),
    /// Of a permission.
    Permission(PermissionFields),
}

/// What is synced of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UserFields {
    /// The primary e-mail address, if there is one.
    pub email: Option<String>,
    /// Blocked by an administrator. A temporary lockout is not a ban.
    pub banned: bool,
    /// App roles from `public_metadata`, sorted, each once.
    pub app_roles: Vec<String>,
    /// Milliseconds; 0 when Clerk does not say.
    pub created_at: i64,
}

/// What is synced of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct OrganizationFields {
    /// Its name.
    pub name: String,
    /// Its slug, if it has one.
    pub slug: Option<String>,
}

/// What is synced of a membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MembershipFields {
    /// The organization's id.
    pub org_id: String,
    /// The member's user id.
    pub user_id: String,
    /// The role's key, `org:…`.
    pub role: String,
    /// The permissions that came with it, sorted: what counts until the role's key is heard of.
    pub permissions: Vec<String>,
}

/// What is synced of an organization role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RoleFields {
    /// The key that memberships name, `org:…`.
    pub key: String,
    /// Its permissions, sorted by id.
    pub permissions: Vec<RolePermission>,
}

/// A permission as a role lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RolePermission {
    /// The permission's id.
    pub id: String,
    /// Its key when the role was written.
    pub key: String,
}

/// What is synced of a permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PermissionFields {
    /// `org:<feature>:<action>`.
    pub key: String,
}

serde_struct_from_object!(
    EntityFields,
    UserFields,
    OrganizationFields,
    MembershipFields,
    RoleFields,
    PermissionFields
);
serde_struct_from_object!(RolePermission);

impl EntityFields {
    /// The kind of object these are the fields of.
    #[must_use]
    pub fn entity(&self) -> EntityKind {
        match self {
            Self::User(_) => EntityKind::User,
            Self::Organization(_) => EntityKind::Organization,
            Self::Membership(_) => EntityKind::Membership,
            Self::Role(_) => EntityKind::Role,
            Self::Permission(_) => EntityKind::Permission,
        }
    }
}

/// The digest of one object's projected fields.
///
/// The bytes are ours, not the sender's: the order of the keys in Clerk's JSON does not matter.
#[must_use]
pub fn digest(id: &str, fields: &EntityFields) -> ContentDigest {
    let text = serde_json::to_string(&(PROJECTION, id, fields));
    // Strings, numbers and lists always become JSON; were it not so, the debug form is as
    // canonical.
    ContentDigest::of(text.unwrap_or_else(|_| format!("{fields:?}")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{ContentDigest, EntityFields, UserFields, digest};

    #[test]
    fn a_digest_is_128_bits_of_sha256_in_lower_case_hex() {
        assert_eq!(ContentDigest::of(b"abc").as_str(), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn the_bytes_of_projections_1_and_2_are_frozen() {
        let fields = EntityFields::User(UserFields {
            email: Some("ada@example.com".into()),
            banned: false,
            app_roles: vec!["admin".into()],
            created_at: 7,
        });
        let want = concat!(
            r#"{"entity":"user","email":"ada@example.com","banned":false,"#,
            r#""app_roles":["admin"],"created_at":7}"#
        );
        assert_eq!(serde_json::to_string(&fields).unwrap(), want);
        assert_eq!(digest("user_ada", &fields).as_str(), digest("user_ada", &fields).as_str());
        assert_ne!(digest("user_ada", &fields), digest("user_bob", &fields));
    }
}
