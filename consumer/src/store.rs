//! D1. Only this file of the Worker names it.

use shared::fault::Fault;
use shared::outbox::{self, Pending, Settled};
use shared::plan::Plan;
use shared::sql::{self, Statement};
use shared::time::UnixMillis;
use worker::{D1Database, D1Result, Env};

/// The app role of every live user when `DEFAULT_ROLE` is not set. Set to nothing it means none.
const DEFAULT_ROLE: &str = "member";

/// The database, and what of the configuration is kept in it.
pub(crate) struct Store {
    db: Result<D1Database, Fault>,
    default_role: String,
}

impl Store {
    pub(crate) fn new(env: &Env) -> Self {
        let absent = |error| Fault::Transient(format!("the binding DB is missing: {error}"));
        let default_role = env.var("DEFAULT_ROLE");
        let default_role = default_role.map_or_else(|_| DEFAULT_ROLE.into(), |v| v.to_string());
        Self { db: env.d1("DB").map_err(absent), default_role: default_role.trim().into() }
    }

    /// Commits a plan as one batch, and reads the hints that are owed after it.
    pub(crate) async fn commit(&self, plan: &Plan, now: UnixMillis) -> Result<Vec<Pending>, Fault> {
        let mut statements = sql::default_role(&self.default_role);
        statements.extend(sql::statements(plan, now));
        statements.push(sql::pending_of(&plan.touched));
        statements.push(sql::pending(None));
        let results = self.batch(&statements).await?;
        let mut owed = results.iter().rev().map(rows);
        let oldest = owed.next().unwrap_or_default();
        Ok(outbox::round(owed.next().unwrap_or_default(), oldest))
    }

    /// Keeps the settings up to date where no delivery does.
    pub(crate) async fn keep_settings(&self) -> Result<(), Fault> {
        self.batch(&sql::default_role(&self.default_role)).await.map(|_| ())
    }

    /// One page of the outbox after `last`.
    pub(crate) async fn pending(&self, last: Option<&Pending>) -> Result<Vec<Pending>, Fault> {
        let results = self.batch(&[sql::pending(last)]).await?;
        Ok(results.first().map(rows).unwrap_or_default())
    }

    /// Writes down what a round of hints settled.
    pub(crate) async fn settle(&self, settled: &Settled) -> Result<(), Fault> {
        let statements = sql::settle(settled);
        if statements.is_empty() {
            return Ok(());
        }
        self.batch(&statements).await.map(|_| ())
    }

    async fn batch(&self, statements: &[Statement]) -> Result<Vec<D1Result>, Fault> {
        let db = self.db.as_ref().map_err(Clone::clone)?;
        edge::d1::batch(db, statements).await.map_err(|cause| Fault::of(&cause))
    }
}

/// The rows of one statement. Unreadable ones are nothing to hint now; the sweep asks again.
fn rows(result: &D1Result) -> Vec<Pending> {
    result.results().unwrap_or_default()
}
