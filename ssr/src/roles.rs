//! What the asker may do: their role cache is asked; only this file names the objects.

mod isolate_cache;

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Reflect;
use shared::guard::RoleSnapshot;
use shared::id::UserId;
use shared::limits::ANSWER_MS_MAX;
use shared::retry::{ObjectCallError, retry_call_ms};
use shared::role_cache::{self, RoleAnswer, RoleQuery, RoleSource};
use worker::{Delay, Env, Error};

use self::isolate_cache::IsolateCache;

/// A question to the cache, beyond "whose".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Read D1 first.
    pub(crate) fresh: bool,
    /// Nothing below this version will do.
    pub(crate) min_version: i64,
}

/// Roles, and where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRoles {
    /// The roles, and until when they hold.
    pub(crate) known: RoleSnapshot,
    /// Where they came from.
    pub(crate) source: RoleSource,
    /// How old they are.
    pub(crate) age_ms: i64,
}

impl UserRoles {
    /// The version of the set.
    pub(crate) fn version(&self) -> i64 {
        self.known.set.version
    }
}

/// Nobody can say what the user may do. The texts are for the log.
#[derive(Debug)]
pub(crate) enum RolesUnavailable {
    /// The object said so itself. Its own log says why, once for all who ask meanwhile.
    Refused(String),
    /// There is no answer of the object's that can be used.
    NoAnswer(String),
}

thread_local! {
    static ISOLATE: RefCell<IsolateCache> = RefCell::new(IsolateCache::default());
}

/// The roles of `user`, from this isolate when it may answer, else from the user's object.
pub(crate) async fn load_roles(
    env: &Env,
    user: &UserId,
    wish: Freshness,
    isolate_ms: i64,
) -> Result<UserRoles, RolesUnavailable> {
    let now = edge::clock::now();
    if isolate_ms > 0
        && let Some(held) = ISOLATE.with_borrow(|isolate| isolate.get(user, wish, isolate_ms, now))
    {
        return Ok(held);
    }
    let asking = Box::pin(query_until_fresh(env, user, wish));
    let patience = Delay::from(Duration::from_millis(ANSWER_MS_MAX));
    let roles = match select(asking, patience).await {
        Either::Left((roles, _)) => roles?,
        Either::Right(_) => return Err(unknowable("the object did not answer in time")),
    };
    if isolate_ms == 0 {
        return Ok(roles);
    }
    let now = edge::clock::now();
    ISOLATE
        .with_borrow_mut(|isolate| isolate.insert_if_newer(user, roles, wish, now))
        .ok_or_else(|| unknowable("the object answered with an older version than before"))
}

/// Asks, and once more when the answer ran out on its way: the object refreshes a set that is
/// about to, so the second answer is a younger one.
async fn query_until_fresh(
    env: &Env,
    user: &UserId,
    wish: Freshness,
) -> Result<UserRoles, RolesUnavailable> {
    let roles = query_with_retries(env, user, wish).await?;
    if edge::clock::now() <= roles.known.good_until {
        return Ok(roles);
    }
    query_with_retries(env, user, wish).await
}

/// Asks, and a few times more, each through a new stub, while the runtime says that this can help.
async fn query_with_retries(
    env: &Env,
    user: &UserId,
    wish: Freshness,
) -> Result<UserRoles, RolesUnavailable> {
    let mut calls = 1;
    loop {
        let RoleQueryFailure { fault, unknowable } = match query_once(env, user, wish).await {
            Ok(roles) => return Ok(roles),
            Err(failure) => failure,
        };
        let Some(wait_ms) = retry_call_ms(fault, calls, edge::random::jitter()) else {
            return Err(unknowable);
        };
        tracing::warn!(calls, error = ?unknowable, "the object is asked again");
        Delay::from(Duration::from_millis(wait_ms.into())).await;
        calls += 1;
    }
}

/// Why the object gave no answer that can be used.
struct RoleQueryFailure {
    fault: ObjectCallError,
    unknowable: RolesUnavailable,
}

impl RoleQueryFailure {
    /// The object did answer, and would answer alike.
    fn of_answer(text: String) -> Self {
        Self { fault: ObjectCallError::Permanent, unknowable: RolesUnavailable::NoAnswer(text) }
    }
}

impl From<Error> for RoleQueryFailure {
    /// `retryable` and `overloaded` stand on the error object itself.
    fn from(error: Error) -> Self {
        let Error::UnknownJsError { original, message, .. } = &error else {
            return Self::of_answer(format!("{error:?}"));
        };
        let says =
            |name: &str| Reflect::get(original, &name.into()).is_ok_and(|value| value.is_truthy());
        let fault = ObjectCallError::classify(|| says("retryable"), || says("overloaded"));
        Self { fault, unknowable: RolesUnavailable::NoAnswer(message.clone()) }
    }
}

async fn query_once(
    env: &Env,
    user: &UserId,
    wish: Freshness,
) -> Result<UserRoles, RoleQueryFailure> {
    let ask = RoleQuery {
        user_id: user.as_str().to_owned(),
        fresh: wish.fresh,
        min_version: wish.min_version,
        compact: true,
    };
    let url = ask.to_url().map_err(Error::from)?;
    let stub = env
        .durable_object(role_cache::ROLE_CACHE_BINDING)?
        .get_by_name(role_cache::object_name(user))?;
    // The instant before the question: the age of what comes back counts from here at the latest.
    let asked_at = edge::clock::now();
    let reply = stub.fetch_with_str(&url).await?;
    let (status, body) = (reply.status_code(), edge::body::text(reply).await?);
    if status != 200 {
        let unknowable = RolesUnavailable::Refused(format!("the object refused with {status}"));
        return Err(RoleQueryFailure { fault: ObjectCallError::Permanent, unknowable });
    }
    let answer: RoleAnswer = serde_json::from_str(&body).map_err(|error| {
        RoleQueryFailure::of_answer(format!("the object's answer cannot be read: {error}"))
    })?;
    if answer.set.version < wish.min_version {
        return Err(RoleQueryFailure::of_answer(
            "the object's answer is below the version asked for".into(),
        ));
    }
    let good_until = asked_at.plus(answer.good_for_ms);
    Ok(UserRoles {
        known: RoleSnapshot { set: answer.set, good_until },
        source: answer.source,
        age_ms: answer.age_ms.saturating_add(edge::clock::now().since(asked_at)),
    })
}

fn unknowable(why: &str) -> RolesUnavailable {
    RolesUnavailable::NoAnswer(why.to_owned())
}
