//! Takes hints.

use std::rc::Rc;

use edge::fault_point;
use shared::role_cache::{Hint, HintReply};

use super::RoleCacheObject;
use crate::error::CacheResult;
use crate::traced_hint::TracedHint;

impl RoleCacheObject {
    /// Applies a hint. The floor is saved before the reply is sent.
    pub(crate) async fn hint(self: &Rc<Self>, hint: &Hint) -> CacheResult<HintReply> {
        let began_at = edge::clock::now();
        self.load().await?;
        let now = edge::clock::now();
        let reply = self.state.borrow_mut().hint(hint, now);
        fault_point!(&self.env, "hint-raised", &hint.user_id);
        if reply == HintReply::Acked && !self.state.borrow().is_saved() {
            self.save_or_back_off().await?;
        }
        fault_point!(&self.env, "hint-saved", &hint.user_id);
        let needs_refill = self.state.borrow().state().is_below_floor();
        let traced = TracedHint::of(hint, began_at);
        // During back-off the next query after the delay starts a fill.
        let refills = reply == HintReply::Acked
            && needs_refill
            && self.backoff.get().remaining_ms(now).is_none();
        if refills && self.waiters.borrow().is_none() {
            self.begin_refill_for(traced);
        } else if let Some(traced) = traced {
            traced.log(hint.version, reply);
        }
        Ok(reply)
    }
}
