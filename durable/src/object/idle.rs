//! Ends an idle object: deletes its watch, then its storage.

use edge::fault_point;
use shared::cache::{AlarmAction, TrackedState};
use shared::limits::END_WATCH_RETRY_MS;

use super::RoleCacheObject;
use crate::error::CacheResult;
use crate::{d1, settings, storage};

impl RoleCacheObject {
    /// Ends the watch of an idle object. If anything fails the alarm is set again: an object
    /// without an alarm would keep its watch forever.
    pub(crate) async fn alarm(&self) -> CacheResult<()> {
        let Err(error) = self.end_if_idle().await else { return Ok(()) };
        tracing::warn!(cause = %error, "alarm failed; rescheduled");
        storage::set_alarm(&self.ctx, edge::clock::now().plus(END_WATCH_RETRY_MS)).await
    }

    async fn end_if_idle(&self) -> CacheResult<()> {
        let ages = settings::ages(&self.env)?;
        self.load().await?;
        let (action, user_id) = {
            let mut state = self.state.borrow_mut();
            let action = state.alarm(edge::clock::now(), &ages);
            (action, state.state().user_id.clone())
        };
        let owner = match action {
            AlarmAction::Rearm(at) => return storage::set_alarm(&self.ctx, at).await,
            AlarmAction::EndWatch(owner) => owner,
        };
        fault_point!(&self.env, "alarm-ended", &user_id);
        self.save().await?;
        fault_point!(&self.env, "alarm-saved", &user_id);
        if let Err(cause) = d1::end_watch(&self.env, &user_id, owner).await {
            tracing::warn!(user_id, cause, "ending the watch failed; alarm rescheduled");
            return storage::set_alarm(&self.ctx, edge::clock::now().plus(END_WATCH_RETRY_MS))
                .await;
        }
        fault_point!(&self.env, "alarm-unwatched", &user_id);
        let may_clear = self.state.borrow_mut().watch_ended(owner, edge::clock::now());
        if may_clear && self.waiters.borrow().is_none() {
            self.state.replace(TrackedState::default());
            return storage::delete_all(&self.ctx).await;
        }
        self.save().await?;
        storage::set_alarm(&self.ctx, edge::clock::now().plus(ages.idle_ms)).await
    }
}
