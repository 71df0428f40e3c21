//! D1. Only this file of the Worker names it.

use std::cell::RefCell;

use shared::d1_error::D1Error;
use shared::outbox::{self, HintResults, PendingHint};
use shared::plan::BatchPlan;
use shared::settings::consumer::ConsumerSettings;
use shared::sql::{self, Statement};
use shared::time::UnixMillis;
use worker::{D1Database, D1Result, Env};

thread_local! {
    /// The default role that this isolate has written.
    static KEPT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The database, and what of the configuration is kept in it.
pub(crate) struct ConsumerDb {
    db: Result<D1Database, D1Error>,
    /// `None`: what is set is no role, and the database keeps the one it has.
    default_role: Option<String>,
}

impl ConsumerDb {
    pub(crate) fn new(env: &Env) -> Self {
        let absent = |error| D1Error::Transient(format!("the binding DB is missing: {error}"));
        let settings = ConsumerSettings::from_env(&|name| edge::settings::raw(env, name));
        edge::settings::log_errors(&settings.mistakes);
        Self { db: env.d1("DB").map_err(absent), default_role: settings.default_role }
    }

    /// Commits a plan as one batch, and reads the hints that are owed after it.
    pub(crate) async fn commit(
        &self,
        plan: &BatchPlan,
        now: UnixMillis,
    ) -> Result<Vec<PendingHint>, D1Error> {
        self.write_default_role_once().await;
        let mut statements = sql::statements(plan, now);
        statements.push(sql::pending_of(&plan.touched));
        statements.push(sql::pending(None));
        let results = self.batch(&statements).await?;
        let mut owed = results.iter().rev().map(rows);
        let oldest = owed.next().unwrap_or_default();
        Ok(outbox::merge_round(owed.next().unwrap_or_default(), oldest))
    }

    /// Keeps the default role in the settings. A batch of its own: a role table that refuses the
    /// name costs the default role, and no delivery.
    pub(crate) async fn write_default_role(&self) -> Result<(), D1Error> {
        let Some(default_role) = &self.default_role else { return Ok(()) };
        self.batch(&sql::default_role(default_role)).await?;
        KEPT.replace(Some(default_role.clone()));
        Ok(())
    }

    /// The same, unless this isolate has done it.
    async fn write_default_role_once(&self) {
        if KEPT.with_borrow(|kept| *kept == self.default_role) {
            return;
        }
        if let Err(fault) = self.write_default_role().await {
            tracing::error!(cause = fault.text(), "the default role was not kept");
        }
    }

    /// One page of the outbox after `last`, with the next watches that are behind the default role.
    pub(crate) async fn sweep_page(
        &self,
        last: Option<&PendingHint>,
    ) -> Result<Vec<PendingHint>, D1Error> {
        let results = self.batch(&sql::sweep_page(last)).await?;
        Ok(results.last().map(rows).unwrap_or_default())
    }

    /// Writes down what a round of hints settled.
    pub(crate) async fn record_results(&self, settled: &HintResults) -> Result<(), D1Error> {
        let statements = sql::settle(settled);
        if statements.is_empty() {
            return Ok(());
        }
        self.batch(&statements).await.map(|_| ())
    }

    async fn batch(&self, statements: &[Statement]) -> Result<Vec<D1Result>, D1Error> {
        let db = self.db.as_ref().map_err(Clone::clone)?;
        edge::d1::batch(db, statements).await.map_err(|cause| D1Error::classify(&cause))
    }
}

/// The rows of one statement. Unreadable ones are nothing to hint now; the sweep asks again.
fn rows(result: &D1Result) -> Vec<PendingHint> {
    result.results().unwrap_or_default()
}
