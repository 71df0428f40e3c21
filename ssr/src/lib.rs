//! Worker `rolecall-ssr`: the server-rendered application. It has no database binding.
//!
//! ```text
//!  request ─incoming→ IncomingRequest ─find_route→ Route ─authorize→ Authorization
//!  find_session→ Session ─load_roles══RoleCache══▶ UserRoles ─permit_page→ PermittedPage
//!  PermittedPage (page + Permit) ─page→ HTML
//! ```
//!
//! A guarded page is rendered from the `Permit` for its own need; without one it cannot be
//! rendered. If the keys or the roles are unavailable, the answer is 503.

mod incoming;
mod route;
mod app;
mod authorize;
mod caller;
mod find_session;
mod roles;
mod sign_out;
mod permitted_page;
mod page;
mod denied;
mod reply;
mod config;

use worker::{Context, Env, Request, Response, Result, event};

use self::incoming::RequestMethod;

#[event(start)]
fn start() {
    edge::start("ssr");
}

/// Answers one request.
///
/// # Errors
/// Internal errors are logged and answered 503.
#[event(fetch)]
pub async fn fetch(req: Request, env: Env, ctx: Context) -> Result<Response> {
    edge::log::read_sample_rate(&env);
    let is_head = incoming::method(&req) == RequestMethod::Head;
    let answer = match answer(&req, &env).await {
        Ok(answer) => answer,
        Err(error) => {
            // Debug, not Display: it avoids a call into JavaScript.
            tracing::error!(cause = ?error, "building the response failed");
            reply::unavailable_json()?
        }
    };
    edge::metrics::flush_later(&env, |flush| ctx.wait_until(flush));
    Ok(if is_head { reply::without_body(answer) } else { answer })
}

async fn answer(req: &Request, env: &Env) -> Result<Response> {
    app::answer(&incoming::IncomingRequest::from_request(req)?, env).await
}
