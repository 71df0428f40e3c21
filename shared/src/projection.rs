//! The synced fields of each kind, their canonical bytes, and the digest of those.
//!
//! Only these fields are stored and queued. Of a person: id, primary e-mail address, ban, app
//! roles, time of creation. Never `private_metadata`, tokens, names, telephone numbers or postal
//! addresses, so queues and dead letters hold no other personal data. Adding a field or changing
//! its meaning requires a new [`PROJECTION_VERSION`]; CONTRIBUTING.md lists the files.

mod columns;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::entity::EntityKind;
use columns::synced_fields;

pub use columns::{ColumnValue, FieldMut, SyncedField};

/// The version of this projection. It ranks above the digest, so that the result of a newer build
/// replaces that of an older one, in whatever order they come.
///
/// 1: the fields below. 2: at most 100 app roles, and none with spaces around its name.
pub const PROJECTION_VERSION: u32 = 2;

/// 128 bits of SHA-256, as 32 lower-case hexadecimal digits: text on both sides, so that Rust and
/// SQLite order it alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// The digest of these bytes.
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

/// The synced fields of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "entity", rename_all = "lowercase")]
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

synced_fields! {
    /// The synced fields of a user.
    UserFields {
        /// The primary e-mail address, if there is one.
        email: Option<String>,
        /// Banned in Clerk. A temporary lockout is not a ban.
        banned: bool,
        /// App roles from `public_metadata`, sorted, each once.
        app_roles: Vec<String>,
        /// Milliseconds; 0 if Clerk does not say.
        created_at: i64,
    }
}

synced_fields! {
    /// The synced fields of an organization.
    OrganizationFields {
        /// Its name.
        name: String,
        /// Its slug, if it has one.
        slug: Option<String>,
    }
}

synced_fields! {
    /// The synced fields of a membership.
    MembershipFields {
        /// The organization's id.
        org_id: String,
        /// The member's user id.
        user_id: String,
        /// The role's key, `org:…`.
        role: String,
        /// The permissions in the membership, sorted: used until a role with this key is synced.
        permissions: Vec<String>,
    }
}

synced_fields! {
    /// The synced fields of an organization role.
    RoleFields {
        /// The key that memberships name, `org:…`.
        key: String,
        /// Its permissions, sorted by id.
        permissions: Vec<RolePermission>,
    }
}

synced_fields! {
    /// The synced fields of a permission.
    PermissionFields {
        /// `org:<feature>:<action>`.
        key: String,
    }
}

/// A permission in the list of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RolePermission {
    /// The permission's id.
    pub id: String,
    /// Its key when the role was written.
    pub key: String,
}

/// Calls the same method of the fields, whatever their kind.
macro_rules! for_each_kind {
    ($fields:expr, $it:ident => $call:expr) => {
        match $fields {
            EntityFields::User($it) => $call,
            EntityFields::Organization($it) => $call,
            EntityFields::Membership($it) => $call,
            EntityFields::Role($it) => $call,
            EntityFields::Permission($it) => $call,
        }
    };
}

impl EntityFields {
    /// The kind of thing that these are the fields of.
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

    /// Empty fields, as in the row of a deletion: two deletions of one id are the same bytes.
    #[must_use]
    pub fn empty(kind: EntityKind) -> Self {
        match kind {
            EntityKind::User => Self::User(UserFields::default()),
            EntityKind::Organization => Self::Organization(OrganizationFields::default()),
            EntityKind::Membership => Self::Membership(MembershipFields::default()),
            EntityKind::Role => Self::Role(RoleFields::default()),
            EntityKind::Permission => Self::Permission(PermissionFields::default()),
        }
    }

    /// The columns that hold the fields, each with its value.
    #[must_use]
    pub fn columns(&self) -> Vec<(&'static str, ColumnValue)> {
        for_each_kind!(self, it => it.columns())
    }

    /// Every field with its name, for tests that must reach each of them.
    pub fn fields_mut(&mut self) -> Vec<(&'static str, FieldMut<'_>)> {
        for_each_kind!(self, it => it.fields_mut())
    }
}

/// The digest of one thing's fields.
///
/// The bytes are made here, not by the sender: the order of the keys in Clerk's JSON does not
/// matter.
#[must_use]
pub fn digest(id: &str, fields: &EntityFields) -> ContentDigest {
    let text = serde_json::to_string(&(PROJECTION_VERSION, id, fields));
    // Cannot fail; the fallback is never used.
    ContentDigest::of(text.unwrap_or_else(|_| format!("{fields:?}")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{ContentDigest, EntityFields, UserFields, digest};
    use crate::entity::EntityKind;

    #[test]
    fn a_digest_is_128_bits_of_sha256_in_lower_case_hex() {
        assert_eq!(ContentDigest::of(b"abc").as_str(), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn the_bytes_of_a_projection_are_frozen() {
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
        assert_eq!(digest("user_ada", &fields).as_str(), "82ec9702e0bc47db32b6c4184e112638");
        assert_ne!(digest("user_ada", &fields), digest("user_bob", &fields));
    }

    /// The word in the digest is that of the table of names.
    #[test]
    fn each_kind_has_its_own_fields() {
        for kind in EntityKind::ALL {
            let fields = EntityFields::empty(kind);
            assert_eq!(fields.entity(), kind);
            let tagged = serde_json::to_value(&fields).unwrap();
            assert_eq!(tagged["entity"], kind.as_str());
        }
    }

    #[test]
    fn a_deletion_has_empty_columns() {
        let columns = |kind| {
            let columns = EntityFields::empty(kind).columns().into_iter();
            let columns = columns.map(|(name, value)| (name.into(), serde_json::json!(value)));
            serde_json::Value::Object(columns.collect())
        };
        let user = r#"{"email":null,"banned":0,"app_roles":"[]","created_at":0}"#;
        let membership = r#"{"org_id":"","user_id":"","role":"","permissions":"[]"}"#;
        for (kind, want) in [
            (EntityKind::User, user),
            (EntityKind::Organization, r#"{"name":"","slug":null}"#),
            (EntityKind::Membership, membership),
            (EntityKind::Role, r#"{"key":"","permissions":"[]"}"#),
            (EntityKind::Permission, r#"{"key":""}"#),
        ] {
            let want: serde_json::Value = serde_json::from_str(want).unwrap();
            assert_eq!(columns(kind), want, "{kind:?}");
        }
    }
}
