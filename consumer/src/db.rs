//! All D1 access of the consumer (checked by `xtask tidy`).

mod canary;

use std::cell::RefCell;

use edge::d1::StatementResult;
use edge::fault_point;
use serde::de::DeserializeOwned;
use shared::d1_error::D1Error;
use shared::limits::AUDIT_ATTEMPTS_MAX;
use shared::metrics::batch::DecidedRow;
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead, HEAD_MOVED};
use shared::operators::settle::{self, EndedGrant, LetterNow, LostLetter};
use shared::outbox::{self, HintResults, PendingHint};
use shared::plan::BatchPlan;
use shared::settings::consumer::{CanarySetting, ConsumerSettings};
use shared::sql::{self, Statement, audit, letters, operations};
use shared::time::UnixMillis;
use worker::{D1Database, Env};

thread_local! {
    /// The default role last written by this isolate.
    static WRITTEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The database, the default role from the settings, which is stored in it, and the canary's
/// settings.
pub(crate) struct ConsumerDb {
    db: Result<D1Database, D1Error>,
    /// `None`: the setting is not a valid role name, so the stored one stays.
    pub(crate) default_role: Option<String>,
    pub(crate) canary: CanarySetting,
}

impl ConsumerDb {
    pub(crate) fn new(env: &Env) -> Self {
        let missing = |error| D1Error::Transient(format!("binding DB is missing: {error}"));
        let settings = ConsumerSettings::from_env(&|name| edge::settings::raw(env, name));
        edge::settings::log_errors(&settings.errors);
        let ConsumerSettings { default_role, canary, .. } = settings;
        Self { db: env.d1("DB").map_err(missing), default_role, canary }
    }

    /// Commits a plan as one batch, and reads what it decided and the pending hints after it. Where
    /// its messages replay letters, their entry of the audit trail is in the same batch.
    pub(crate) async fn commit(
        &self,
        env: &Env,
        plan: &BatchPlan,
        now: UnixMillis,
    ) -> Result<(Vec<DecidedRow>, Vec<PendingHint>), D1Error> {
        self.write_default_role_once().await;
        let mut statements = sql::counted_statements(plan, now);
        statements.push(sql::pending_of(&plan.touched));
        statements.push(sql::pending(None));
        let tagged = settle::tagged_letters(plan);
        let results = if tagged.is_empty() {
            self.batch(&statements).await?
        } else {
            let write = |letters: &[LetterNow]| {
                let act = settle::settled_act(plan, letters, now);
                (act.into_iter().collect(), statements.clone())
            };
            self.audited(env, letters::named(tagged), write).await?.1
        };
        // Entries of the audit trail may come before them.
        let mut pairs = results.iter().rev().zip(statements.iter().rev());
        let oldest = pairs.next().map(|(result, _)| rows(result)).unwrap_or_default();
        let touched = pairs.next().map(|(result, _)| rows(result)).unwrap_or_default();
        let decided = pairs.find(|(_, statement)| sql::metrics::is_decided(statement));
        let decided = decided.map(|(result, _)| rows(result)).unwrap_or_default();
        Ok((decided, outbox::merge_round(touched, oldest)))
    }

    /// Returns letters whose message was lost. Gives their number.
    pub(crate) async fn return_lost_letters(
        &self,
        env: &Env,
        now: UnixMillis,
    ) -> Result<usize, D1Error> {
        let write = |lost: &[LostLetter]| {
            let act = settle::returned_act(lost, now);
            let write = act.is_some().then(|| letters::returned(lost, now));
            (act.into_iter().collect(), write.into_iter().collect())
        };
        Ok(self.audited(env, letters::lost(now), write).await?.0)
    }

    /// Removes grants and revocations whose end has come. Gives their number.
    pub(crate) async fn end_grants(&self, env: &Env, now: UnixMillis) -> Result<usize, D1Error> {
        let write = |ended: &[EndedGrant]| {
            let acts = settle::ended_acts(ended, now);
            let write = (!ended.is_empty()).then(|| operations::grants_ended(ended, now));
            (acts, write.into_iter().collect())
        };
        Ok(self.audited(env, operations::grants_ending(now), write).await?.0)
    }

    /// Records the end of a sweep.
    pub(crate) async fn write_heartbeat(
        &self,
        now: UnixMillis,
        detail: &str,
    ) -> Result<(), D1Error> {
        self.batch(&[operations::heartbeat("sweep", now, detail)]).await.map(|_| ())
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
            tracing::warn!(cause = error.text(), "writing the default role failed");
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

    /// Reads rows and the head of the audit trail, and commits what `write` makes of the rows: the
    /// entries, and the statements of the acts. Begins again when another entry came in between.
    /// Gives the number of rows that were read, and the results of the statements.
    async fn audited<T: DeserializeOwned>(
        &self,
        env: &Env,
        read: Statement,
        write: impl Fn(&[T]) -> (Vec<AuditAct>, Vec<Statement>),
    ) -> Result<(usize, Vec<StatementResult>), D1Error> {
        let read = [audit::audit_head(), read];
        for outrun in 0..AUDIT_ATTEMPTS_MAX {
            let found = self.batch(&read).await?;
            let mut head = decode::<AuditHead>(found.first())?.pop().unwrap_or_default();
            let before = head.seq;
            let rows: Vec<T> = decode(found.last())?;
            let (acts, mut statements) = write(&rows);
            // The results of the statements stay the last ones.
            let entries = acts.into_iter().map(|act| {
                let entry = AuditEntry::after(&head, act);
                head = entry.head();
                audit::append(&entry)
            });
            statements.splice(..0, entries);
            if statements.is_empty() {
                return Ok((rows.len(), vec![]));
            }
            fault_point!(env, "audit-read", "");
            match self.batch(&statements).await {
                Err(error) if error.is_moved_head() => {
                    tracing::info!("the audit trail has moved: reading its head again");
                    edge::random::wait_outrun(outrun).await;
                }
                done => {
                    let done = done?;
                    log_moved(before, &head);
                    return Ok((rows.len(), done));
                }
            }
        }
        Err(D1Error::Transient(format!("{HEAD_MOVED}, {AUDIT_ATTEMPTS_MAX} times")))
    }

    async fn batch(&self, statements: &[Statement]) -> Result<Vec<StatementResult>, D1Error> {
        let db = self.db.as_ref().map_err(Clone::clone)?;
        edge::d1::batch(db, statements).await.map_err(|cause| D1Error::classify(&cause))
    }
}

/// Logs the head of the audit trail, if it is another one than it was `before`.
fn log_moved(before: i64, head: &AuditHead) {
    if head.seq != before {
        edge::log::audit_head(head.seq, &head.hash);
    }
}

/// The rows of one statement. If they cannot be decoded there are none: the sweep sends the hints
/// later, and what a batch decided is counted in D1.
fn rows<T: DeserializeOwned>(result: &StatementResult) -> Vec<T> {
    let rows = result.rows();
    rows.inspect_err(|cause| tracing::warn!(cause, "rows of a batch cannot be read"))
        .unwrap_or_default()
}

/// The rows of one statement, which must be readable: something is decided by them.
fn decode<T: DeserializeOwned>(result: Option<&StatementResult>) -> Result<Vec<T>, D1Error> {
    let unreadable = |error| D1Error::Transient(format!("a row cannot be read: {error}"));
    result.map_or(Ok(vec![]), StatementResult::rows).map_err(unreadable)
}
