//! D1 and the twin of its triggers side by side: every write is applied to both.

use rusqlite::ErrorCode;
use shared::roles::RoleSet;
use testkit::twin::{Bumps, Rows, WRITTEN};

use crate::support::Db;

/// The watched users in `random` and in `every`.
pub(super) const WATCHED: [&str; 2] = ["u1", "u2"];

/// Finds wrong rows in the indexes that the triggers use: `listed_permissions` must have every
/// permission that a live membership lists, and `user_app_roles` exactly the app roles of live users.
const WRONG_INDEX_ROWS: &str = "
SELECT 1 FROM memberships m, json_each(m.permissions) j
WHERE m.deleted = 0 AND j.type = 'text' AND NOT EXISTS (
  SELECT 1 FROM listed_permissions l WHERE l.permission = j.value AND l.role = m.role)
UNION ALL
SELECT 1 FROM users u, json_each(u.app_roles) j
WHERE u.deleted = 0 AND j.type = 'text' AND NOT EXISTS (
  SELECT 1 FROM user_app_roles a WHERE a.role = j.value AND a.user_id = u.id)
UNION ALL
SELECT 1 FROM user_app_roles a WHERE NOT EXISTS (
  SELECT 1 FROM users u, json_each(u.app_roles) j
  WHERE u.deleted = 0 AND j.type = 'text' AND a.role = j.value AND a.user_id = u.id)";

/// A database with the watches of [`WATCHED`], and the twin of its rows.
pub(super) struct SideBySide {
    pub(super) db: Db,
    pub(super) rows: Rows,
}

/// The effect of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WriteEffect {
    /// Whether the roles of a watched user changed.
    pub(super) changed: bool,
    /// Whether the version of a watch rose.
    pub(super) rose: bool,
    /// Whether a constraint refused the write.
    pub(super) refused: bool,
}

impl SideBySide {
    /// Starts from the rows of `db`.
    pub(super) fn new(db: Db) -> Self {
        let mut rows = Rows::default();
        for user in WATCHED {
            db.register(user, 1, 0);
            rows.watch(user);
        }
        let mut pair = Self { db, rows };
        pair.sync_twin();
        pair
    }

    /// Copies the rows of the database to the twin, without a comparison.
    pub(super) fn sync_twin(&mut self) {
        for table in WRITTEN {
            for write in self.rows.written(&self.db, table).unwrap() {
                self.rows.apply(&write);
            }
        }
        self.fills();
        self.rows.catch_up_all();
    }

    /// Writes at most one row of `table`, and returns an error that says what differs from the twin:
    /// exactly the users that it names must rise, as often as it says, and a role cache must read
    /// what the twin's views give.
    pub(super) fn write(&mut self, table: &str, text: &str) -> Result<WriteEffect, String> {
        let before = self.fills();
        let refused = match self.db.sql.execute(text, []) {
            Ok(rows) => 1 < rows,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => true,
            Err(error) => return Err(format!("{text}: {error}")),
        };
        let writes = self.rows.written(&self.db, table).unwrap();
        if 1 < writes.len() || (refused && !writes.is_empty()) {
            return Err(format!("{text} wrote {writes:?}"));
        }
        let mut named = writes.first().map_or_else(Bumps::new, |write| self.rows.apply(write));
        for table in WRITTEN {
            let behind = self.rows.written(&self.db, table).unwrap();
            if !behind.is_empty() {
                return Err(format!(
                    "{text}: its triggers wrote rows that the twin lacks: {behind:?}"
                ));
            }
        }
        // A fill lets its watch catch up with changes of the default role.
        for (user, once) in self.rows.catch_up_all() {
            *named.entry(user).or_default() += once;
        }
        if !self.db.holds(WRONG_INDEX_ROWS, &[]) {
            return Err(format!("{text}: an index of the triggers has wrong rows"));
        }
        let mut done = WriteEffect { refused, ..WriteEffect::default() };
        for (user, (before, after)) in WATCHED.into_iter().zip(before.iter().zip(self.fills())) {
            let rise = after.version - before.version;
            if rise != i64::from(named.get(user).copied().unwrap_or_default()) {
                return Err(format!("{text}: {user} rose by {rise}, the twin says {named:?}"));
            }
            let want = self.rows.fill(user, after.version);
            if after != want {
                return Err(format!("{text}: {user} has {after:?}, the twin says {want:?}"));
            }
            let same = RoleSet { version: before.version, ..after } == *before;
            if !same && rise == 0 {
                return Err(format!("{text} changed {before:?} without a bump"));
            }
            done.changed |= !same;
            done.rose |= 0 < rise;
        }
        Ok(done)
    }

    fn fills(&self) -> [RoleSet; 2] {
        WATCHED.map(|user| self.db.fill(user).unwrap().set)
    }
}
