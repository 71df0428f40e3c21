//! The end of an idle object: its watch first, then everything that it has stored.

use edge::fault_point;
use shared::cache::{AlarmAction, TrackedState};
use shared::limits::END_AGAIN_MS;

use super::RoleCacheObject;
use crate::error::CacheResult;
use crate::{fill, settings, storage};

impl RoleCacheObject {
    /// Ends an idle object's watch. Whatever fails, the alarm is armed again: an object without
    /// one would keep its watch for ever.
    pub(crate) async fn alarm(&self) -> CacheResult<()> {
        let Err(trouble) = self.end_if_idle().await else { return Ok(()) };
        tracing::error!(cause = %trouble, "the alarm failed and is armed again");
        storage::set_alarm(&self.platform, edge::clock::now().plus(END_AGAIN_MS)).await
    }

    async fn end_if_idle(&self) -> CacheResult<()> {
        let ages = settings::ages(&self.env)?;
        self.load().await?;
        let (alarm, user_id) = {
            let mut memory = self.memory.borrow_mut();
            let alarm = memory.alarm(edge::clock::now(), &ages);
            (alarm, memory.state().user_id.clone())
        };
        let owner = match alarm {
            AlarmAction::Rearm(at) => return storage::set_alarm(&self.platform, at).await,
            AlarmAction::End(owner) => owner,
        };
        fault_point!(&self.env, "alarm-ended", &user_id);
        self.save().await?;
        fault_point!(&self.env, "alarm-saved", &user_id);
        if let Err(cause) = fill::end_watch(&self.env, &user_id, owner).await {
            tracing::warn!(
                user_id,
                cause,
                "the watch could not be ended; the alarm is armed again"
            );
            return storage::set_alarm(&self.platform, edge::clock::now().plus(END_AGAIN_MS)).await;
        }
        fault_point!(&self.env, "alarm-unwatched", &user_id);
        let may_clear = self.memory.borrow_mut().ended(owner, edge::clock::now());
        if may_clear && self.waiting.borrow().is_none() {
            self.memory.replace(TrackedState::default());
            return storage::delete_all(&self.platform).await;
        }
        self.save().await?;
        storage::set_alarm(&self.platform, edge::clock::now().plus(ages.idle_ms)).await
    }
}
