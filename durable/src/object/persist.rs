//! What an object knows, and its disk: read once, and written before anything rests on it.

use edge::fault_fails;
use shared::cache::{RefusalReason, TrackedState};

use super::RoleCacheObject;
use crate::error::{CacheError, CacheResult};
use crate::storage;

impl RoleCacheObject {
    /// Reads what is stored, once.
    pub(super) async fn load(&self) -> CacheResult<()> {
        if self.loaded.get() {
            return Ok(());
        }
        self.check_backoff()?;
        let state = storage::load(&self.platform)
            .await
            .inspect_err(|it| self.record_failure("the state could not be read", it))?;
        // Another question may have loaded it meanwhile, and changed it since.
        if !self.loaded.replace(true) {
            self.memory.replace(TrackedState::loaded(state.unwrap_or_default()));
        }
        Ok(())
    }

    /// Nothing is answered, and no fill begun, from what the disk does not hold.
    pub(super) async fn ensure_saved(&self) -> CacheResult<()> {
        if self.memory.borrow().is_saved() {
            return Ok(());
        }
        self.check_backoff()?;
        self.save_or_back_off().await
    }

    /// Whether nothing has failed a moment ago.
    fn check_backoff(&self) -> CacheResult<()> {
        match self.pace.get().remaining_ms(edge::clock::now()) {
            None => Ok(()),
            Some(_) => Err(CacheError::Refused(RefusalReason::Waiting)),
        }
    }

    pub(super) async fn save_or_back_off(&self) -> CacheResult<()> {
        let saved = self.save().await;
        saved.inspect_err(|it| self.record_failure("the state could not be saved", it))
    }

    pub(super) async fn save(&self) -> CacheResult<()> {
        let user_id = self.memory.borrow().state().user_id.clone();
        if fault_fails!(&self.env, "save", &user_id) {
            return Err(CacheError::Storage("the test has it fail".into()));
        }
        let (text, mark) = {
            let memory = self.memory.borrow();
            (storage::encode(memory.state())?, memory.change_mark())
        };
        storage::save(&self.platform, text).await?;
        self.memory.borrow_mut().mark_saved(mark);
        Ok(())
    }
}
