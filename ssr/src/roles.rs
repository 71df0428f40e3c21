//! What the asker may do: their role cache is asked; only this file names the objects.

mod isolate;

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Reflect;
use shared::fault::{CallFault, call_again_ms};
use shared::guard::Known;
use shared::id::UserId;
use shared::limits::ANSWER_MS_MAX;
use shared::object::{self, Answer, Ask, Source};
use worker::{Delay, Env, Error};

use self::isolate::Isolate;

/// A question to the cache, beyond "whose".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Read D1 first.
    pub(crate) fresh: bool,
    /// Nothing below this version will do.
    pub(crate) min_version: i64,
}

/// Roles, and where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The roles, and until when they hold.
    pub(crate) known: Known,
    /// Where they came from.
    pub(crate) source: Source,
    /// How old they are.
    pub(crate) age_ms: i64,
}

impl Roles {
    /// The version of the set.
    pub(crate) fn version(&self) -> i64 {
        self.known.set.version
    }
}

/// Nobody can say what the user may do. The texts are for the log.
#[derive(Debug)]
pub(crate) enum Unknowable {
    /// The object said so itself. Its own log says why, once for all who ask meanwhile.
    Told(String),
    /// There is no answer of the object's that can be used.
    Unheard(String),
}

thread_local! {
    static ISOLATE: RefCell<Isolate> = RefCell::new(Isolate::default());
}

/// The roles of `user`, from this isolate when it may answer, else from the user's object.
pub(crate) async fn of(
    env: &Env,
    user: &UserId,
    wish: Wish,
    isolate_ms: i64,
) -> Result<Roles, Unknowable> {
    let now = edge::clock::now();
    if isolate_ms > 0
        && let Some(held) = ISOLATE.with_borrow(|isolate| isolate.find(user, wish, isolate_ms, now))
    {
        return Ok(held);
    }
    let asking = Box::pin(ask_until_good(env, user, wish));
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
        .with_borrow_mut(|isolate| isolate.offer(user, roles, wish, now))
        .ok_or_else(|| unknowable("the object answered with an older version than before"))
}

/// Asks, and once more when the answer ran out on its way: the object refreshes a set that is
/// about to, so the second answer is a younger one.
async fn ask_until_good(env: &Env, user: &UserId, wish: Wish) -> Result<Roles, Unknowable> {
    let roles = ask_again(env, user, wish).await?;
    if edge::clock::now() <= roles.known.good_until {
        return Ok(roles);
    }
    ask_again(env, user, wish).await
}

/// Asks, and a few times more, each through a new stub, while the runtime says that this can help.
async fn ask_again(env: &Env, user: &UserId, wish: Wish) -> Result<Roles, Unknowable> {
    let mut calls = 1;
    loop {
        let Failure { fault, unknowable } = match ask(env, user, wish).await {
            Ok(roles) => return Ok(roles),
            Err(failure) => failure,
        };
        let Some(wait_ms) = call_again_ms(fault, calls, edge::chance::jitter()) else {
            return Err(unknowable);
        };
        tracing::warn!(calls, error = ?unknowable, "the object is asked again");
        Delay::from(Duration::from_millis(wait_ms.into())).await;
        calls += 1;
    }
}

/// Why the object gave no answer that can be used.
struct Failure {
    fault: CallFault,
    unknowable: Unknowable,
}

impl Failure {
    /// The object did answer, and would answer alike.
    fn of_answer(text: String) -> Self {
        Self { fault: CallFault::Final, unknowable: Unknowable::Unheard(text) }
    }
}

impl From<Error> for Failure {
    /// `retryable` and `overloaded` stand on the error object itself.
    fn from(error: Error) -> Self {
        let Error::UnknownJsError { original, message, .. } = &error else {
            return Self::of_answer(format!("{error:?}"));
        };
        let says =
            |name: &str| Reflect::get(original, &name.into()).is_ok_and(|value| value.is_truthy());
        let fault = CallFault::of(|| says("retryable"), || says("overloaded"));
        Self { fault, unknowable: Unknowable::Unheard(message.clone()) }
    }
}

async fn ask(env: &Env, user: &UserId, wish: Wish) -> Result<Roles, Failure> {
    let ask = Ask {
        user_id: user.as_str().to_owned(),
        fresh: wish.fresh,
        min_version: wish.min_version,
        compact: true,
    };
    let url = ask.url().map_err(Error::from)?;
    let stub = env.durable_object(object::BINDING)?.get_by_name(object::name(user))?;
    // The instant before the question: the age of what comes back counts from here at the latest.
    let asked_at = edge::clock::now();
    let reply = stub.fetch_with_str(&url).await?;
    let (status, body) = (reply.status_code(), edge::body::text(reply).await?);
    if status != 200 {
        let unknowable = Unknowable::Told(format!("the object refused with {status}"));
        return Err(Failure { fault: CallFault::Final, unknowable });
    }
    let answer: Answer = serde_json::from_str(&body).map_err(|error| {
        Failure::of_answer(format!("the object's answer cannot be read: {error}"))
    })?;
    if answer.set.version < wish.min_version {
        return Err(Failure::of_answer(
            "the object's answer is below the version asked for".into(),
        ));
    }
    let good_until = asked_at.plus(answer.good_for_ms);
    Ok(Roles {
        known: Known { set: answer.set, good_until },
        source: answer.source,
        age_ms: answer.age_ms.saturating_add(edge::clock::now().since(asked_at)),
    })
}

fn unknowable(why: &str) -> Unknowable {
    Unknowable::Unheard(why.to_owned())
}
