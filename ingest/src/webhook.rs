//! The two routes: each reads its configuration, does its work, and logs one line.

use shared::signature::{SvixHeaders, UnverifiedDelivery};
use worker::{Env, Request, Response, Result};

use crate::admission::{self, AcceptedDelivery, IngestError};
use crate::{body, config, queue, rate_limit, reply};

pub(crate) async fn webhook(request: &mut Request, env: &Env) -> Result<Response> {
    let outcome = match receive(request, env).await {
        Err(rejection)
            if rejection.is_unauthenticated()
                && rate_limit::is_rate_limited(request, env).await =>
        {
            Err(IngestError::RateLimited)
        }
        outcome => outcome,
    };
    match &outcome {
        Ok(AcceptedDelivery { id, kind, fate, note, weak_secrets }) => {
            let (svix_id, kind) = (id.as_str(), kind.as_deref());
            if !note.is_empty() {
                tracing::warn!(svix_id, kind, note, "a part of the delivery is left out");
            }
            tracing::info!(svix_id, kind, outcome = fate.as_str(), weak_secrets, "accepted");
        }
        // Other lines tell of it: those that were let through to a 401, and the one about the
        // settings. One for each would let a stranger write our log, and its bill.
        Err(rejection @ (IngestError::RateLimited | IngestError::Misconfigured(_))) => {
            tracing::debug!(status = rejection.status(), "refused");
        }
        Err(rejection) if rejection.needs_operator() => {
            tracing::error!(status = rejection.status(), reason = %rejection, "refused");
        }
        Err(rejection) => {
            tracing::warn!(status = rejection.status(), reason = %rejection, "refused");
        }
    }
    reply::response(&outcome)
}

async fn receive(
    request: &mut Request,
    env: &Env,
) -> std::result::Result<AcceptedDelivery, IngestError> {
    let config = config::settings(env).map_err(IngestError::Misconfigured)?;
    let headers = request.headers();
    let signed = SvixHeaders::from_fn(|name| headers.get(name).ok().flatten());
    let announced = body::declared_length(headers, config.body_bytes_max)?;
    // A sender of nothing that could be a delivery is not listened to any longer.
    let claim =
        UnverifiedDelivery::parse(&signed, edge::clock::now()).map_err(IngestError::Signature)?;
    let body = body::read_body_in_time(request, config.body_bytes_max, announced).await?;
    let admitted = admission::admit(claim, body.bytes(), &config, edge::clock::now())?;
    if let Some(envelope) = &admitted.envelope {
        queue::send(env, envelope).await?;
    }
    Ok(admitted.accepted)
}

/// Healthy is a door that could accept a delivery.
pub(crate) fn health(env: &Env) -> Result<Response> {
    reply::health(&config::settings(env).err().unwrap_or_default())
}
