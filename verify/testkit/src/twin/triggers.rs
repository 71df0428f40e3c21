//! The triggers that bump, one function for each table, and what triggers write behind a row.

mod catalogue;

use std::collections::BTreeSet;

use super::Rows;
use super::list::List;
use super::rows::{AppRole, Grant, Key, Membership, Organization, Pair, Setting, User};
use super::write::{AnyWrite, Write, put};

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
            AnyWrite::Setting(_) => Users::new(),
            AnyWrite::Pair(write) => self.pair(write),
            AnyWrite::RoleKey(write) => self.role_key_differs(write),
            AnyWrite::PermissionKey(write) => self.permission_key_differs(write),
        };
        users.intersection(&self.watched).cloned().collect()
    }

    /// Whether a write changes what everybody has: each watch is behind from there.
    pub(super) fn concerns_everybody(&self, write: &AnyWrite) -> bool {
        match write {
            AnyWrite::Setting(write) => setting(write),
            AnyWrite::AppRole(Write::Insert(row) | Write::Delete(row)) => self.is_default(row),
            AnyWrite::AppRole(Write::Update(old, new)) => {
                old != new && (self.is_default(old) || self.is_default(new))
            }
            AnyWrite::User(_)
            | AnyWrite::Organization(_)
            | AnyWrite::Membership(_)
            | AnyWrite::OrgRole(_)
            | AnyWrite::OrgPermission(_)
            | AnyWrite::Grant(_)
            | AnyWrite::Pair(_)
            | AnyWrite::RoleKey(_)
            | AnyWrite::PermissionKey(_) => false,
        }
    }

    fn is_default(&self, role: &AppRole) -> bool {
        self.default_role().is_some_and(|name| role.text() == Some(name))
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

    /// Those that count before the write or after it. The pair's rank rises behind the write.
    fn membership(&self, write: &Write<Membership>) -> Users {
        let of = |row: &Membership| -> Users {
            if self.is_current(row) { [row.user_id.clone()].into() } else { Users::new() }
        };
        match write {
            Write::Insert(row) | Write::Delete(row) => of(row),
            Write::Update(old, new) => {
                let both = self.is_current(old) && self.is_current(new);
                if both && !self.membership_differs(old, new) {
                    return Users::new();
                }
                of(old).union(&of(new)).cloned().collect()
            }
        }
    }

    fn membership_differs(&self, old: &Membership, new: &Membership) -> bool {
        let own_list = || old.permissions != new.permissions && self.speaks(&new.role);
        (&old.user_id, &old.org_id, &old.role) != (&new.user_id, &new.org_id, &new.role)
            || own_list()
    }

    /// The pair's user, when a live membership counted before and does not after, or the reverse.
    fn pair(&self, write: &Write<Pair>) -> Users {
        let passes = |pair: &Pair, member: &Membership| {
            (&pair.org_id, &pair.user_id) == (&member.org_id, &member.user_id)
                && member.rank < pair.rank
        };
        let live = self.memberships.values().filter(|member| !member.rank.deleted);
        let differs = live.filter(|member| match write {
            Write::Insert(pair) | Write::Delete(pair) => passes(pair, member),
            Write::Update(old, new) => passes(old, member) != passes(new, member),
        });
        differs.map(|member| member.user_id.clone()).collect()
    }

    /// The write that a pair's rank rises by, if it rises.
    pub(super) fn raise(&self, pair: Pair) -> Option<AnyWrite> {
        let stored = self.pairs.get(&(pair.org_id.clone(), pair.user_id.clone()));
        let rises = stored.is_none_or(|stored| stored.rank < pair.rank);
        rises.then(|| AnyWrite::Pair(put(&self.pairs, pair)))
    }

    /// The write that remembers a role's key, if it is new.
    pub(super) fn role_key(&self, key: Key) -> Option<AnyWrite> {
        let is_new = !self.role_keys.contains_key(&key.key);
        is_new.then_some(AnyWrite::RoleKey(Write::Insert(key)))
    }

    /// The write that remembers a permission's key, if it is new.
    pub(super) fn permission_key(&self, key: Key) -> Option<AnyWrite> {
        let is_new = !self.permission_keys.contains_key(&key.key);
        is_new.then_some(AnyWrite::PermissionKey(Write::Insert(key)))
    }

    /// What triggers write behind a row: what is remembered of it.
    pub(super) fn behind(&self, write: &AnyWrite) -> Option<AnyWrite> {
        match write {
            AnyWrite::Membership(Write::Insert(row) | Write::Update(_, row))
                if !row.rank.deleted =>
            {
                let (org_id, user_id) = (row.org_id.clone(), row.user_id.clone());
                self.raise(Pair { org_id, user_id, rank: row.rank.clone() })
            }
            AnyWrite::OrgRole(write) => {
                let row = self.org_role_heard(write)?;
                self.role_key(Key { key: row.key.clone() })
            }
            AnyWrite::OrgPermission(write) => {
                let row = catalogue::org_permission_heard(write)?;
                self.permission_key(Key { key: row.key.clone() })
            }
            AnyWrite::User(_)
            | AnyWrite::Organization(_)
            | AnyWrite::Membership(_)
            | AnyWrite::AppRole(_)
            | AnyWrite::Grant(_)
            | AnyWrite::Setting(_)
            | AnyWrite::Pair(_)
            | AnyWrite::RoleKey(_)
            | AnyWrite::PermissionKey(_) => None,
        }
    }

    fn app_role(&self, write: &Write<AppRole>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) => self.holders(&[row]),
            Write::Update(old, new) if old != new => self.holders(&[old, new]),
            Write::Update(..) => Users::new(),
        }
    }

    /// The users who have one of these roles by grant or by metadata.
    fn holders(&self, roles: &[&AppRole]) -> Users {
        let named = |name: &str| roles.iter().any(|role| role.text() == Some(name));
        let numbered = |grant: &&Grant| roles.iter().any(|role| role.id == grant.role_id);
        let granted = self.grants.values().filter(numbered).map(|grant| grant.user_id.clone());
        let says = |roles: &List| roles.strings().any(named);
        let users = self.users.values().filter(|user| !user.rank.deleted && says(&user.app_roles));
        granted.chain(users.map(|user| user.id.clone())).collect()
    }

    /// The users of memberships that count.
    fn members(&self, such: impl Fn(&Membership) -> bool) -> Users {
        let current = self.memberships.values().filter(|member| self.is_current(member));
        current.filter(|member| such(member)).map(|member| member.user_id.clone()).collect()
    }
}

fn setting(write: &Write<Setting>) -> bool {
    let ours = |row: &Setting| row.key == "default_role";
    match write {
        Write::Insert(row) | Write::Delete(row) => ours(row),
        Write::Update(old, new) => (ours(old) || ours(new)) && old != new,
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
