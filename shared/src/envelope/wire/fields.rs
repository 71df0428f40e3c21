//! The synced fields on the wire, version 1, apart from the fields that this build works with.
//!
//! Frozen: an added field is optional, with `#[serde(default)]`, and skipped when it is empty. So
//! messages of older builds are still read, and written as they were.

use serde::{Deserialize, Serialize};

use crate::json::serde_struct_from_object;
use crate::projection::{
    EntityFields, MembershipFields, OrganizationFields, PermissionFields, RoleFields,
    RolePermission, UserFields,
};

/// Converts between a wire value and a value of this build.
trait Convert<T> {
    fn convert(self) -> T;
}

/// Types that both sides share.
macro_rules! same {
    ($($type:ty),+) => {$(
        impl Convert<$type> for $type {
            fn convert(self) -> Self {
                self
            }
        }
    )+};
}

same!(String, Option<String>, bool, i64, Vec<String>);

impl Convert<Vec<RolePermission>> for Vec<RolePermissionV1> {
    fn convert(self) -> Vec<RolePermission> {
        self.into_iter().map(Into::into).collect()
    }
}

impl Convert<Vec<RolePermissionV1>> for Vec<RolePermission> {
    fn convert(self) -> Vec<RolePermissionV1> {
        self.into_iter().map(Into::into).collect()
    }
}

/// Declares the wire structs, and their conversions from and to the structs of this build. A field
/// that is missing here does not compile.
macro_rules! frozen_fields {
    ($($wire:ident = $current:ident {
        $($(#[$attribute:meta])* $field:ident: $type:ty),+ $(,)?
    })+) => {$(
        #[derive(Serialize, Deserialize)]
        #[serde(remote = "Self")]
        pub(super) struct $wire {
            $($(#[$attribute])* $field: $type),+
        }

        impl From<$current> for $wire {
            fn from($current { $($field),+ }: $current) -> Self {
                Self { $($field: Convert::convert($field)),+ }
            }
        }

        impl From<$wire> for $current {
            fn from($wire { $($field),+ }: $wire) -> Self {
                Self { $($field: Convert::convert($field)),+ }
            }
        }
    )+
        serde_struct_from_object!($($wire),+);
    };
}

frozen_fields! {
    UserV1 = UserFields {
        email: Option<String>,
        banned: bool,
        app_roles: Vec<String>,
        created_at: i64,
    }
    OrganizationV1 = OrganizationFields {
        name: String,
        slug: Option<String>,
    }
    MembershipV1 = MembershipFields {
        org_id: String,
        user_id: String,
        role: String,
        permissions: Vec<String>,
    }
    RoleV1 = RoleFields {
        key: String,
        permissions: Vec<RolePermissionV1>,
    }
    RolePermissionV1 = RolePermission {
        id: String,
        key: String,
    }
    PermissionV1 = PermissionFields {
        key: String,
    }
}

/// The fields of any kind.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Self", tag = "entity", rename_all = "lowercase")]
pub(super) enum FieldsV1 {
    User(UserV1),
    Organization(OrganizationV1),
    Membership(MembershipV1),
    Role(RoleV1),
    Permission(PermissionV1),
}

serde_struct_from_object!(FieldsV1);

impl From<EntityFields> for FieldsV1 {
    fn from(current: EntityFields) -> Self {
        match current {
            EntityFields::User(it) => Self::User(it.into()),
            EntityFields::Organization(it) => Self::Organization(it.into()),
            EntityFields::Membership(it) => Self::Membership(it.into()),
            EntityFields::Role(it) => Self::Role(it.into()),
            EntityFields::Permission(it) => Self::Permission(it.into()),
        }
    }
}

impl From<FieldsV1> for EntityFields {
    fn from(wire: FieldsV1) -> Self {
        match wire {
            FieldsV1::User(it) => Self::User(it.into()),
            FieldsV1::Organization(it) => Self::Organization(it.into()),
            FieldsV1::Membership(it) => Self::Membership(it.into()),
            FieldsV1::Role(it) => Self::Role(it.into()),
            FieldsV1::Permission(it) => Self::Permission(it.into()),
        }
    }
}
