//! `POST /replays` and what is below it: plans, and what an operator tells a replay.

use replayer::Replayer;
use shared::operators::api::replays::{ApplyRequest, PlanRequest, Replay};
use worker::Response;

use crate::audit_log;
use crate::context::CallerContext;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::post("/api/v1/replays", |cx| Box::pin(post_plan(cx))),
    RouteRow::post("/api/v1/replays/{id}/apply", |cx| Box::pin(post_apply(cx))),
    RouteRow::post("/api/v1/replays/{id}/continue", |cx| Box::pin(post(cx, Told::Continue))),
    RouteRow::post("/api/v1/replays/{id}/pause", |cx| Box::pin(post(cx, Told::Pause))),
    RouteRow::post("/api/v1/replays/{id}/resume", |cx| Box::pin(post(cx, Told::Resume))),
    RouteRow::post("/api/v1/replays/{id}/cancel", |cx| Box::pin(post(cx, Told::Cancel))),
];

/// The members of a [`PlanRequest`] and of its filter.
const PLAN: [&str; 5] = ["action", "filter", "reason", "rate", "discard_unchanged"];
const FILTER: [&str; 7] = ["ids", "reason", "type", "subject", "after", "before", "all"];

/// What an operator tells a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'a> {
    /// Apply the plan with this hash.
    Apply(&'a str),
    /// Go on, for as long as a request may.
    Continue,
    Pause,
    Resume,
    Cancel,
}

async fn post_plan(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    // A misspelled member of the filter would choose more letters than was meant.
    let request: PlanRequest = cx.request.json_body(&PLAN, &[("filter", &FILTER)]).await?;
    reply::json(200, &plan(cx, &request, cx.request.incoming.idempotency_key.as_deref()).await?)
}

/// Makes a plan, and begins it.
pub(crate) async fn plan(
    cx: &CallerContext<'_>,
    request: &PlanRequest,
    key: Option<&str>,
) -> Result<Replay, Failure> {
    match replayer(cx)?.create(request, key).await {
        Ok(replay) => Ok(replay),
        Err(error) => Err(refused(cx, "", "/replays", error).await),
    }
}

async fn post_apply(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    let ApplyRequest { hash } = cx.request.json_body(&["hash"], &[]).await?;
    reply::json(200, &tell(cx, cx.request.param("id"), Told::Apply(&hash)).await?)
}

async fn post(cx: &CallerContext<'_>, told: Told<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &tell(cx, cx.request.param("id"), told).await?)
}

/// Tells a replay something.
pub(crate) async fn tell(
    cx: &CallerContext<'_>,
    id: &str,
    told: Told<'_>,
) -> Result<Replay, Failure> {
    let replayer = replayer(cx)?;
    let (done, route) = match told {
        Told::Apply(hash) => (replayer.apply(id, hash).await, "/replays/{id}/apply"),
        Told::Continue => (replayer.advance(id).await, "/replays/{id}/continue"),
        Told::Pause => (replayer.pause(id).await, "/replays/{id}/pause"),
        Told::Resume => (replayer.resume(id).await, "/replays/{id}/resume"),
        Told::Cancel => (replayer.cancel(id).await, "/replays/{id}/cancel"),
    };
    match done {
        Ok(replay) => Ok(replay),
        Err(error) => Err(refused(cx, id, route, error).await),
    }
}

/// The failure. The audit trail takes it if there is something that it was attempted on.
async fn refused(
    cx: &CallerContext<'_>,
    id: &str,
    route: &'static str,
    error: replayer::Failure,
) -> Failure {
    let is_unknown = error == replayer::Failure::NotFound;
    let failure = failure(error);
    if !is_unknown {
        audit_log::record_unfit(cx, id, route, &failure).await;
    }
    failure
}

fn replayer<'a>(cx: &'a CallerContext<'_>) -> Result<Replayer<'a>, Failure> {
    let replayer = Replayer::new(cx.request.env, &cx.caller.actor);
    replayer.map_err(|error| Failure::database(error.text()))
}

fn failure(failure: replayer::Failure) -> Failure {
    match failure {
        replayer::Failure::NotFound => Failure::not_found("replay"),
        replayer::Failure::Refused(error) => error.into(),
        replayer::Failure::Database(error) => Failure::database(error.text()),
    }
}
