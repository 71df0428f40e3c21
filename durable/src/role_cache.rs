//! The class `RoleCache`: decodes what is asked, hands it to the object, encodes the answer.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use shared::object::{Ask, CompactAnswer, Hint, Refusal};
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use crate::object::Object;
use crate::trouble::Trouble;

/// One user's role cache.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct RoleCache {
    object: Rc<Object>,
}

impl DurableObject for RoleCache {
    fn new(state: State, env: Env) -> Self {
        Self { object: Rc::new(Object::new(state, env)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (Method::Get, "/ask") => self.ask(&request).await,
            (Method::Post, "/hint") => self.hint(request).await,
            _ => refuse(404, "unknown"),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.object
            .alarm()
            .await
            .map_err(|trouble| worker::Error::RustError(trouble.to_string()))?;
        Response::empty()
    }
}

impl RoleCache {
    async fn ask(&self, request: &Request) -> Result<Response> {
        let Some(ask) = Ask::of_url(&request.inner().url()) else {
            return refuse(400, "malformed");
        };
        match self.object.ask(&ask).await {
            Ok(answer) if ask.compact => edge::reply::inner(200, &CompactAnswer::from(&answer)),
            Ok(answer) => edge::reply::inner(200, &answer),
            Err(trouble) => troubled(&trouble),
        }
    }

    async fn hint(&self, request: Request) -> Result<Response> {
        let Some(hint) = read::<Hint>(request).await else { return refuse(400, "malformed") };
        match self.object.hint(&hint).await {
            Ok(reply) => edge::reply::inner(200, &reply),
            Err(trouble) => troubled(&trouble),
        }
    }
}

async fn read<T: DeserializeOwned>(mut request: Request) -> Option<T> {
    let body = request.bytes().await.ok()?;
    serde_json::from_slice(&body).ok()
}

fn troubled(trouble: &Trouble) -> Result<Response> {
    match trouble {
        // What failed was logged when it did, once for all questions that wait for it; and whoever
        // is signed in may ask for a version that does not exist.
        Trouble::Unreachable(_)
        | Trouble::Storage(_)
        | Trouble::Overtaken
        | Trouble::Below
        | Trouble::Misconfigured
        | Trouble::Refused(_) => tracing::debug!(cause = %trouble, "the roles cannot be known"),
        Trouble::Misdirected => {
            tracing::error!(cause = %trouble, "the roles cannot be known");
        }
    }
    refuse(trouble.status(), trouble.reason())
}

fn refuse(status: u16, reason: &str) -> Result<Response> {
    edge::reply::inner(status, &Refusal { reason: reason.into() })
}
