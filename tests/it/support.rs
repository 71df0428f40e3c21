//! D1 as these tests have it: SQLite with the real migrations, under D1's limits, and a clock that
//! stands where a test puts it.

pub(crate) mod clerk;

use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, Value};
use rusqlite::{Connection, Params, Statement as Prepared, params_from_iter};
use shared::cache::Row;
use shared::roles::RoleSet;
use shared::sql::{self, Arg, Statement};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// When every test begins: 2025-11-24T16:00:00Z.
pub(crate) const START: i64 = 1_764_000_000_000;

/// What the tutorial tells its readers to make.
pub(crate) const TUTORIAL: &str = "
create table if not exists roles (id integer primary key, name text unique);
create table if not exists user_roles (
  user_id text not null,
  role_id integer not null,
  primary key (user_id, role_id)
);
create index if not exists idx_user_roles_user on user_roles(user_id);
";

/// A row of any query.
pub(crate) type Cells = Vec<Value>;

/// One D1 database.
pub(crate) struct Db {
    /// For what has no helper here.
    pub(crate) sql: Connection,
    clock: Arc<AtomicI64>,
}

/// D1's limits that SQLite can hold itself,
/// <https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite.c%2B%2B> and
/// <https://developers.cloudflare.com/d1/platform/limits/>.
const LIMITS: [(Limit, i32); 10] = [
    (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
];

impl Db {
    /// A database with every migration applied.
    pub(crate) fn new() -> Self {
        let db = Self::empty();
        db.migrate().expect("every migration applies");
        db
    }

    /// A database without any table.
    pub(crate) fn empty() -> Self {
        let sql = Connection::open_in_memory().unwrap();
        for (limit, most) in LIMITS {
            sql.set_limit(limit, most).unwrap();
        }
        sql.set_prepared_statement_cache_capacity(200);
        let clock = Arc::new(AtomicI64::new(START));
        let hands = Arc::clone(&clock);
        // Found before the built-in one, for it names its number of arguments.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        sql.create_scalar_function("unixepoch", 1, flags, move |context| {
            assert_eq!(context.get::<String>(0)?, "subsec");
            Ok(seconds(hands.load(Ordering::Relaxed)))
        })
        .unwrap();
        Self { sql, clock }
    }

    /// Applies the migrations in order, each in a transaction, as `wrangler d1 migrations apply`.
    pub(crate) fn migrate(&self) -> rusqlite::Result<()> {
        for text in migrations() {
            let applied = self.sql.execute_batch(&format!("BEGIN; {text}; COMMIT"));
            if applied.is_err() {
                self.exec("ROLLBACK");
                return applied;
            }
        }
        Ok(())
    }

    /// Puts the clock to this instant, in milliseconds.
    pub(crate) fn at(&self, now: i64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    /// Runs one D1 batch: all statements or none. Gives the number of rows that each one wrote.
    pub(crate) fn run(&self, batch: &[Statement]) -> rusqlite::Result<Vec<usize>> {
        self.exec("SAVEPOINT batch");
        let written = batch.iter().map(|statement| self.execute(statement)).collect();
        if rusqlite::Result::is_err(&written) {
            self.exec("ROLLBACK TO batch");
        }
        self.exec("RELEASE batch");
        written
    }

    fn execute(&self, statement: &Statement) -> rusqlite::Result<usize> {
        let args = params_from_iter(statement.args.iter().map(Bound));
        self.sql.prepare_cached(statement.sql)?.execute(args)
    }

    /// Runs statements without parameters, which must succeed.
    #[track_caller]
    pub(crate) fn exec(&self, text: &str) {
        self.sql.execute_batch(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// Every row of a query.
    #[track_caller]
    pub(crate) fn rows(&self, query: &str, args: impl Params) -> Vec<Cells> {
        let mut prepared =
            self.sql.prepare_cached(query).unwrap_or_else(|e| panic!("{query}: {e}"));
        let columns = prepared.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows = prepared.query_map(args, row).unwrap();
        rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Every row of a statement that reads.
    #[track_caller]
    pub(crate) fn query(&self, statement: &Statement) -> Vec<Cells> {
        self.rows(statement.sql, params_from_iter(statement.args.iter().map(Bound)))
    }

    /// The first column of every row.
    #[track_caller]
    pub(crate) fn column<T: FromSql>(&self, query: &str, args: impl Params) -> Vec<T> {
        let mut prepared =
            self.sql.prepare_cached(query).unwrap_or_else(|e| panic!("{query}: {e}"));
        let rows = prepared.query_map(args, |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The only value of the only row.
    #[track_caller]
    pub(crate) fn one<T: FromSql>(&self, query: &str, args: impl Params) -> T {
        let mut all = self.column(query, args);
        assert_eq!(all.len(), 1, "{query}");
        all.remove(0)
    }

    /// What a role cache reads; `None` for a user whom nobody watches.
    #[track_caller]
    pub(crate) fn fill(&self, user: &str) -> Option<Row> {
        let mut rows = self.rows(sql::FILL, [user]);
        assert!(rows.len() <= 1);
        let row = rows.pop()?;
        let [Value::Integer(owner), Value::Integer(version), rest @ ..] = &row[..] else {
            panic!("{row:?}")
        };
        let [Value::Text(standing), Value::Text(roles), Value::Text(organizations)] = rest else {
            panic!("{row:?}")
        };
        let set = RoleSet {
            version: *version,
            standing: serde_json::from_value(standing.as_str().into()).unwrap(),
            roles: serde_json::from_str(roles).unwrap(),
            organizations: serde_json::from_str(organizations).unwrap(),
        };
        Some(Row { owner: *owner, set: set.canonical() })
    }

    /// Registers a watch and fills, as a role cache does in one batch.
    #[track_caller]
    pub(crate) fn register(&self, user: &str, owner: i64, floor: i64) -> Row {
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
    pub(crate) fn plan_of(&self, statement: &Statement) -> Vec<String> {
        let mut prepared = self.prepared(&format!("EXPLAIN QUERY PLAN {}", statement.sql));
        let args = params_from_iter(statement.args.iter().map(Bound));
        let steps = prepared.query_map(args, |row| row.get("detail")).unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }

    /// A query, ready to be counted.
    pub(crate) fn prepared(&self, query: &str) -> Prepared<'_> {
        self.sql.prepare(query).unwrap()
    }
}

/// The texts of the migrations, in the order of their names.
pub(crate) fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension() == Some("sql".as_ref())).collect();
    files.sort_unstable();
    assert!(!files.is_empty());
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// A parameter as D1 binds it.
struct Bound<'a>(&'a Arg);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Arg::Text(text) => text.to_sql(),
            Arg::Int(number) => number.to_sql(),
        }
    }
}

/// Half a millisecond past the instant: the fraction cannot fall short of it by rounding.
fn seconds(now: i64) -> f64 {
    let whole = i32::try_from(now / 1000).expect("before 2038");
    let rest = i32::try_from(now % 1000).expect("below 1000");
    f64::from(whole) + f64::from(rest) / 1000.0 + 0.0005
}

/// A statement without JSON.
pub(crate) fn statement(sql: &'static str, args: &[&dyn AsArg]) -> Statement {
    Statement { sql, args: args.iter().map(|arg| arg.as_arg()).collect() }
}

/// What can be a parameter.
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
