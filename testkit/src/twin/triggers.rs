//! The triggers of `migrations/0005_bumps.sql`, one function for each table.

use std::collections::BTreeSet;

use super::Rows;
use super::rows::{
    AnyWrite, AppRole, Grant, List, Membership, OrgPermission, OrgRole, Organization, Setting,
    User, Write,
};

/// Users by id.
type Users = BTreeSet<String>;

impl Rows {
    /// The watched users whose versions the triggers raise for a write that these rows hold by now,
    /// as a trigger AFTER it finds them.
    #[must_use]
    pub fn bumped_by(&self, write: &AnyWrite) -> Users {
        let users = match write {
            AnyWrite::User(write) => user(write),
            AnyWrite::Organization(write) => self.organization(write),
            AnyWrite::Membership(write) => self.membership(write),
            AnyWrite::OrgRole(write) => self.org_role(write),
            AnyWrite::OrgPermission(write) => self.org_permission(write),
            AnyWrite::AppRole(write) => self.app_role(write),
            AnyWrite::Grant(write) => grant(write),
            AnyWrite::Setting(write) => self.setting(write),
        };
        users.intersection(&self.watched).cloned().collect()
    }

    fn organization(&self, write: &Write<Organization>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) if row.rank.deleted => self.members_of(&[row]),
            Write::Update(old, new)
                if old.rank.deleted != new.rank.deleted
                    || (old.id != new.id && new.rank.deleted) =>
            {
                self.members_of(&[old, new])
            }
            Write::Insert(_) | Write::Update(..) | Write::Delete(_) => Users::new(),
        }
    }

    fn members_of(&self, organizations: &[&Organization]) -> Users {
        self.members(|member| organizations.iter().any(|org| org.id == member.org_id))
    }

    fn membership(&self, write: &Write<Membership>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) if !row.rank.deleted => {
                [row.user_id.clone()].into()
            }
            Write::Update(old, new) if self.membership_differs(old, new) => {
                [old.user_id.clone(), new.user_id.clone()].into()
            }
            Write::Insert(_) | Write::Update(..) | Write::Delete(_) => Users::new(),
        }
    }

    fn membership_differs(&self, old: &Membership, new: &Membership) -> bool {
        let own_list = || {
            old.permissions != new.permissions && self.catalogue_gap() && !self.has_role(&new.role)
        };
        let says_other = || {
            (&old.user_id, &old.org_id, &old.role) != (&new.user_id, &new.org_id, &new.role)
                || own_list()
        };
        old.rank.deleted != new.rank.deleted || (!new.rank.deleted && says_other())
    }

    fn org_role(&self, write: &Write<OrgRole>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) => {
                let only = self.org_roles.keys().all(|id| *id == row.id);
                let only = only && self.org_permissions.is_empty();
                self.members(|member| {
                    (!row.rank.deleted && member.role == row.key)
                        || (only && !self.has_role(&member.role))
                })
            }
            Write::Update(old, new) if self.org_role_differs(old, new) => {
                self.members(|member| member.role == old.key || member.role == new.key)
            }
            Write::Update(..) => Users::new(),
        }
    }

    fn org_role_differs(&self, old: &OrgRole, new: &OrgRole) -> bool {
        let rank = |row: &OrgRole| {
            let rank = row.rank.clone();
            (rank.updated_at, rank.event_at, rank.projection, rank.digest)
        };
        let rival = || self.live_roles(&new.key).any(|role| role.id != new.id);
        let says_other = || {
            (&old.key, &old.permissions) != (&new.key, &new.permissions)
                || (rank(old) != rank(new) && rival())
        };
        old.rank.deleted != new.rank.deleted || (!new.rank.deleted && says_other())
    }

    fn org_permission(&self, write: &Write<OrgPermission>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) => {
                let only = self.org_permissions.keys().all(|id| *id == row.id);
                let only = only && self.org_roles.is_empty();
                let differs =
                    |(id, key): (&str, &str)| id == row.id && (row.rank.deleted || key != row.key);
                self.members(|member| {
                    self.carries(&member.role, differs) || (only && !self.has_role(&member.role))
                })
            }
            Write::Update(old, new)
                if old.id != new.id
                    || old.rank.deleted != new.rank.deleted
                    || (!new.rank.deleted && old.key != new.key) =>
            {
                let either = |(id, _): (&str, &str)| id == old.id || id == new.id;
                self.members(|member| self.carries(&member.role, either))
            }
            Write::Update(..) => Users::new(),
        }
    }

    /// Whether a live role of this key lists such a permission.
    fn carries(&self, role: &str, such: impl Fn((&str, &str)) -> bool) -> bool {
        self.live_roles(role).any(|role| role.permissions.carried().any(&such))
    }

    fn app_role(&self, write: &Write<AppRole>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) => self.holders(&[row]),
            Write::Update(old, new) if old != new => self.holders(&[old, new]),
            Write::Update(..) => Users::new(),
        }
    }

    /// Whoever has one of these roles by grant, by metadata or by default.
    fn holders(&self, roles: &[&AppRole]) -> Users {
        let named = |name: &str| roles.iter().any(|role| role.text() == Some(name));
        if self.default_role().is_some_and(named) {
            return self.watched.clone();
        }
        let numbered = |grant: &&Grant| roles.iter().any(|role| role.id == grant.role_id);
        let granted = self.grants.values().filter(numbered).map(|grant| grant.user_id.clone());
        let says = |roles: &List| roles.strings().any(named);
        let users = self.users.values().filter(|user| !user.rank.deleted && says(&user.app_roles));
        granted.chain(users.map(|user| user.id.clone())).collect()
    }

    fn setting(&self, write: &Write<Setting>) -> Users {
        let ours = |row: &Setting| ["default_role", "catalogue_complete"].contains(&&*row.key);
        let counts = match write {
            Write::Insert(row) | Write::Delete(row) => ours(row),
            Write::Update(old, new) => (ours(old) || ours(new)) && old != new,
        };
        if counts { self.watched.clone() } else { Users::new() }
    }

    /// The users of live memberships.
    fn members(&self, such: impl Fn(&Membership) -> bool) -> Users {
        let live = self.memberships.values().filter(|member| !member.rank.deleted && such(member));
        live.map(|member| member.user_id.clone()).collect()
    }
}

fn user(write: &Write<User>) -> Users {
    let differs = |old: &User, new: &User| {
        let says_other =
            || old.banned != new.banned || (!new.banned && old.app_roles != new.app_roles);
        old.id != new.id
            || old.rank.deleted != new.rank.deleted
            || (!new.rank.deleted && says_other())
    };
    match write {
        Write::Insert(row) | Write::Delete(row) => [row.id.clone()].into(),
        Write::Update(old, new) if differs(old, new) => [old.id.clone(), new.id.clone()].into(),
        Write::Update(..) => Users::new(),
    }
}

fn grant(write: &Write<Grant>) -> Users {
    let says = |grant: &Grant| (grant.user_id.clone(), grant.role_id, grant.granted);
    match write {
        Write::Insert(row) | Write::Delete(row) => [row.user_id.clone()].into(),
        Write::Update(old, new) if says(old) != says(new) => {
            [old.user_id.clone(), new.user_id.clone()].into()
        }
        Write::Update(..) => Users::new(),
    }
}
