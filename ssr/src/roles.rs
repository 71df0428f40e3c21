//! Queries the user's role cache. All access to the objects is in this file.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Reflect;
use shared::cache::isolate::{Freshness, IsolateCache, UserRoles};
use shared::id::UserId;
use shared::limits::ROLE_QUERY_TIMEOUT_MS;
use shared::retry::{ObjectCallError, retry_call_ms};
use shared::role_cache::{self, RoleAnswer, RoleQuery};
use worker::{Delay, Env, Error};

/// The roles are unavailable. The texts are for the log.
#[derive(Debug)]
pub(crate) enum RolesUnavailable {
    /// The object refused. It logs the reason itself, once for all callers.
    Refused(String),
    /// No usable answer.
    NoAnswer(String),
}

thread_local! {
    static ISOLATE: RefCell<IsolateCache> = RefCell::new(IsolateCache::default());
}

/// The roles of `user`, from this isolate when it may answer, else from the user's object.
pub(crate) async fn load_roles(
    env: &Env,
    user: &UserId,
    freshness: Freshness,
    isolate_ms: i64,
) -> Result<UserRoles, RolesUnavailable> {
    let now = edge::clock::now();
    if isolate_ms > 0
        && let Some(cached) =
            ISOLATE.with_borrow(|isolate| isolate.get(user, freshness, isolate_ms, now))
    {
        return Ok(cached);
    }
    let query = Box::pin(query_unexpired(env, user, freshness));
    let deadline = Delay::from(Duration::from_millis(ROLE_QUERY_TIMEOUT_MS));
    let roles = match select(query, deadline).await {
        Either::Left((roles, _)) => roles?,
        Either::Right(_) => return Err(unavailable("role cache timed out")),
    };
    if isolate_ms == 0 {
        return Ok(roles);
    }
    let now = edge::clock::now();
    ISOLATE
        .with_borrow_mut(|isolate| isolate.insert_if_newer(user, roles, freshness, now))
        .ok_or_else(|| unavailable("role cache returned an older version than before"))
}

/// Queries again if the answer expired in transit.
async fn query_unexpired(
    env: &Env,
    user: &UserId,
    freshness: Freshness,
) -> Result<UserRoles, RolesUnavailable> {
    let roles = query_with_retries(env, user, freshness).await?;
    if roles.is_expired(edge::clock::now()) {
        return query_with_retries(env, user, freshness).await;
    }
    Ok(roles)
}

/// Queries, with retries for retryable errors, each through a new stub.
async fn query_with_retries(
    env: &Env,
    user: &UserId,
    freshness: Freshness,
) -> Result<UserRoles, RolesUnavailable> {
    let mut calls = 1;
    loop {
        let RoleQueryFailure { error, unavailable } = match query_once(env, user, freshness).await {
            Ok(roles) => return Ok(roles),
            Err(failure) => failure,
        };
        let Some(wait_ms) = retry_call_ms(error, calls, edge::random::jitter()) else {
            return Err(unavailable);
        };
        tracing::warn!(calls, cause = ?unavailable, "retrying the role cache");
        Delay::from(Duration::from_millis(wait_ms.into())).await;
        calls += 1;
    }
}

/// Why there is no usable answer, and whether a retry can help.
struct RoleQueryFailure {
    error: ObjectCallError,
    unavailable: RolesUnavailable,
}

impl RoleQueryFailure {
    /// Not retryable: the object would answer the same again.
    fn permanent(text: String) -> Self {
        Self { error: ObjectCallError::Permanent, unavailable: RolesUnavailable::NoAnswer(text) }
    }
}

impl From<Error> for RoleQueryFailure {
    /// `retryable` and `overloaded` are properties of the error object.
    fn from(error: Error) -> Self {
        let Error::UnknownJsError { original, message, .. } = &error else {
            return Self::permanent(format!("{error:?}"));
        };
        let has_flag =
            |name: &str| Reflect::get(original, &name.into()).is_ok_and(|value| value.is_truthy());
        let call_error =
            ObjectCallError::classify(|| has_flag("retryable"), || has_flag("overloaded"));
        Self { error: call_error, unavailable: RolesUnavailable::NoAnswer(message.clone()) }
    }
}

async fn query_once(
    env: &Env,
    user: &UserId,
    freshness: Freshness,
) -> Result<UserRoles, RoleQueryFailure> {
    let query = RoleQuery {
        user_id: user.as_str().to_owned(),
        fresh: freshness.fresh,
        min_version: freshness.min_version,
        compact: true,
    };
    let url = query.to_url().map_err(Error::from)?;
    let stub = env
        .durable_object(role_cache::ROLE_CACHE_BINDING)?
        .get_by_name(role_cache::object_name(user))?;
    // Ages count from before the query.
    let queried_at = edge::clock::now();
    let reply = stub.fetch_with_str(&url).await?;
    let (status, body) = (reply.status_code(), edge::body::text(reply).await?);
    if status != 200 {
        let unavailable = RolesUnavailable::Refused(format!("role cache answered {status}"));
        return Err(RoleQueryFailure { error: ObjectCallError::Permanent, unavailable });
    }
    let answer: RoleAnswer = serde_json::from_str(&body).map_err(|error| {
        RoleQueryFailure::permanent(format!("malformed role cache answer: {error}"))
    })?;
    UserRoles::from_answer(answer, freshness.min_version, queried_at, edge::clock::now())
        .ok_or_else(|| {
            RoleQueryFailure::permanent("role cache returned a version below min_version".into())
        })
}

fn unavailable(cause: &str) -> RolesUnavailable {
    RolesUnavailable::NoAnswer(cause.to_owned())
}
