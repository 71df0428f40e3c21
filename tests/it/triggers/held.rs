//! D1 and the twin of its triggers side by side: every write is given to both.

use rusqlite::ErrorCode;
use shared::roles::RoleSet;
use testkit::twin::{Bumps, Rows, WRITTEN};

use crate::support::Db;

/// Who is watched in the worlds of chance and of all writes.
pub(super) const WATCHED: [&str; 2] = ["u1", "u2"];

/// What the triggers find people by, where it differs: every permission that a live membership
/// lists is found by it, and exactly the app roles of live users are.
const ASTRAY: &str = "
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
pub(super) struct Held {
    pub(super) db: Db,
    pub(super) rows: Rows,
}

/// What a write did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Somebody's roles.
    pub(super) changed: bool,
    /// Somebody's version.
    pub(super) rose: bool,
    /// A constraint refused it.
    pub(super) refused: bool,
}

impl Held {
    /// `db` as it stands.
    pub(super) fn new(db: Db) -> Self {
        let mut rows = Rows::default();
        for user in WATCHED {
            db.register(user, 1, 0);
            rows.watch(user);
        }
        let mut held = Self { db, rows };
        held.read();
        held
    }

    /// Lets the twin be what the database is, without a comparison.
    pub(super) fn read(&mut self) {
        for table in WRITTEN {
            for write in self.rows.written(&self.db, table).unwrap() {
                self.rows.apply(&write);
            }
        }
        self.fills();
        self.rows.catch_up_all();
    }

    /// Writes at most one row of `table`, and says what differs: the versions of exactly those whom
    /// the twin names rise, as often as it says, and what a role cache reads is what the twin's
    /// views give.
    pub(super) fn write(&mut self, table: &str, text: &str) -> Result<Done, String> {
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
                return Err(format!("{text}: behind it the twin lacks {behind:?}"));
            }
        }
        // A fill lets its watch take in what has changed for everybody.
        for (user, once) in self.rows.catch_up_all() {
            *named.entry(user).or_default() += once;
        }
        if !self.db.holds(ASTRAY, &[]) {
            return Err(format!("{text}: what the triggers find people by is astray"));
        }
        let mut done = Done { refused, ..Done::default() };
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
