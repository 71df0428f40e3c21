//! D1. Only this file of the Worker names it.

use std::cell::RefCell;

use shared::fault::Fault;
use shared::outbox::{self, Pending, Settled};
use shared::plan::Plan;
use shared::settings::consumer::Consumer;
use shared::sql::{self, Statement};
use shared::time::UnixMillis;
use worker::{D1Database, D1Result, Env};

thread_local! {
    /// The default role that this isolate has written.
    static KEPT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The database, and what of the configuration is kept in it.
pub(crate) struct Store {
    db: Result<D1Database, Fault>,
    /// `None`: what is set is no role, and the database keeps the one it has.
    default_role: Option<String>,
}

impl Store {
    pub(crate) fn new(env: &Env) -> Self {
        let absent = |error| Fault::Transient(format!("the binding DB is missing: {error}"));
        let settings = Consumer::read(&|name| edge::settings::raw(env, name));
        edge::settings::tell(&settings.mistakes);
        Self { db: env.d1("DB").map_err(absent), default_role: settings.default_role }
    }

    /// Commits a plan as one batch, and reads the hints that are owed after it.
    pub(crate) async fn commit(&self, plan: &Plan, now: UnixMillis) -> Result<Vec<Pending>, Fault> {
        self.keep_settings_once().await;
        let mut statements = sql::statements(plan, now);
        statements.push(sql::pending_of(&plan.touched));
        statements.push(sql::pending(None));
        let results = self.batch(&statements).await?;
        let mut owed = results.iter().rev().map(rows);
        let oldest = owed.next().unwrap_or_default();
        Ok(outbox::round(owed.next().unwrap_or_default(), oldest))
    }

    /// Keeps the default role in the settings. A batch of its own: a role table that refuses the
    /// name costs the default role, and no delivery.
    pub(crate) async fn keep_settings(&self) -> Result<(), Fault> {
        let Some(default_role) = &self.default_role else { return Ok(()) };
        self.batch(&sql::default_role(default_role)).await?;
        KEPT.replace(Some(default_role.clone()));
        Ok(())
    }

    /// The same, unless this isolate has done it.
    async fn keep_settings_once(&self) {
        if KEPT.with_borrow(|kept| *kept == self.default_role) {
            return;
        }
        if let Err(fault) = self.keep_settings().await {
            tracing::error!(cause = fault.cause(), "the default role was not kept");
        }
    }

    /// One page of the outbox after `last`, with the next watches that are behind the default role.
    pub(crate) async fn page(&self, last: Option<&Pending>) -> Result<Vec<Pending>, Fault> {
        let results = self.batch(&sql::page(last)).await?;
        Ok(results.last().map(rows).unwrap_or_default())
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
