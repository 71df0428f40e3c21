//! D1 and the way to it: real SQLite with the real migrations runs every batch at one instant of
//! the day. The batches are those of `consumer/src/db.rs` and `durable/src/d1.rs`.

use rusqlite::Error;
use shared::cache::{FillRequest, FillResult};
use shared::outbox::{PendingHint, merge_round};
use shared::plan::BatchPlan;
use shared::sql::{self, Arg, Statement};
use shared::time::UnixMillis;
use testkit::sqlite::{Database, bound};

use super::calls::{Reply, Work};
use super::history::{POISON, ROLES};
use super::sabotage::Sabotage;

/// What `DEFAULT_ROLE` says.
pub(super) const DEFAULT_ROLE: &str = "member";

/// A watch as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// Whose.
    pub(super) user: String,
    /// The incarnation that holds it.
    pub(super) owner: i64,
    /// The version.
    pub(super) version: i64,
    /// What the object has heard of.
    pub(super) acked: i64,
}

/// The database.
pub(super) struct D1<'a> {
    /// The connection, which the thread's days share.
    pub(super) db: &'a Database,
    sabotage: Option<Sabotage>,
    /// Hints that a page of the outbox holds.
    page: i64,
}

const NOTED: &str = "SELECT count(*), count(nullif(outcome, 'parked')) FROM deliveries \
     WHERE svix_id IN (SELECT value FROM json_each(?1))";

const RANK: &str = "SELECT deleted, updated_at, event_at, projection, digest FROM synced \
     WHERE entity = ?1 AND id = ?2";

/// When it was updated, when the event was, the projection, the digest.
pub(super) type Rank = (UnixMillis, UnixMillis, u32, String);

type Done<T> = rusqlite::Result<T>;

/// What every day of a connection begins with, once the migrations are through.
///
/// # Errors
/// What SQLite refuses.
pub(super) fn prepare(db: &Database) -> Done<()> {
    for role in ROLES.iter().take(2) {
        db.sql.execute("INSERT INTO roles (name) VALUES (?1)", [role])?;
    }
    db.sql.execute_batch(&format!(
        "CREATE TEMP TRIGGER poison BEFORE INSERT ON users WHEN NEW.email = '{POISON}' BEGIN \
         SELECT RAISE(ABORT, 'CHECK constraint failed: poison: SQLITE_CONSTRAINT'); END"
    ))
}

impl<'a> D1<'a> {
    /// The database as a day finds it.
    pub(super) fn begin(db: &'a Database, sabotage: Option<Sabotage>, page: i64) -> Done<Self> {
        db.sql.execute_batch("SAVEPOINT day")?;
        for sql in sabotage.map(Sabotage::schema).unwrap_or_default() {
            db.sql.execute_batch(&sql)?;
        }
        Ok(Self { db, sabotage, page })
    }

    /// Leaves the database as the day found it.
    pub(super) fn end(&self) -> Done<()> {
        self.db.sql.execute_batch("ROLLBACK TO day; RELEASE day")
    }

    /// Remembers this state.
    pub(super) fn keep(&self) -> Done<()> {
        self.db.sql.execute_batch("SAVEPOINT kept")
    }

    /// Goes back to it.
    pub(super) fn restore(&self) -> Done<()> {
        self.db.sql.execute_batch("ROLLBACK TO kept; RELEASE kept")
    }

    /// Executes one batch, all or nothing, with D1's clock at `now`.
    pub(super) fn execute(&self, work: &Work, now: i64) -> Result<Reply, String> {
        self.db.at(now);
        let done = match work {
            Work::Commit { plan, now, .. } => self.commit(plan, *now),
            Work::Settings => self.batch(&sql::default_role(DEFAULT_ROLE)).map(|()| Reply::Done),
            Work::Page(last) => self
                .as_one(|| {
                    self.all(&[sql::catch_up()])?;
                    self.page(last.as_ref())
                })
                .map(Reply::Owed),
            Work::Settle(settled) => {
                self.batch(&sql::record_hint_results(settled)).map(|()| Reply::Done)
            }
            Work::Fill { user, fill } => self.fill(user, fill).map(Reply::Row),
            Work::Unwatch { user, owner } => {
                let args = vec![Arg::Text((*user).into()), Arg::Int(*owner)];
                self.batch(&[Statement { sql: sql::UNWATCH, args }]).map(|()| Reply::Done)
            }
        };
        done.map_err(|error| format!("D1_ERROR: {error}"))
    }

    fn commit(&self, plan: &BatchPlan, now: i64) -> Done<Reply> {
        let statements = sql::statements(plan, UnixMillis(now));
        if self.sabotage == Some(Sabotage::InboxApart) {
            // The accounts first, by themselves; then what they account for.
            let (accounts, rows): (Vec<_>, Vec<_>) =
                statements.iter().cloned().partition(|it| it.sql.contains("INTO deliveries"));
            self.batch(&accounts)?;
            self.batch(&rows)?;
        }
        self.as_one(|| {
            self.all(&statements)?;
            let touched = self.pending(&sql::pending_of(&plan.touched))?;
            let oldest = self.page(None)?;
            if self.sabotage == Some(Sabotage::NoOutbox) {
                self.db.sql.execute("UPDATE watches SET acked = version", [])?;
            }
            Ok(Reply::Owed(merge_round(touched, oldest)))
        })
    }

    fn fill(&self, user: &str, fill: &FillRequest) -> Done<Option<FillResult>> {
        if self.sabotage.is_none() {
            return self.db.answer(user, fill);
        }
        let mut statements = sql::fill(user, fill);
        statements.pop();
        if self.sabotage == Some(Sabotage::FillWithoutRegistering) {
            let row = self.as_one(|| {
                self.all(&statements)?;
                self.db.read(user)
            })?;
            self.db.sql.execute("UPDATE watches SET acked = version WHERE user_id = ?1", [user])?;
            self.db.sql.execute("DELETE FROM watches WHERE user_id = ?1", [user])?;
            return Ok(row);
        }
        self.as_one(|| {
            self.all(&statements)?;
            self.db.read(user)
        })
    }

    /// One operator's word.
    pub(super) fn word(&self, args: Vec<Arg>, now: i64) -> Done<usize> {
        self.db.at(now);
        self.db.run(&[Statement { sql: sql::GRANT, args }]).map(|rows| rows.iter().sum())
    }

    /// Every watch, by user.
    pub(super) fn watches(&self) -> Done<Vec<Watch>> {
        let sql = "SELECT user_id, owner, version, acked FROM watches ORDER BY user_id";
        let mut prepared = self.db.sql.prepare_cached(sql)?;
        let watch = |row: &rusqlite::Row<'_>| {
            let (user, owner) = (row.get(0)?, row.get(1)?);
            Ok(Watch { user, owner, version: row.get(2)?, acked: row.get(3)? })
        };
        prepared.query_map([], watch)?.collect()
    }

    /// How many of these deliveries are noted, and how many of those as more than parked.
    pub(super) fn noted(&self, svix_ids: &[&str]) -> Done<(usize, usize)> {
        let list = serde_json::to_string(svix_ids).map_err(|_| Error::InvalidQuery)?;
        let mut prepared = self.db.sql.prepare_cached(NOTED)?;
        prepared.query_row([list], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Where a synced row stands by the law; `None` when there is none.
    pub(super) fn rank(&self, entity: &str, id: &str) -> Done<Option<(bool, Rank)>> {
        let mut prepared = self.db.sql.prepare_cached(RANK)?;
        let mut rows = prepared.query([entity, id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (updated_at, event_at) = (UnixMillis(row.get(1)?), UnixMillis(row.get(2)?));
        Ok(Some((row.get(0)?, (updated_at, event_at, row.get(3)?, row.get(4)?))))
    }

    /// A page of the outbox, of as many hints as the day's pages hold.
    fn page(&self, last: Option<&PendingHint>) -> Done<Vec<PendingHint>> {
        let mut statement = sql::pending(last);
        if let Some(Arg::Int(most)) = statement.args.last_mut() {
            *most = self.page;
        }
        self.pending(&statement)
    }

    fn pending(&self, statement: &Statement) -> Done<Vec<PendingHint>> {
        let mut prepared = self.db.sql.prepare_cached(statement.sql)?;
        let pending = |row: &rusqlite::Row<'_>| {
            Ok(PendingHint { user_id: row.get(0)?, owner: row.get(1)?, version: row.get(2)? })
        };
        prepared.query_map(bound(statement), pending)?.collect()
    }

    fn batch(&self, statements: &[Statement]) -> Done<()> {
        self.as_one(|| self.all(statements))
    }

    fn all(&self, statements: &[Statement]) -> Done<()> {
        for statement in statements {
            let wrong = self.sabotage.and_then(|sabotage| sabotage.text(statement.sql));
            let text = wrong.as_deref().unwrap_or(statement.sql);
            self.db.sql.prepare_cached(text)?.execute(bound(statement))?;
        }
        Ok(())
    }

    fn as_one<T>(&self, work: impl FnOnce() -> Done<T>) -> Done<T> {
        self.db.sql.execute_batch("SAVEPOINT one")?;
        let done = work();
        if done.is_err() {
            self.db.sql.execute_batch("ROLLBACK TO one")?;
        }
        self.db.sql.execute_batch("RELEASE one")?;
        done
    }
}
