//! The triggers of roles and permissions of organizations, and of the keys ever heard of.

use super::super::Rows;
use super::super::rows::{Key, Membership, OrgPermission, OrgRole};
use super::super::write::Write;
use super::Users;

impl Rows {
    pub(super) fn org_role(&self, write: &Write<OrgRole>) -> Users {
        match write {
            Write::Insert(row) | Write::Delete(row) if !row.rank.deleted => {
                self.members(|member| member.role == row.key)
            }
            Write::Update(old, new) if self.org_role_differs(old, new) => {
                self.members(|member| member.role == old.key || member.role == new.key)
            }
            Write::Insert(_) | Write::Delete(_) | Write::Update(..) => Users::new(),
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

    /// The row whose key is remembered, if any.
    pub(super) fn org_role_heard<'a>(&self, write: &'a Write<OrgRole>) -> Option<&'a OrgRole> {
        let row = match write {
            Write::Insert(row) => row,
            Write::Update(old, new) if self.org_role_differs(old, new) => new,
            Write::Update(..) | Write::Delete(_) => return None,
        };
        (!row.rank.deleted).then_some(row)
    }

    /// The members of a role that nobody has: their own lists end or speak again.
    pub(super) fn role_key_differs(&self, write: &Write<Key>) -> Users {
        let of = |key: &Key| {
            self.members(|member| member.role == key.key && !self.has_role(&member.role))
        };
        match write {
            Write::Insert(key) | Write::Delete(key) => of(key),
            Write::Update(old, new) if old != new => of(old).union(&of(new)).cloned().collect(),
            Write::Update(..) => Users::new(),
        }
    }

    pub(super) fn org_permission(&self, write: &Write<OrgPermission>) -> Users {
        match write {
            Write::Insert(new) => {
                let retired = |key: &str| self.was_retired(key, new);
                let listed = self.members_of_listers(|(id, key)| {
                    id == new.id && gives_other(retired(key), key, new)
                });
                let back = !new.rank.deleted && retired(&new.key);
                joined(listed, self.holders_if(back, &new.key))
            }
            Write::Update(old, new) if org_permission_differs(old, new) => {
                let listed = self.members_of_listers(|(id, _)| id == old.id || id == new.id);
                let gone = !old.rank.deleted && self.is_retired(&old.key);
                let is_new = old.rank.deleted || old.key != new.key;
                let back = !new.rank.deleted && is_new && self.was_retired(&new.key, new);
                let gone = self.holders_if(gone, &old.key);
                joined(joined(listed, gone), self.holders_if(back, &new.key))
            }
            Write::Delete(old) => {
                let listed = self.members_of_listers(|(id, key)| {
                    id == old.id && gives_other(self.is_retired(key), key, old)
                });
                let gone = !old.rank.deleted && self.is_retired(&old.key);
                joined(listed, self.holders_if(gone, &old.key))
            }
            Write::Update(..) => Users::new(),
        }
    }

    pub(super) fn permission_key_differs(&self, write: &Write<Key>) -> Users {
        let of = |key: &Key| self.holders_if(!self.is_borne(&key.key), &key.key);
        match write {
            Write::Insert(key) | Write::Delete(key) => of(key),
            Write::Update(old, new) if old != new => joined(of(old), of(new)),
            Write::Update(..) => Users::new(),
        }
    }

    /// Whether a key was retired before this row was there, and before its key was remembered.
    fn was_retired(&self, key: &str, row: &OrgPermission) -> bool {
        let others = self.org_permissions.values().filter(|other| other.id != row.id);
        let borne = others.filter(|other| !other.rank.deleted).any(|other| other.key == key);
        self.permission_keys.contains_key(key) && !borne
    }

    /// The members of the roles that list such a permission.
    fn members_of_listers(&self, such: impl Fn((&str, &str)) -> bool) -> Users {
        let lists =
            |role: &str| self.live_roles(role).any(|it| it.permissions.carried().any(&such));
        self.members(|member| lists(&member.role))
    }

    /// The view `permission_holders`, of one key.
    fn holders_if(&self, condition: bool, key: &str) -> Users {
        if !condition {
            return Users::new();
        }
        let unknown =
            |(id, listed): (&str, &str)| listed == key && !self.org_permissions.contains_key(id);
        let by_role = self.members_of_listers(unknown);
        let own = |member: &Membership| {
            self.speaks(&member.role) && member.permissions.strings().any(|it| it == key)
        };
        joined(by_role, self.members(own))
    }
}

fn org_permission_differs(old: &OrgPermission, new: &OrgPermission) -> bool {
    old.id != new.id
        || old.rank.deleted != new.rank.deleted
        || (!new.rank.deleted && old.key != new.key)
}

/// The row whose key is remembered, if any.
pub(super) fn org_permission_heard(write: &Write<OrgPermission>) -> Option<&OrgPermission> {
    let row = match write {
        Write::Insert(row) => row,
        Write::Update(old, new) if org_permission_differs(old, new) => new,
        Write::Update(..) | Write::Delete(_) => return None,
    };
    (!row.rank.deleted).then_some(row)
}

/// Whether what a role gives by this entry differs with the permission's row and without it.
fn gives_other(retired: bool, key: &str, row: &OrgPermission) -> bool {
    if retired { !row.rank.deleted } else { row.rank.deleted || key != row.key }
}

fn joined(some: Users, others: Users) -> Users {
    some.into_iter().chain(others).collect()
}
