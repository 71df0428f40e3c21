//! Worker `rolecall-console`: the operators' console.
//!
//! ```text
//!  request ─incoming→ IncomingRequest ─router::find→ RouteRow
//!  RouteRow ─authenticate══Access keys══▶ Caller ─permit_change→ CallerContext
//!  CallerContext ─handler══D1, queue══▶ answer | Failure
//! ```
//!
//! Each area has a file with its handlers and their routes. A handler that needs a caller cannot be
//! called without one. Reading never changes anything: only `POST` has handlers that do.

mod api;
mod audit_log;
mod authenticate;
mod config;
mod context;
mod db;
mod health;
mod incoming;
mod meter;
mod metrics;
mod pages;
mod reply;
mod route;
mod router;
mod sign_in;
mod site;

use worker::{Context, Env, Request, Response, Result, event};

#[event(start)]
fn start() {
    edge::start("console");
}

/// Answers one request.
///
/// # Errors
/// If not even an error can be answered.
#[event(fetch)]
pub async fn fetch(req: Request, env: Env, ctx: Context) -> Result<Response> {
    let incoming = incoming::IncomingRequest::from_request(&req)?;
    let is_head = incoming.method == incoming::RequestMethod::Head;
    let answer = router::answer(&req, &env, &incoming).await?;
    edge::metrics::flush_later(&env, |flush| ctx.wait_until(flush));
    Ok(if is_head { reply::without_body(answer) } else { answer })
}
