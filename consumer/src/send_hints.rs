//! Sends hints to the role caches, and stores their replies. A failure is harmless: the sweep sends
//! pending hints again.

use std::cell::Cell;
use std::time::Duration;

use edge::fault_point;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use shared::limits::{CONCURRENT_HINTS_MAX, HINT_TIMEOUT_MS};
use shared::outbox::{self, HintResults, PendingHint};
use shared::role_cache::{self, HINT_URL, HintReply};
use worker::{
    AbortController, AbortSignal, Delay, Env, Method, ObjectNamespace, Request, RequestInit,
};

use crate::count;
use crate::db::ConsumerDb;

/// Sends one round of hints and stores the replies.
pub(crate) async fn send_hints(
    env: &Env,
    db: &ConsumerDb,
    pending: Vec<PendingHint>,
) -> HintResults {
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
            let reply = send_hint(roles, &pending).await;
            let took = outbox::age(&pending, edge::clock::now());
            count::hint(reply, took);
            if reply == Some(HintReply::Acked) {
                slowest.set(took.max(slowest.get()));
            }
            (pending, reply)
        }
    });
    let replies = replies.buffer_unordered(CONCURRENT_HINTS_MAX).collect().await;
    let results = HintResults { slowest_ms: slowest.get(), ..outbox::sort_replies(replies) };
    let (acked, gone) = (results.acked.len(), results.gone.len());
    let owed = results.still_pending.len();
    tracing::info!(acked, gone, owed, "hints sent");
    fault_point!(env, "hints-sent", "");
    if let Err(error) = db.record_results(&results).await {
        tracing::warn!(cause = error.text(), "storing the hint replies failed");
    }
    fault_point!(env, "hints-recorded", "");
    results
}

/// `None` if the call failed or the reply is not valid.
async fn send_hint(roles: &ObjectNamespace, pending: &PendingHint) -> Option<HintReply> {
    let abort = AbortController::default();
    let call = Box::pin(post_hint(roles, pending, abort.signal()));
    let reply = match select(call, Delay::from(Duration::from_millis(HINT_TIMEOUT_MS))).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) => {
            // An open request would keep the invocation alive.
            abort.abort();
            Err("timed out".into())
        }
    };
    let user_id = &pending.user_id;
    reply.inspect_err(|cause| tracing::warn!(user_id, cause, "hint failed")).ok()
}

async fn post_hint(
    roles: &ObjectNamespace,
    pending: &PendingHint,
    signal: AbortSignal,
) -> Result<HintReply, String> {
    let text = |error: worker::Error| error.to_string();
    let body = serde_json::to_string(&pending.hint()).map_err(|error| error.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    let request = Request::new_with_init(HINT_URL, &init).map_err(text)?;
    let abortable = web_sys::RequestInit::new();
    abortable.set_signal(Some(&signal));
    let request = web_sys::Request::new_with_request_and_init(request.inner(), &abortable);
    let request = request.map_err(|error| text(error.into()))?.into();
    let stub = roles.get_by_name(&pending.user_id).map_err(text)?;
    let mut response = stub.fetch_with_request(request).await.map_err(text)?;
    if response.status_code() != 200 {
        return Err(format!("object answered with status {}", response.status_code()));
    }
    response.json().await.map_err(text)
}
