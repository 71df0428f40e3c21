//! D1 in these tests: SQLite with the real migrations, D1's limits, and a clock that the test sets.

pub(crate) mod clerk;

use std::ops::Deref;

use rusqlite::Params;
use rusqlite::types::{FromSql, Value};
use shared::cache::FillResult;
use shared::sql::{self, Arg, Statement};
use testkit::sqlite::{Database, bound};

pub(crate) use testkit::sqlite::{Cells, START};

/// The tables of the tutorial, see `docs/tutorial-contract.md`.
pub(crate) const TUTORIAL: &str = "
create table if not exists roles (id integer primary key, name text unique);
create table if not exists user_roles (
  user_id text not null,
  role_id integer not null,
  primary key (user_id, role_id)
);
create index if not exists idx_user_roles_user on user_roles(user_id);
";

/// A database that panics on an error.
pub(crate) struct Db(Database);

impl Deref for Db {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.0
    }
}

impl Db {
    /// A database with every migration applied.
    pub(crate) fn new() -> Self {
        Self(Database::migrated().expect("every migration applies"))
    }

    /// A database without any table.
    pub(crate) fn empty() -> Self {
        Self(Database::empty().unwrap())
    }

    /// Runs statements without parameters, which must succeed.
    #[track_caller]
    pub(crate) fn exec(&self, text: &str) {
        self.sql.execute_batch(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// Every row of a query.
    #[track_caller]
    pub(crate) fn rows(&self, query: &str, args: impl Params) -> Vec<Cells> {
        self.0.rows(query, args).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Whether a query gives exactly these rows.
    #[track_caller]
    pub(crate) fn holds(&self, query: &str, want: &[Cells]) -> bool {
        self.0.holds(query, want).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Every row of a statement that reads.
    #[track_caller]
    pub(crate) fn query(&self, statement: &Statement) -> Vec<Cells> {
        self.rows(statement.sql, bound(statement))
    }

    /// Every row of a statement that reads, as D1 gives it to a Worker: by the columns' names.
    #[track_caller]
    pub(crate) fn json(&self, statement: &Statement) -> Vec<serde_json::Value> {
        let prepared = self.sql.prepare(statement.sql).unwrap();
        let names: Vec<String> = prepared.column_names().into_iter().map(String::from).collect();
        let rows = self.query(statement).into_iter().map(|cells| {
            let cells = cells.into_iter().map(|cell| match cell {
                Value::Null => serde_json::Value::Null,
                Value::Integer(number) => number.into(),
                Value::Real(number) => number.into(),
                Value::Text(text) => text.into(),
                Value::Blob(_) => panic!("no table has a BLOB"),
            });
            names.iter().cloned().zip(cells).collect()
        });
        rows.collect()
    }

    /// The first column of every row.
    #[track_caller]
    pub(crate) fn column<T: FromSql>(&self, query: &str, args: impl Params) -> Vec<T> {
        self.0.column(query, args).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The only value of the only row.
    #[track_caller]
    pub(crate) fn one<T: FromSql>(&self, query: &str, args: impl Params) -> T {
        let mut all = self.column(query, args);
        assert_eq!(all.len(), 1, "{query}");
        all.remove(0)
    }

    /// Reads what a role cache reads; `None` for a user without a watch.
    #[track_caller]
    pub(crate) fn fill(&self, user: &str) -> Option<FillResult> {
        self.0.fill(user).unwrap()
    }

    /// Registers a watch and fills, as a role cache does in one batch.
    #[track_caller]
    pub(crate) fn register(&self, user: &str, owner: i64, floor: i64) -> FillResult {
        let args = vec![Arg::Text(user.into()), Arg::Int(owner), Arg::Int(floor)];
        self.run(&[Statement { sql: sql::REGISTER, args }]).unwrap();
        self.fill(user).expect("a watch")
    }

    /// The version of a user's watch.
    #[track_caller]
    pub(crate) fn version(&self, user: &str) -> i64 {
        self.one("SELECT version FROM watches WHERE user_id = ?1", [user])
    }

    /// The steps of a statement's plan.
    #[track_caller]
    pub(crate) fn plan_of(&self, statement: &Statement) -> Vec<String> {
        let mut prepared =
            self.sql.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
        let steps = prepared.query_map(bound(statement), |row| row.get("detail")).unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }
}

/// The texts of the migrations, in the order of their names.
pub(crate) fn migrations() -> Vec<String> {
    testkit::sqlite::migrations().unwrap()
}

/// A statement without JSON.
pub(crate) fn statement(sql: &'static str, args: &[&dyn AsArg]) -> Statement {
    Statement { sql, args: args.iter().map(|arg| arg.as_arg()).collect() }
}

/// A type that can be a parameter.
pub(crate) trait AsArg {
    fn as_arg(&self) -> Arg;
}

impl AsArg for &str {
    fn as_arg(&self) -> Arg {
        Arg::Text((*self).into())
    }
}

impl AsArg for String {
    fn as_arg(&self) -> Arg {
        Arg::Text(self.clone())
    }
}

impl AsArg for i64 {
    fn as_arg(&self) -> Arg {
        Arg::Int(*self)
    }
}
