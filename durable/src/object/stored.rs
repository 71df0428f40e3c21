//! What an object knows, and its disk: read once, and written before anything rests on it.

use edge::fault_fails;
use shared::cache::{Memory, Why};

use super::Object;
use crate::disk;
use crate::trouble::{Outcome, Trouble};

impl Object {
    /// Reads what is stored, once.
    pub(super) async fn load(&self) -> Outcome<()> {
        if self.loaded.get() {
            return Ok(());
        }
        self.is_rested()?;
        let state = disk::read(&self.platform)
            .await
            .inspect_err(|it| self.has_failed("the state could not be read", it))?;
        // Another question may have loaded it meanwhile, and changed it since.
        if !self.loaded.replace(true) {
            self.memory.replace(Memory::of_disk(state.unwrap_or_default()));
        }
        Ok(())
    }

    /// Nothing is answered, and no fill begun, from what the disk does not hold.
    pub(super) async fn settle(&self) -> Outcome<()> {
        if self.memory.borrow().is_saved() {
            return Ok(());
        }
        self.is_rested()?;
        self.keep().await
    }

    /// Whether nothing has failed a moment ago.
    fn is_rested(&self) -> Outcome<()> {
        match self.pace.get().waits_ms(edge::clock::now()) {
            None => Ok(()),
            Some(_) => Err(Trouble::Refused(Why::Waiting)),
        }
    }

    pub(super) async fn keep(&self) -> Outcome<()> {
        let saved = self.save().await;
        saved.inspect_err(|it| self.has_failed("the state could not be saved", it))
    }

    pub(super) async fn save(&self) -> Outcome<()> {
        let user_id = self.memory.borrow().state().user_id.clone();
        if fault_fails!(&self.env, "save", &user_id) {
            return Err(Trouble::Storage("the test has it fail".into()));
        }
        let (text, mark) = {
            let memory = self.memory.borrow();
            (disk::text(memory.state())?, memory.mark())
        };
        disk::write(&self.platform, text).await?;
        self.memory.borrow_mut().saved(mark);
        Ok(())
    }
}
