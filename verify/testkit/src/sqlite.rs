//! D1's SQLite with the real migrations, under D1's limits, and a clock that is told the time.

mod bound;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::{fs, io};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::limits::Limit;
use rusqlite::types::{FromSql, Value, ValueRef};
use rusqlite::{Connection, Error, Params, Result};
use shared::cache::{FillRequest, FillResult};
use shared::sql::{self, FillRow, Statement};
use shared::time::UnixMillis;

pub use bound::bound;

/// When every clock begins: 2025-11-24T16:00:00Z, in milliseconds.
pub const START: i64 = 1_764_000_000_000;

/// A row of any query.
pub type Cells = Vec<Value>;

/// One D1 database.
#[derive(Debug)]
pub struct Database {
    /// For what has no method here.
    pub sql: Connection,
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

impl Database {
    /// A database with every migration applied.
    ///
    /// # Errors
    /// When a migration cannot be read, or SQLite refuses it.
    pub fn migrated() -> Result<Self> {
        let db = Self::empty()?;
        db.migrate()?;
        Ok(db)
    }

    /// A database without any table.
    ///
    /// # Errors
    /// When SQLite cannot begin.
    pub fn empty() -> Result<Self> {
        let sql = Connection::open_in_memory()?;
        for (limit, most) in LIMITS {
            sql.set_limit(limit, most)?;
        }
        sql.set_prepared_statement_cache_capacity(200);
        let clock = Arc::new(AtomicI64::new(START));
        let hands = Arc::clone(&clock);
        // Found before the built-in one, for it names its number of arguments.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        let unixepoch = move |context: &Context<'_>| {
            let unit: String = context.get(0)?;
            if unit != "subsec" {
                return Err(callback_error(io::Error::other(
                    "only unixepoch('subsec') is known here",
                )));
            }
            seconds(hands.load(Ordering::Relaxed))
        };
        sql.create_scalar_function("unixepoch", 1, flags, unixepoch)?;
        Ok(Self { sql, clock })
    }

    /// Applies the migrations in order, each in a transaction, as `wrangler d1 migrations apply`.
    ///
    /// # Errors
    /// What SQLite refuses; that migration then left nothing behind.
    pub fn migrate(&self) -> Result<()> {
        for text in migrations().map_err(callback_error)? {
            let applied = self.sql.execute_batch(&format!("BEGIN; {text}; COMMIT"));
            if applied.is_err() {
                self.sql.execute_batch("ROLLBACK")?;
                return applied;
            }
        }
        Ok(())
    }

    /// Puts the clock to this instant, in milliseconds.
    pub fn at(&self, now: i64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    /// Runs one D1 batch: all statements or none. Gives the number of rows that each one wrote.
    ///
    /// # Errors
    /// What SQLite refuses; then nothing is written.
    pub fn run(&self, batch: &[Statement]) -> Result<Vec<usize>> {
        self.as_one(|| batch.iter().map(|statement| self.execute(statement)).collect())
    }

    /// Every row of a query.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn rows(&self, query: &str, args: impl Params) -> Result<Vec<Cells>> {
        let mut prepared = self.sql.prepare_cached(query)?;
        let columns = prepared.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        prepared.query_map(args, row)?.collect()
    }

    /// Whether a query gives exactly these rows, in this order. Quicker than reading them.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn holds(&self, query: &str, want: &[Cells]) -> Result<bool> {
        let mut prepared = self.sql.prepare_cached(query)?;
        let columns = prepared.column_count();
        let mut rows = prepared.query([])?;
        for want in want {
            let Some(row) = rows.next()? else { return Ok(false) };
            let same = |(column, want): (usize, &Value)| {
                row.get_ref(column).is_ok_and(|found| found == ValueRef::from(want))
            };
            if want.len() != columns || !want.iter().enumerate().all(same) {
                return Ok(false);
            }
        }
        Ok(rows.next()?.is_none())
    }

    /// Every row of a statement that reads.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn query(&self, statement: &Statement) -> Result<Vec<Cells>> {
        self.rows(statement.sql, bound(statement))
    }

    /// The first column of every row.
    ///
    /// # Errors
    /// What SQLite refuses, and a value of another type.
    pub fn column<T: FromSql>(&self, query: &str, args: impl Params) -> Result<Vec<T>> {
        let mut prepared = self.sql.prepare_cached(query)?;
        prepared.query_map(args, |row| row.get(0))?.collect()
    }

    /// One fill of a role cache, as it sends it: registers where the fill says so, and reads what
    /// the watch names. `None` for a user that is not watched.
    ///
    /// # Errors
    /// What SQLite refuses, and a row that is not one of [`sql::FILL`].
    pub fn answer(&self, user: &str, fill: &FillRequest) -> Result<Option<FillResult>> {
        let batch = sql::fill(user, fill);
        let writes = batch.split_last().map_or(&[][..], |(_read, writes)| writes);
        self.as_one(|| {
            writes.iter().try_for_each(|statement| self.execute(statement).map(|_| ()))?;
            self.read(user)
        })
    }

    /// A fill that registers nothing; `None` for a user that nobody watches.
    ///
    /// # Errors
    /// As of [`Database::answer`].
    pub fn fill(&self, user: &str) -> Result<Option<FillResult>> {
        let (registers, sent_at) = (false, UnixMillis(0));
        self.answer(user, &FillRequest { owner: 0, floor: 0, registers, sent_at })
    }

    /// What a fill reads last.
    ///
    /// # Errors
    /// What SQLite refuses, and a row that is not one of [`sql::FILL`].
    pub fn read(&self, user: &str) -> Result<Option<FillResult>> {
        let mut prepared = self.sql.prepare_cached(sql::FILL)?;
        let rows = prepared.query_map([user], |row| {
            let [kind, id, name, permissions] = ["kind", "id", "name", "permissions"];
            let (owner, version) = (row.get("owner")?, row.get("version")?);
            let (id, name, permissions) = (row.get(id)?, row.get(name)?, row.get(permissions)?);
            Ok(FillRow { kind: row.get(kind)?, owner, version, id, name, permissions })
        })?;
        sql::parse_fill(rows.collect::<Result<_>>()?)
            .map_err(|why| Error::UserFunctionError(why.into()))
    }

    fn execute(&self, statement: &Statement) -> Result<usize> {
        self.sql.prepare_cached(statement.sql)?.execute(bound(statement))
    }

    /// All or nothing, inside a transaction or not.
    fn as_one<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.sql.execute_batch("SAVEPOINT batch")?;
        let done = work();
        if done.is_err() {
            self.sql.execute_batch("ROLLBACK TO batch")?;
        }
        self.sql.execute_batch("RELEASE batch")?;
        done
    }
}

/// The texts of the migrations, in the order of their names.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn migrations() -> io::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = files.collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort_unstable();
    if files.is_empty() {
        return Err(io::Error::other("there are no migrations"));
    }
    files.iter().map(fs::read_to_string).collect()
}

/// Half a millisecond past the instant: the fraction cannot fall short of it by rounding.
fn seconds(now: i64) -> Result<f64> {
    let whole = i32::try_from(now.div_euclid(1000)).map_err(callback_error)?;
    let rest = i32::try_from(now.rem_euclid(1000)).map_err(callback_error)?;
    Ok(f64::from(whole) + f64::from(rest) / 1000.0 + 0.0005)
}

fn callback_error(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::UserFunctionError(Box::new(error))
}
