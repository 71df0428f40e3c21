//! Clerk's public keys and the platform's RSA; only this file and its modules name WebCrypto.
//!
//! Per isolate: one set of keys, and each key imported once. No promise is ever shared between
//! requests, since the runtime forbids one request to wait for another's I/O: whoever finds a
//! fetch under way looks again a moment later.

mod held;
mod webcrypto;

use std::cell::RefCell;
use std::time::Duration;

use edge::body;
use futures_util::future::{Either, select};
use shared::session::keys::{self, JWKS_BYTES_MAX, RsaKey};
use shared::session::seen::Seen;
use shared::session::{SignatureCheck, Unverified};
use shared::settings::ssr::Keys;
use url::Url;
use worker::{AbortController, Delay, Fetch, Method, Request, RequestInit, RequestRedirect};

use self::held::{FETCH_MS_MAX, Held, Step};

/// Why a signature was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The token names no key.
    NoKeyId,
    /// Clerk has no key of the id that the token names.
    UnknownKey,
    /// No key could be had, or the platform's cryptography failed: nobody can be judged now. The
    /// reason is in the log.
    Unavailable,
}

/// 503, with its reason for the log.
fn unavailable(why: &'static str) -> Trouble {
    tracing::warn!(why, "the keys are out of reach");
    Trouble::Unavailable
}

/// Checks a token's signature with the key that it names, or with the one key there is.
pub(crate) async fn check(
    token: &Unverified<'_>,
    source: &Keys,
) -> Result<SignatureCheck, Trouble> {
    let key = match source {
        Keys::Pem(key) => key.clone(),
        Keys::Jwks(url) => named(token.kid().ok_or(Trouble::NoKeyId)?, url).await?,
    };
    if SEEN.with_borrow(|seen| seen.knows(token, &key)) {
        return Ok(SignatureCheck::Good);
    }
    let verdict = webcrypto::verify(&key, token.signature(), token.signed_bytes()).await;
    let check = verdict.map_err(|error| {
        tracing::error!(?error, "the platform could not check a signature");
        Trouble::Unavailable
    })?;
    if check == SignatureCheck::Good {
        SEEN.with_borrow_mut(|seen| seen.remember(token, &key));
    }
    Ok(check)
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::new(Seen::default());
    static HELD: RefCell<Held> = RefCell::new(Held::default());
}

/// How long to leave a fetch of another request alone before looking again.
const WAIT: Duration = Duration::from_millis(20);

/// The key called `kid`, fetching the set when that is due.
async fn named(kid: &str, url: &Url) -> Result<RsaKey, Trouble> {
    let patience = edge::clock::now().plus(2 * FETCH_MS_MAX);
    loop {
        let now = edge::clock::now();
        if patience < now {
            return Err(unavailable("those who fetch the JWKS do not come to an end"));
        }
        match HELD.with_borrow(|held| held.step(kid, now)) {
            Step::Use(key) => return Ok(key),
            Step::Unknown => return Err(Trouble::UnknownKey),
            Step::Unavailable => {
                return Err(unavailable("there is no set, and the last fetch has failed just now"));
            }
            Step::Wait => Delay::from(WAIT).await,
            Step::Fetch => {
                HELD.with_borrow_mut(|held| held.begin(now));
                let fetched = fetch(url).await;
                if let Err(error) = &fetched {
                    tracing::warn!(error, "the JWKS could not be fetched");
                }
                let ended = edge::clock::now();
                HELD.with_borrow_mut(|held| held.end(now, fetched.ok(), ended));
            }
        }
    }
}

/// Fetches the set. Redirects are not followed: the address comes from the configuration alone.
async fn fetch(url: &Url) -> Result<std::collections::BTreeMap<String, RsaKey>, String> {
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url.as_str(), &init).map_err(|e| format!("{e:?}"))?;
    let abort = AbortController::default();
    let signal = abort.signal();
    let reading = async {
        let fetch = Fetch::Request(request);
        let mut answer = fetch.send_with_signal(&signal).await.map_err(|e| format!("{e:?}"))?;
        if answer.status_code() != 200 {
            return Err(format!("status {}", answer.status_code()));
        }
        let announced = body::announced(answer.headers());
        let body = body::up_to(JWKS_BYTES_MAX, announced, answer.stream()).await;
        body.map_err(|error| error.to_string())
    };
    let patience = Delay::from(Duration::from_millis(FETCH_MS_MAX.unsigned_abs()));
    let body = match select(Box::pin(reading), patience).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(format!("no answer within {FETCH_MS_MAX} ms")),
    };
    if body.is_err() {
        // Nobody waits for what is still to come.
        abort.abort();
    }
    let mut set = keys::from_jwks(&body?).map_err(|error| error.to_string())?;
    // Anyone can sign with the key of Clerk's own tests.
    set.retain(|_, key| !key.is_published());
    if set.is_empty() {
        return Err("no key but that of Clerk's own tests".to_owned());
    }
    Ok(set)
}
