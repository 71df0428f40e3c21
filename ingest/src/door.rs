//! The two routes: each reads its configuration, does its work, and logs one line.

use shared::signature::{Claim, Headers};
use worker::{Env, Request, Response, Result};

use crate::receive::{self, Accepted, Rejection};
use crate::{body, config, limit, queue, reply};

pub(crate) async fn webhook(request: &mut Request, env: &Env) -> Result<Response> {
    let outcome = match receive(request, env).await {
        Err(rejection) if rejection.is_unsigned() && limit::is_flood(request, env).await => {
            Err(Rejection::Flood)
        }
        outcome => outcome,
    };
    match &outcome {
        Ok(Accepted { id, kind, fate, note, weak_secrets }) => {
            let (svix_id, kind) = (id.as_str(), kind.as_deref());
            if !note.is_empty() {
                tracing::warn!(svix_id, kind, note, "a part of the delivery is left out");
            }
            tracing::info!(svix_id, kind, outcome = fate.as_str(), weak_secrets, "accepted");
        }
        // Other lines tell of it: those that were let through to a 401, and the one about the
        // settings. One for each would let a stranger write our log, and its bill.
        Err(rejection @ (Rejection::Flood | Rejection::Misconfigured(_))) => {
            tracing::debug!(status = rejection.status(), "refused");
        }
        Err(rejection) if rejection.is_loud() => {
            tracing::error!(status = rejection.status(), reason = %rejection, "refused");
        }
        Err(rejection) => {
            tracing::warn!(status = rejection.status(), reason = %rejection, "refused");
        }
    }
    reply::of(&outcome)
}

async fn receive(request: &mut Request, env: &Env) -> std::result::Result<Accepted, Rejection> {
    let config = config::read(env).map_err(Rejection::Misconfigured)?;
    let headers = request.headers();
    let signed = Headers::read(|name| headers.get(name).ok().flatten());
    let announced = body::announced(headers, config.body_bytes_max)?;
    // A sender of nothing that could be a delivery is not listened to any longer.
    let claim = Claim::read(&signed, edge::clock::now()).map_err(Rejection::Signature)?;
    let body = body::read(request, config.body_bytes_max, announced).await?;
    let admitted = receive::admit(claim, body.bytes(), &config, edge::clock::now())?;
    if let Some(envelope) = &admitted.envelope {
        queue::send(env, envelope).await?;
    }
    Ok(admitted.accepted)
}

/// Healthy is a door that could accept a delivery.
pub(crate) fn health(env: &Env) -> Result<Response> {
    reply::health(&config::read(env).err().unwrap_or_default())
}
