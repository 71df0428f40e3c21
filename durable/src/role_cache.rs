//! The class `RoleCache`: decodes requests, calls the object, encodes responses.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use shared::metrics::table::OBJECT_ANSWERS;
use shared::role_cache::{CompactRoleAnswer, Hint, RoleQuery, RoleQueryRefused};
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use crate::error::CacheError;
use crate::object::RoleCacheObject;

/// One user's role cache.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct RoleCache {
    object: Rc<RoleCacheObject>,
}

impl DurableObject for RoleCache {
    fn new(state: State, env: Env) -> Self {
        Self { object: Rc::new(RoleCacheObject::new(state, env)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let response = match (request.method(), request.path().as_str()) {
            (Method::Get, "/ask") => self.query(&request).await,
            (Method::Post, "/hint") => self.hint(request).await,
            (Method::Get, "/peek") => self.peek().await,
            _ => error_response(404, "unknown"),
        };
        self.object.flush_metrics();
        response
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.alarm().await.map_err(|error| worker::Error::RustError(error.to_string()))?;
        Response::empty()
    }
}

impl RoleCache {
    async fn query(&self, request: &Request) -> Result<Response> {
        let Some(query) = RoleQuery::from_url(&request.inner().url()) else {
            return error_response(400, "malformed");
        };
        let answer = self.object.query(&query).await;
        let label = answer.as_ref().map_or_else(CacheError::answer_label, |it| it.source.as_str());
        edge::metrics::count(&OBJECT_ANSWERS, &[label], 1);
        match answer {
            Ok(answer) if query.compact => {
                edge::reply::internal_json(200, &CompactRoleAnswer::from(&answer))
            }
            Ok(answer) => edge::reply::internal_json(200, &answer),
            Err(error) => cache_error_response(&error),
        }
    }

    async fn hint(&self, request: Request) -> Result<Response> {
        let Some(hint) = parse_json::<Hint>(request).await else {
            return error_response(400, "malformed");
        };
        match self.object.hint(&hint).await {
            Ok(reply) => edge::reply::internal_json(200, &reply),
            Err(error) => cache_error_response(&error),
        }
    }

    async fn peek(&self) -> Result<Response> {
        match self.object.peek().await {
            Ok(peek) => edge::reply::internal_json(200, &peek),
            Err(error) => cache_error_response(&error),
        }
    }
}

async fn parse_json<T: DeserializeOwned>(mut request: Request) -> Option<T> {
    let body = request.bytes().await.ok()?;
    serde_json::from_slice(&body).ok()
}

fn cache_error_response(error: &CacheError) -> Result<Response> {
    match error {
        // Debug level only: failures are logged once where they happen, and any signed-in user can
        // request a future version.
        CacheError::D1Unavailable(_)
        | CacheError::Storage(_)
        | CacheError::FillsSuperseded
        | CacheError::NotFreshEnough
        | CacheError::Misconfigured
        | CacheError::Refused(_) => tracing::debug!(cause = %error, "roles unavailable"),
        CacheError::WrongObject => {
            tracing::error!(cause = %error, "roles unavailable");
        }
    }
    error_response(error.status(), error.reason())
}

fn error_response(status: u16, reason: &str) -> Result<Response> {
    edge::reply::internal_json(status, &RoleQueryRefused { reason: reason.into() })
}
