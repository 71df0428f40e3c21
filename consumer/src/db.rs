//! All D1 access of the consumer (checked by `xtask tidy`).

use std::cell::RefCell;

use shared::d1_error::D1Error;
use shared::outbox::{self, HintResults, PendingHint};
use shared::plan::BatchPlan;
use shared::settings::consumer::ConsumerSettings;
use shared::sql::{self, Statement};
use shared::time::UnixMillis;
use worker::{D1Database, D1Result, Env};

thread_local! {
    /// The default role last written by this isolate.
    static WRITTEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The database, and the default role from the settings, which is stored in it.
pub(crate) struct ConsumerDb {
    db: Result<D1Database, D1Error>,
    /// `None`: the setting is not a valid role name, so the stored one stays.
    default_role: Option<String>,
}

impl ConsumerDb {
    pub(crate) fn new(env: &Env) -> Self {
        let missing = |error| D1Error::Transient(format!("binding DB is missing: {error}"));
        let settings = ConsumerSettings::from_env(&|name| edge::settings::raw(env, name));
        edge::settings::log_errors(&settings.errors);
        Self { db: env.d1("DB").map_err(missing), default_role: settings.default_role }
    }

    /// Commits a plan as one batch, and reads the pending hints after it.
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
        let mut pending = results.iter().rev().map(rows);
        let oldest = pending.next().unwrap_or_default();
        Ok(outbox::merge_round(pending.next().unwrap_or_default(), oldest))
    }

    /// Stores the default role. In a batch of its own: a failure here must not fail deliveries.
    pub(crate) async fn write_default_role(&self) -> Result<(), D1Error> {
        let Some(default_role) = &self.default_role else { return Ok(()) };
        self.batch(&sql::default_role(default_role)).await?;
        WRITTEN.replace(Some(default_role.clone()));
        Ok(())
    }

    /// The same, unless this isolate has written it already.
    async fn write_default_role_once(&self) {
        if WRITTEN.with_borrow(|written| *written == self.default_role) {
            return;
        }
        if let Err(error) = self.write_default_role().await {
            tracing::error!(cause = error.text(), "writing the default role failed");
        }
    }

    /// Raises the versions of the next watches that have not seen the current default role, and
    /// reads the page of pending hints after `last`.
    pub(crate) async fn sweep_page(
        &self,
        last: Option<&PendingHint>,
    ) -> Result<Vec<PendingHint>, D1Error> {
        let results = self.batch(&sql::sweep_page(last)).await?;
        Ok(results.last().map(rows).unwrap_or_default())
    }

    /// Stores the results of a round of hints.
    pub(crate) async fn record_results(&self, results: &HintResults) -> Result<(), D1Error> {
        let statements = sql::record_hint_results(results);
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

/// The rows of one statement. If they cannot be decoded there are none: the sweep sends the hints
/// later.
fn rows(result: &D1Result) -> Vec<PendingHint> {
    result.results().unwrap_or_default()
}
