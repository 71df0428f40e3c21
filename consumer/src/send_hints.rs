//! Sends hints to the role caches, and stores their replies. A failure is harmless: the sweep sends
//! pending hints again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use edge::{fault_point, object};
use futures_util::stream::{self, StreamExt as _};
use shared::limits::{CONCURRENT_HINTS_MAX, HINT_TIMEOUT_MS};
use shared::outbox::{self, HintResults, PendingHint};
use shared::role_cache::{self, HINT_URL, HintReply};
use worker::{Env, ObjectNamespace};

use crate::count;
use crate::db::ConsumerDb;

/// What a batch knows of the causes of hints; the sweep knows none.
#[derive(Default)]
pub(crate) struct HintCauses {
    /// The delivery that caused the hint of a user.
    pub(crate) traces: BTreeMap<String, String>,
    /// The users of events that were applied, without those of replays. Only their hints are timed.
    pub(crate) applied: BTreeSet<String>,
}

/// Sends one round of hints and stores the replies.
pub(crate) async fn send_hints(
    env: &Env,
    db: &ConsumerDb,
    pending: Vec<PendingHint>,
    causes: &HintCauses,
) -> HintResults {
    let began_at = edge::clock::now();
    if pending.is_empty() {
        return HintResults::default();
    }
    let roles = match env.durable_object(role_cache::ROLE_CACHE_BINDING) {
        Ok(roles) => roles,
        Err(error) => {
            tracing::error!(cause = %error, "binding ROLES is missing");
            return HintResults { still_pending: pending, ..HintResults::default() };
        }
    };
    fault_point!(env, "hints-begun", "");
    let slowest = Cell::new(0);
    let replies = stream::iter(pending).map(|pending| {
        let (roles, slowest) = (&roles, &slowest);
        async move {
            let trace_id = causes.traces.get(&pending.user_id).map(String::as_str);
            let reply = send_hint(roles, &pending, trace_id).await;
            count::hint(reply);
            if reply == Some(HintReply::Acked) && causes.applied.contains(&pending.user_id) {
                let took = outbox::age(&pending, edge::clock::now());
                count::visible(took);
                slowest.set(took.max(slowest.get()));
            }
            (pending, reply)
        }
    });
    let replies = replies.buffer_unordered(CONCURRENT_HINTS_MAX).collect().await;
    let results = HintResults { slowest_ms: slowest.get(), ..outbox::sort_replies(replies) };
    let (acked, gone) = (results.acked.len(), results.gone.len());
    let owed = results.still_pending.len();
    let duration_ms = edge::clock::now().since(began_at);
    tracing::info!(acked, gone, owed, duration_ms, "hints sent");
    fault_point!(env, "hints-sent", "");
    if let Err(error) = db.record_results(&results).await {
        tracing::warn!(cause = error.text(), "storing the hint replies failed");
    }
    fault_point!(env, "hints-recorded", "");
    results
}

/// `None` if the call failed or the reply is not valid.
async fn send_hint(
    roles: &ObjectNamespace,
    pending: &PendingHint,
    trace_id: Option<&str>,
) -> Option<HintReply> {
    let user_id = &pending.user_id;
    let hint = pending.hint(trace_id);
    let reply = object::post_json(roles, user_id, (HINT_URL, &hint), HINT_TIMEOUT_MS).await;
    reply.inspect_err(|cause| tracing::warn!(trace_id, user_id, cause, "hint failed")).ok()
}
