//! What was written in D1, found by reading a table again.

use rusqlite::{Error, Result, Row};

use super::Rows;
use super::rows::{
    AppRole, Grant, Key, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, Setting,
    User,
};
use super::write::{AnyWrite, Keyed, Table, Write};
use crate::sqlite::Database;

/// The tables that roles depend on. The last three follow from the others, and can be written too.
pub const WRITTEN: [&str; 11] = [
    "users",
    "organizations",
    "memberships",
    "org_roles",
    "org_permissions",
    "roles",
    "role_grants",
    "settings",
    "membership_pairs",
    "org_role_keys",
    "org_permission_keys",
];

impl Rows {
    /// The writes that lead from these rows to what `table` holds in D1, in the order of the keys.
    /// One row gone and one row new are one row that has another key.
    ///
    /// # Errors
    /// What SQLite refuses, and a table that is not one of [`WRITTEN`].
    pub fn written(&self, db: &Database, table: &str) -> Result<Vec<AnyWrite>> {
        Ok(match table {
            "users" => between(&self.users, read(db, table, User::read)?, AnyWrite::User),
            "organizations" => {
                let rows = read(db, table, Organization::read)?;
                between(&self.organizations, rows, AnyWrite::Organization)
            }
            "memberships" => {
                between(&self.memberships, read(db, table, Membership::read)?, AnyWrite::Membership)
            }
            "org_roles" => {
                between(&self.org_roles, read(db, table, OrgRole::read)?, AnyWrite::OrgRole)
            }
            "org_permissions" => {
                let rows = read(db, table, OrgPermission::read)?;
                between(&self.org_permissions, rows, AnyWrite::OrgPermission)
            }
            "roles" => between(&self.app_roles, read(db, table, app_role)?, AnyWrite::AppRole),
            "role_grants" => between(&self.grants, read(db, table, grant)?, AnyWrite::Grant),
            "settings" => between(&self.settings, read(db, table, setting)?, AnyWrite::Setting),
            "membership_pairs" => between(&self.pairs, read(db, table, pair)?, AnyWrite::Pair),
            "org_role_keys" => between(&self.role_keys, read(db, table, key)?, AnyWrite::RoleKey),
            "org_permission_keys" => {
                between(&self.permission_keys, read(db, table, key)?, AnyWrite::PermissionKey)
            }
            _ => return Err(Error::InvalidParameterName(table.into())),
        })
    }
}

fn read<T: Keyed>(
    db: &Database,
    table: &str,
    row: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Table<T>> {
    let mut prepared = db.sql.prepare_cached(&format!("SELECT * FROM {table}"))?;
    let rows = prepared.query_map([], |it| row(it).map(|row| (row.key(), row)))?;
    rows.collect()
}

fn between<T: Keyed + PartialEq>(
    before: &Table<T>,
    after: Table<T>,
    any: impl Fn(Write<T>) -> AnyWrite,
) -> Vec<AnyWrite> {
    let gone = before.iter().filter(|(key, _)| !after.contains_key(key)).map(|(_, row)| row);
    let mut gone: Vec<T> = gone.cloned().collect();
    let fresh = after.keys().filter(|key| !before.contains_key(key)).count();
    let moved = if gone.len() == 1 && fresh == 1 { gone.pop() } else { None };
    let mut writes: Vec<_> = gone.into_iter().map(Write::Delete).collect();
    for (key, row) in after {
        match before.get(&key).or(moved.as_ref()) {
            Some(old) if *old == row => {}
            Some(old) => writes.push(Write::Update(old.clone(), row)),
            None => writes.push(Write::Insert(row)),
        }
    }
    writes.into_iter().map(any).collect()
}

fn app_role(row: &Row<'_>) -> Result<AppRole> {
    Ok(AppRole { id: row.get("id")?, name: row.get("name")? })
}

fn grant(row: &Row<'_>) -> Result<Grant> {
    Ok(Grant {
        user_id: row.get("user_id")?,
        role_id: row.get("role_id")?,
        granted: row.get("granted")?,
        at: row.get("at")?,
        id: row.get("id")?,
    })
}

fn setting(row: &Row<'_>) -> Result<Setting> {
    Ok(Setting { key: row.get("key")?, value: row.get("value")? })
}

fn pair(row: &Row<'_>) -> Result<Pair> {
    let (org_id, user_id) = (row.get("org_id")?, row.get("user_id")?);
    Ok(Pair { org_id, user_id, rank: Rank::read_live(row)? })
}

fn key(row: &Row<'_>) -> Result<Key> {
    Ok(Key { key: row.get("key")? })
}
