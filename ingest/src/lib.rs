//! The door: takes Clerk's deliveries from the internet, and hands on what is genuine.
//!
//! `POST /webhooks/clerk`: verify, project, enqueue, answer. `GET /healthz`. It holds the webhook
//! secret, the sending end of the queue and a rate limiter, and nothing else: no database, no role
//! caches.

mod body;
mod config;
mod webhook;
mod rate_limit;
mod queue;
mod admission;
mod reply;
mod upload;

use worker::{Context, Env, Request, Response, Result, event};

#[event(start)]
fn start() {
    edge::log::init();
}

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    // `Request::method` takes every method that it does not know for `GET`.
    let method = request.inner().method();
    match (request.path().as_str(), method.as_str()) {
        ("/webhooks/clerk", "POST") => webhook::webhook(&mut request, &env).await,
        ("/webhooks/clerk", _) => reply::not_allowed("POST"),
        ("/healthz", "GET" | "HEAD") => webhook::health(&env),
        ("/healthz", _) => reply::not_allowed("GET, HEAD"),
        _ => reply::not_found(),
    }
}
