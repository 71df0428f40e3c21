//! Loading and saving the state: loaded once, saved before anything relies on it.

use edge::fault_fails;
use shared::cache::{RefusalReason, TrackedState};

use super::RoleCacheObject;
use crate::error::{CacheError, CacheResult};
use crate::storage;

impl RoleCacheObject {
    /// Loads the stored state, once.
    pub(super) async fn load(&self) -> CacheResult<()> {
        if self.loaded.get() {
            return Ok(());
        }
        self.check_backoff()?;
        let state = storage::load(&self.ctx)
            .await
            .inspect_err(|it| self.record_failure("loading state failed", it, None))?;
        // Another query may have loaded and changed it in the meantime.
        if !self.loaded.replace(true) {
            self.state.replace(TrackedState::loaded(state.unwrap_or_default()));
        }
        Ok(())
    }

    /// Saves unsaved state, before the object answers or fills.
    pub(super) async fn ensure_saved(&self) -> CacheResult<()> {
        if self.state.borrow().is_saved() {
            return Ok(());
        }
        self.check_backoff()?;
        self.save_or_back_off().await
    }

    /// Fails during back-off.
    fn check_backoff(&self) -> CacheResult<()> {
        match self.backoff.get().remaining_ms(edge::clock::now()) {
            None => Ok(()),
            Some(_) => Err(CacheError::Refused(RefusalReason::BackingOff)),
        }
    }

    pub(super) async fn save_or_back_off(&self) -> CacheResult<()> {
        let saved = self.save().await;
        saved.inspect_err(|it| self.record_failure("saving state failed", it, None))
    }

    pub(super) async fn save(&self) -> CacheResult<()> {
        let user_id = self.state.borrow().state().user_id.clone();
        if fault_fails!(&self.env, "save", &user_id) {
            return Err(CacheError::Storage("failure injected by a test".into()));
        }
        let (text, mark) = {
            let state = self.state.borrow();
            (storage::encode(state.state())?, state.change_count())
        };
        storage::save(&self.ctx, text).await?;
        self.state.borrow_mut().mark_saved(mark);
        Ok(())
    }

    /// Records that the role set could not be read or saved, and starts the back-off. Logged once
    /// here; the queries that fail because of it are not logged. A warning, because the object
    /// tries again by itself: the alerts say when that does not help.
    pub(super) fn record_failure(
        &self,
        what: &'static str,
        error: &CacheError,
        trace_id: Option<&str>,
    ) {
        let now = edge::clock::now();
        let wait_ms =
            self.with_backoff(|backoff| backoff.record_failure(now, edge::random::jitter()));
        let memory = self.state.borrow();
        let user_id = &memory.state().user_id;
        tracing::warn!(trace_id, user_id, cause = %error, wait_ms, "{what}");
    }
}
