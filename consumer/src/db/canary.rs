//! The rows of the canary.

use std::cell::Cell;

use shared::canary::CanaryRun;
use shared::d1_error::D1Error;
use shared::sql::canary;
use shared::time::UnixMillis;

use super::{ConsumerDb, decode};

thread_local! {
    /// Whether this isolate has removed the rows of a canary that is off.
    static FORGOTTEN: Cell<bool> = const { Cell::new(false) };
}

impl ConsumerDb {
    /// Removes the runs that are older than a day, and reads the newest one.
    pub(crate) async fn newest_run_of_day(
        &self,
        now: UnixMillis,
    ) -> Result<Option<CanaryRun>, D1Error> {
        let results = self.batch(&[canary::forget(now), canary::newest()]).await?;
        Ok(decode(results.last())?.pop())
    }

    /// Reads the newest run.
    pub(crate) async fn newest_run(&self) -> Result<Option<CanaryRun>, D1Error> {
        Ok(decode(self.batch(&[canary::newest()]).await?.first())?.pop())
    }

    /// Begins a run. Gives `false` if another sweep began one after `newest`.
    pub(crate) async fn begin_run(
        &self,
        run: &CanaryRun,
        newest: Option<&CanaryRun>,
    ) -> Result<bool, D1Error> {
        let results = self.batch(&[canary::begin(run, newest)]).await?;
        let inserted: Vec<serde_json::Value> = decode(results.first())?;
        Ok(!inserted.is_empty())
    }

    /// Writes what a run has learned.
    pub(crate) async fn write_run(&self, run: &CanaryRun) -> Result<(), D1Error> {
        self.batch(&[canary::learn(run)]).await.map(|_| ())
    }

    /// Removes every run: without a canary, its last ones would look like its silence.
    pub(crate) async fn forget_runs_once(&self) -> Result<(), D1Error> {
        if !FORGOTTEN.get() {
            self.batch(&[canary::forget_all()]).await?;
            FORGOTTEN.set(true);
        }
        Ok(())
    }
}
