//! Takes hints, and logs what became of those that belong to a delivery.

use std::rc::Rc;

use edge::fault_point;
use shared::role_cache::{Hint, HintReply};
use shared::time::UnixMillis;

use super::RoleCacheObject;
use crate::error::CacheResult;

/// A hint with a trace id, until its one line is written. The hints of the sweep have none: the
/// consumer reports them.
pub(super) struct TracedHint {
    pub(super) trace_id: String,
    user_id: String,
    began_at: UnixMillis,
}

impl TracedHint {
    fn of(hint: &Hint, began_at: UnixMillis) -> Option<Self> {
        let (trace_id, user_id) = (hint.trace_id.clone()?, hint.user_id.clone());
        Some(Self { trace_id, user_id, began_at })
    }

    /// The line of a hint that started no fill.
    fn log(&self, version: i64, reply: HintReply) {
        let (Self { trace_id, user_id, .. }, outcome) = (self, reply.as_str());
        let duration_ms = edge::clock::now().since(self.began_at);
        tracing::info!(trace_id, user_id, version, outcome, duration_ms, "hint taken");
    }

    /// The line of a hint after the fill that it started: from now on guards see the change.
    pub(super) fn log_filled(&self, version: Option<i64>) {
        let Self { trace_id, user_id, .. } = self;
        let (duration_ms, outcome) = (edge::clock::now().since(self.began_at), "filled");
        tracing::info!(trace_id, user_id, version, outcome, duration_ms, "hint taken");
    }
}

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
