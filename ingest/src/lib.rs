//! The Worker `ingest`: receives Clerk's webhooks, verifies them and enqueues the synced fields.
//!
//! `POST /webhooks/clerk`: verify, project, enqueue, answer. `GET /healthz`. It has the webhook
//! secret, a queue producer binding, a rate limiter and `Meter`, and nothing else: no database, no
//! role caches. What is accepted and how it responds is decided in `shared::admission`.

mod webhook;
mod config;
mod body;
mod queue;
mod rate_limit;
mod reply;

use worker::{Context, Env, Request, Response, Result, event};

#[event(start)]
fn start() {
    edge::start("ingest");
}

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, context: Context) -> Result<Response> {
    edge::log::read_sample_rate(&env);
    let response = answer(&mut request, &env).await;
    edge::metrics::flush_later(&env, |flush| context.wait_until(flush));
    response
}

async fn answer(request: &mut Request, env: &Env) -> Result<Response> {
    // `Request::method` returns GET for unknown methods.
    let method = request.inner().method();
    match (request.path().as_str(), method.as_str()) {
        ("/webhooks/clerk", "POST") => webhook::webhook(request, env).await,
        ("/webhooks/clerk", _) => reply::method_not_allowed("POST"),
        ("/healthz", "GET" | "HEAD") => webhook::health(env),
        ("/healthz", _) => reply::method_not_allowed("GET, HEAD"),
        _ => reply::not_found(),
    }
}
