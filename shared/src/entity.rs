//! The kinds of things that are synced, and every name of each: one table for Rust, the wire, SQL
//! and Clerk's event types.

/// What kind of thing an id names. Each has its own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A user.
    User,
    /// An organization.
    Organization,
    /// A user's membership in an organization.
    Membership,
    /// An organization role.
    Role,
    /// A permission of organization roles.
    Permission,
}

impl EntityKind {
    /// Every kind, in the order in which a batch writes them.
    pub const ALL: [Self; 5] =
        [Self::User, Self::Organization, Self::Membership, Self::Role, Self::Permission];

    /// The word in queue messages and SQL statements. Frozen: messages of older builds have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The noun of Clerk's event types, `user` in `user.created`.
    #[must_use]
    pub const fn clerk_noun(self) -> &'static str {
        self.names().1
    }

    /// The table in D1.
    #[must_use]
    pub const fn table(self) -> &'static str {
        self.names().2
    }

    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::User => ("user", "user", "users"),
            Self::Organization => ("organization", "organization", "organizations"),
            Self::Membership => ("membership", "organizationMembership", "memberships"),
            Self::Role => ("role", "role", "org_roles"),
            Self::Permission => ("permission", "permission", "org_permissions"),
        }
    }

    /// The kind of [`Self::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of [`Self::clerk_noun`].
    #[must_use]
    pub fn from_clerk_noun(noun: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.clerk_noun() == noun)
    }
}

#[cfg(test)]
mod tests {
    use super::EntityKind;

    #[test]
    fn every_name_belongs_to_one_kind() {
        for kind in EntityKind::ALL {
            assert_eq!(EntityKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(EntityKind::from_clerk_noun(kind.clerk_noun()), Some(kind));
            assert_eq!(EntityKind::ALL.iter().filter(|it| it.table() == kind.table()).count(), 1);
        }
        assert_eq!(EntityKind::from_name("organizationMembership"), None);
        assert_eq!(EntityKind::from_clerk_noun("membership"), None);
    }
}
