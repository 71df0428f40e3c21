//! What became of a hint that belongs to a delivery: its line in the log.

use shared::role_cache::{Hint, HintReply};
use shared::time::UnixMillis;

/// A hint with a trace id, until its one line is written. The hints of the sweep have none: the
/// consumer reports them.
pub(crate) struct TracedHint {
    pub(crate) trace_id: String,
    user_id: String,
    began_at: UnixMillis,
}

impl TracedHint {
    pub(crate) fn of(hint: &Hint, began_at: UnixMillis) -> Option<Self> {
        let (trace_id, user_id) = (hint.trace_id.clone()?, hint.user_id.clone());
        Some(Self { trace_id, user_id, began_at })
    }

    /// The line of a hint that started no fill.
    pub(crate) fn log(&self, version: i64, reply: HintReply) {
        let (Self { trace_id, user_id, .. }, outcome) = (self, reply.as_str());
        let duration_ms = edge::clock::now().since(self.began_at);
        tracing::info!(trace_id, user_id, version, outcome, duration_ms, "hint taken");
    }

    /// The line of a hint after the fill that it started: from now on guards see the change.
    pub(crate) fn log_filled(&self, version: Option<i64>) {
        let Self { trace_id, user_id, .. } = self;
        let (duration_ms, outcome) = (edge::clock::now().since(self.began_at), "filled");
        tracing::info!(trace_id, user_id, version, outcome, duration_ms, "hint taken");
    }
}
