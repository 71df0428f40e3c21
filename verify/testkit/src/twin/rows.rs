//! The rows of D1, each with the columns that say something.

use rusqlite::types::Value as Cell;
use rusqlite::{Result, Row};
use shared::projection::{
    MembershipFields, OrganizationFields, PermissionFields, RoleFields, UserFields,
};

use super::list::List;

/// The columns by which the merge law ranks a synced row, compared as the row value of the
/// statements: from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether it is dead.
    pub deleted: bool,
    /// The object's own `updated_at`.
    pub updated_at: i64,
    /// The event's time.
    pub event_at: i64,
    /// The version of the code that read it.
    pub projection: i64,
    /// Of the projected fields.
    pub digest: String,
}

impl Rank {
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self { deleted: row.get("deleted")?, ..Self::read_live(row)? })
    }

    /// The rank of a row that is never deleted.
    pub(super) fn read_live(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            deleted: false,
            updated_at: row.get("updated_at")?,
            event_at: row.get("event_at")?,
            projection: row.get("projection")?,
            digest: row.get("digest")?,
        })
    }

    pub(super) fn live_cells(&self) -> [Cell; 4] {
        let Self { deleted: _, updated_at, event_at, projection, digest } = self.clone();
        [updated_at.into(), event_at.into(), projection.into(), digest.into()]
    }
}

/// Declares a synced row. The fields are those of the struct of `shared::projection`: one that is
/// missing here does not compile.
macro_rules! synced_row {
    (
        $(#[$doc:meta])*
        $name:ident of $fields:ident in $table:literal { $($field:ident: $type:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
        pub struct $name {
            pub id: String,
            $(pub $field: $type,)+
            pub rank: Rank,
        }

        impl $name {
            /// The whole table, without times of arrival.
            pub(super) const QUERY: &str = concat!(
                "SELECT id",
                $(", ", stringify!($field),)+
                ", deleted, updated_at, event_at, projection, digest FROM ",
                $table,
                " ORDER BY 1"
            );

            /// The row of these fields.
            pub(super) fn new(id: String, $fields { $($field),+ }: $fields, rank: Rank) -> Self {
                Self { id, $($field: $field.into(),)+ rank }
            }

            pub(super) fn read(row: &Row<'_>) -> Result<Self> {
                let rank = Rank::read(row)?;
                Ok(Self { id: row.get("id")?, $($field: row.get(stringify!($field))?,)+ rank })
            }

            pub(super) fn cells(&self) -> Vec<Cell> {
                let mut cells = vec![Cell::from(self.id.clone())];
                $(cells.push(Cell::from(self.$field.clone()));)+
                cells.push(Cell::from(self.rank.deleted));
                cells.extend(self.rank.live_cells());
                cells
            }
        }
    };
}

synced_row! {
    /// A row of `users`.
    User of UserFields in "users" {
        email: Option<String>,
        banned: bool,
        app_roles: List,
        created_at: i64,
    }
}

synced_row! {
    /// A row of `organizations`.
    Organization of OrganizationFields in "organizations" {
        name: String,
        slug: Option<String>,
    }
}

synced_row! {
    /// A row of `memberships`.
    Membership of MembershipFields in "memberships" {
        org_id: String,
        user_id: String,
        role: String,
        permissions: List,
    }
}

synced_row! {
    /// A row of `org_roles`.
    OrgRole of RoleFields in "org_roles" {
        key: String,
        permissions: List,
    }
}

synced_row! {
    /// A row of `org_permissions`.
    OrgPermission of PermissionFields in "org_permissions" {
        key: String,
    }
}

/// A row of `roles`. The table is the tutorial's: a name can be NULL, or bytes.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the columns of migrations/0001_roles_and_grants.sql")]
pub struct AppRole {
    pub id: i64,
    pub name: Cell,
}

impl AppRole {
    /// The name, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.name {
            Cell::Text(name) => Some(name),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) | Cell::Blob(_) => None,
        }
    }
}

/// A row of `role_grants`, without actor and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0001_roles_and_grants.sql")]
pub struct Grant {
    pub user_id: String,
    pub role_id: i64,
    pub granted: bool,
    pub at: i64,
    pub id: String,
}

/// A row of `membership_pairs`. Its rank is never a dead one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Pair {
    pub org_id: String,
    pub user_id: String,
    pub rank: Rank,
}

/// A row of `org_role_keys` or of `org_permission_keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the column of migrations/0002_synced.sql")]
pub struct Key {
    pub key: String,
}

/// A row of `settings`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Setting {
    pub key: String,
    pub value: String,
}
