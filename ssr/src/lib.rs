//! Worker `rolecall-ssr`: the server-rendered application. It holds no database.
//!
//! ```text
//!  request ─incoming→ Incoming ─route::find→ Route ─identity::session→ Session | off to Clerk
//!  Session ─roles::of══RoleCache══▶ Roles ─opened::open→ Opened (page + Permit) ─page→ HTML
//! ```
//!
//! A page under a guard is built from the `Permit` for its own need; without one there is nothing
//! to call. Whatever cannot be known is answered 503, never with a page.

mod incoming;
mod route;
mod app;
mod authorize;
mod caller;
mod find_session;
mod keys;
mod roles;
mod sign_out;
mod permitted_page;
mod page;
mod denied;
mod reply;
mod config;

use worker::{Context, Env, Request, Response, Result, event};

use self::incoming::RequestMethod;

/// Answers one request.
///
/// # Errors
/// Never on purpose: what fails inside is logged and answered 503.
#[event(fetch)]
pub async fn fetch(req: Request, env: Env, _ctx: Context) -> Result<Response> {
    edge::log::init();
    let is_head = incoming::method(&req) == RequestMethod::Head;
    let answer = match answer(&req, &env).await {
        Ok(answer) => answer,
        Err(error) => {
            // Debug, not Display: it does not unwind into JavaScript for a message.
            tracing::error!(?error, "building the response failed");
            reply::unavailable_json()?
        }
    };
    Ok(if is_head { reply::without_body(answer) } else { answer })
}

async fn answer(req: &Request, env: &Env) -> Result<Response> {
    app::answer(&incoming::read(req)?, env).await
}
