//! Writes entries of the audit trail that belong to no other batch: refused attempts.

use std::cell::RefCell;

use serde_json::json;
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead, HEAD_MOVED};
use shared::operators::authentication::Refusal;
use shared::operators::refusals::RefusalLimit;
use shared::sql::audit::{append, audit_head};
use worker::Env;

use crate::context::CallerContext;
use crate::db;
use crate::reply::Failure;

/// How often the head is read again when somebody else has moved it.
const TRIES: u32 = 10;

/// The actor of an attempt with an invalid credential.
const UNKNOWN: &str = "unknown";

thread_local! {
    static LIMIT: RefCell<RefusalLimit> = RefCell::new(RefusalLimit::default());
}

/// Records an attempt that is refused for its credential, its origin or its form. Bounded: the rest
/// is counted into the next row. It may fail: then the log has it.
pub(crate) async fn record_refusal(
    env: &Env,
    actor: Option<&str>,
    route: &'static str,
    refusal: Refusal,
) {
    if refusal.is_audited() {
        record(env, actor.unwrap_or(UNKNOWN), "", route, refusal.code()).await;
    }
}

/// Records a change that its caller may make, but that does not fit what is there: a hash of
/// another plan for example. Bounded in the same way.
pub(crate) async fn record_unfit(
    cx: &CallerContext<'_>,
    target: &str,
    route: &'static str,
    failure: &Failure,
) {
    if (400..500).contains(&failure.status) {
        record(cx.request.env, &cx.caller.actor, target, route, &failure.error).await;
    }
}

async fn record(env: &Env, actor: &str, target: &str, route: &'static str, code: &str) {
    let at = edge::clock::now();
    let Some(left_out) = LIMIT.with_borrow_mut(|limit| limit.take(at)) else { return };
    let act = AuditAct {
        at,
        actor: actor.to_owned(),
        action: format!("refused:{code}"),
        target: target.to_owned(),
        detail: json!({ "route": route, "left_out": left_out }).to_string(),
    };
    if let Err(problem) = append_alone(env, &act).await {
        tracing::error!(cause = %problem.error, "a refused attempt is not in the audit trail");
    }
}

/// Appends an entry in a batch of its own.
async fn append_alone(env: &Env, act: &AuditAct) -> Result<(), Failure> {
    for outrun in 0..TRIES {
        let head = db::batch(env, &[audit_head()]).await?.first(0)?;
        let head: AuditHead = head.unwrap_or_default();
        let entry = AuditEntry::after(&head, act.clone());
        match db::try_batch(env, &[append(&entry)]).await? {
            Ok(_) => {
                edge::log::audit_head(entry.seq, &entry.hash);
                return Ok(());
            }
            Err(cause) if cause.contains(HEAD_MOVED) => edge::random::wait_outrun(outrun).await,
            Err(cause) => return Err(Failure::database(&cause)),
        }
    }
    Err(Failure::database("the head of the audit trail moves too often"))
}
