//! `POST /users/{id}/roles`: grants or revokes an app role.

use shared::id::UserId;
use shared::operators::api::roles::{RoleChange, RoleChangeRequest};
use shared::operators::audit::{AuditHead, HEAD_MOVED};
use shared::operators::grants::{PlannedChange, RoleChangeError, UserRoles};
use shared::sql::grants::{change, read_for_change};
use worker::{Env, Response};

use crate::audit_log;
use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::post("/api/v1/users/{id}/roles", |cx| Box::pin(post(cx)))];

/// How often the head is read again when somebody else has moved it.
const TRIES: u32 = 10;

const MEMBERS: [&str; 5] = ["role", "granted", "reason", "ends_at", "dry_run"];

async fn post(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    let request: RoleChangeRequest = cx.request.json_body(&MEMBERS, &[]).await?;
    let user_id = cx.request.param("id");
    reply::json(200, &change_role(cx, user_id, &request).await?)
}

/// Grants or revokes an app role, or only says what would change.
pub(crate) async fn change_role(
    cx: &CallerContext<'_>,
    user_id: &str,
    request: &RoleChangeRequest,
) -> Result<RoleChange, Failure> {
    UserId::parse(user_id)
        .map_err(|error| Failure::invalid("id", format!("This is no valid id: {error}.")))?;
    let done = try_change(cx.request.env, &cx.caller.actor, user_id, request).await;
    if let Err(failure) = &done
        && !request.dry_run
    {
        audit_log::record_unfit(cx, user_id, "/users/{id}/roles", failure).await;
    }
    done
}

async fn try_change(
    env: &Env,
    actor: &str,
    user_id: &str,
    request: &RoleChangeRequest,
) -> Result<RoleChange, Failure> {
    for outrun in 0..TRIES {
        let now = edge::clock::now();
        let results = db::batch(env, &read_for_change(user_id)).await?;
        let head: AuditHead = results.first(0)?.unwrap_or_default();
        let roles = UserRoles::read(&results.rows(1)?, &results.rows(2)?)
            .map_err(|error| Failure::internal(&error.to_string()))?;
        let planned = roles.plan(user_id, request, now).map_err(refused)?;
        if request.dry_run {
            return Ok(planned.into_answer(false));
        }
        let entry = planned.audit_entry(&head, actor, now);
        let batch = change(&planned, &entry, &edge::random::short_id());
        match db::try_batch(env, &batch).await? {
            Ok(_) => {
                edge::log::audit_head(entry.seq, &entry.hash);
                return Ok(planned.into_answer(true));
            }
            Err(cause) if cause.contains(HEAD_MOVED) => edge::random::wait_outrun(outrun).await,
            Err(cause) => return Err(unknown_end(&planned, &cause)),
        }
    }
    Err(Failure::database("the head of the audit trail moves too often"))
}

fn refused(error: RoleChangeError) -> Failure {
    Failure::new(error.status(), error.code(), format!("{error}."), error.next())
}

/// After an error D1 may have written the batch all the same.
fn unknown_end(planned: &PlannedChange, cause: &str) -> Failure {
    let mut failure = Failure::database(cause);
    failure.next = format!(
        "Look at /explain/{} for whether the role has changed, before you try again.",
        planned.user_id
    );
    failure
}
