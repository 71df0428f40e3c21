//! The writes of one row, and the tables that they change.

use std::collections::BTreeMap;

use super::rows::{
    AppRole, Grant, Key, Membership, OrgPermission, OrgRole, Organization, Pair, Setting, User,
};

/// What a trigger is told of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Write<T> {
    /// A new row.
    Insert(T),
    /// A row in place of another; the key may differ.
    Update(T, T),
    /// A row that was.
    Delete(T),
}

/// The write of one row of any table that roles depend on.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each names its table")]
pub enum AnyWrite {
    User(Write<User>),
    Organization(Write<Organization>),
    Membership(Write<Membership>),
    OrgRole(Write<OrgRole>),
    OrgPermission(Write<OrgPermission>),
    AppRole(Write<AppRole>),
    Grant(Write<Grant>),
    Setting(Write<Setting>),
    Pair(Write<Pair>),
    RoleKey(Write<Key>),
    PermissionKey(Write<Key>),
}

/// A row with a primary key.
pub(super) trait Keyed: Clone {
    type Key: Ord;

    fn key(&self) -> Self::Key;
}

/// A table by primary key.
pub(super) type Table<T> = BTreeMap<<T as Keyed>::Key, T>;

/// The write that puts a row in the place of whatever stands under its key.
pub(super) fn put<T: Keyed>(table: &Table<T>, row: T) -> Write<T> {
    match table.get(&row.key()) {
        Some(old) => Write::Update(old.clone(), row),
        None => Write::Insert(row),
    }
}

/// Writes the row.
pub(super) fn write<T: Keyed>(table: &mut Table<T>, write: &Write<T>) {
    if let Write::Update(old, _) | Write::Delete(old) = write {
        table.remove(&old.key());
    }
    if let Write::Insert(new) | Write::Update(_, new) = write {
        table.insert(new.key(), new.clone());
    }
}

macro_rules! keyed {
    ($($row:ident by $field:ident: $key:ty),+) => {
        $(impl Keyed for $row {
            type Key = $key;

            fn key(&self) -> $key {
                self.$field.clone()
            }
        })+
    };
}

keyed!(User by id: String, Organization by id: String, Membership by id: String);
keyed!(OrgRole by id: String, OrgPermission by id: String, AppRole by id: i64);
keyed!(Setting by key: String, Key by key: String);

impl Keyed for Pair {
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.org_id.clone(), self.user_id.clone())
    }
}

impl Keyed for Grant {
    type Key = (String, i64);

    fn key(&self) -> Self::Key {
        (self.user_id.clone(), self.role_id)
    }
}
