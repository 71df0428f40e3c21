//! Handlers of the two routes.

use edge::metrics;
use shared::admission::{self, DeliverySummary, IngestError};
use shared::metrics::labels::OTHER;
use shared::metrics::table::{DELIVERIES, DOOR_SECONDS, REFUSALS};
use shared::signature::{SvixHeaders, UnverifiedDelivery};
use shared::time::UnixMillis;
use worker::{Env, Request, Response, Result};

use crate::{body, config, queue, rate_limit, reply};

pub(crate) async fn webhook(request: &mut Request, env: &Env) -> Result<Response> {
    let began_at = edge::clock::now();
    let headers = SvixHeaders::from_fn(|name| request.headers().get(name).ok().flatten());
    let outcome = match receive(request, env, &headers).await {
        Err(rejection)
            if rejection.is_unauthenticated()
                && rate_limit::is_rate_limited(request, env).await =>
        {
            Err(IngestError::RateLimited)
        }
        outcome => outcome,
    };
    log(&outcome, &headers, began_at);
    count(&outcome, began_at);
    reply::response(&outcome)
}

fn count(outcome: &std::result::Result<DeliverySummary, IngestError>, began_at: UnixMillis) {
    match outcome {
        Ok(DeliverySummary { outcome, event_type, .. }) => {
            let event_type = event_type.as_deref().unwrap_or(OTHER);
            metrics::count(&DELIVERIES, &[outcome.as_str(), event_type], 1);
        }
        Err(rejection) => metrics::count(&REFUSALS, &[rejection.label()], 1),
    }
    metrics::observe(&DOOR_SECONDS, &[], edge::clock::now().since(began_at));
}

fn log(
    outcome: &std::result::Result<DeliverySummary, IngestError>,
    headers: &SvixHeaders,
    began_at: UnixMillis,
) {
    let duration_ms = edge::clock::now().since(began_at);
    match outcome {
        Ok(DeliverySummary { id, event_type, outcome, note, weak_secrets }) => {
            let (trace_id, event_type) = (id.as_str(), event_type.as_deref());
            if !note.is_empty() {
                tracing::warn!(trace_id, event_type, note, "part of the delivery was skipped");
            }
            let outcome = outcome.as_str();
            tracing::info!(
                trace_id,
                event_type,
                outcome,
                weak_secrets,
                duration_ms,
                "delivery accepted"
            );
        }
        // Logged elsewhere: the requests before the limit was reached, and the settings' errors.
        // One line per request would let anybody flood the log.
        Err(rejection @ (IngestError::RateLimited | IngestError::Misconfigured(_))) => {
            tracing::debug!(status = rejection.status(), "delivery rejected");
        }
        Err(rejection) => log_rejection(rejection, headers, duration_ms),
    }
}

fn log_rejection(rejection: &IngestError, headers: &SvixHeaders, duration_ms: i64) {
    let (trace_id, status) = (headers.trace_id(), rejection.status());
    let (reason, cause) = (rejection.label(), rejection.cause());
    if rejection.needs_operator() {
        tracing::error!(
            trace_id,
            status,
            reason,
            detail = %rejection,
            cause,
            duration_ms,
            "delivery rejected"
        );
    } else {
        tracing::warn!(
            trace_id,
            status,
            reason,
            detail = %rejection,
            cause,
            duration_ms,
            "delivery rejected"
        );
    }
}

async fn receive(
    request: &mut Request,
    env: &Env,
    svix_headers: &SvixHeaders,
) -> std::result::Result<DeliverySummary, IngestError> {
    let settings = config::settings(env).map_err(IngestError::Misconfigured)?;
    let headers = request.headers();
    let declared = body::declared_length(headers, settings.body_bytes_max)?;
    // Bad headers are rejected before the body is read.
    let delivery = UnverifiedDelivery::parse(svix_headers, edge::clock::now())?;
    let body = body::read_body_in_time(request, settings.body_bytes_max, declared).await?;
    let admitted = admission::admit(delivery, body.bytes(), &settings, edge::clock::now())?;
    if let Some(envelope) = &admitted.envelope {
        queue::send(env, envelope).await?;
    }
    Ok(admitted.summary)
}

pub(crate) fn health(env: &Env) -> Result<Response> {
    reply::health(&config::settings(env).err().unwrap_or_default())
}
