//! Clerk's public keys and the platform's RSA; only this file and its modules name WebCrypto.
//!
//! Per isolate: one set of keys, and each key imported once. No promise is ever shared between
//! requests, since the runtime forbids one request to wait for another's I/O: whoever finds a
//! fetch under way looks again a moment later.

mod jwks_cache;
mod webcrypto;

use std::cell::RefCell;
use std::time::Duration;

use edge::body;
use futures_util::future::{Either, select};
use shared::session::keys::{self, JWKS_BYTES_MAX, RsaKey};
use shared::session::verified_signatures::VerifiedSignatures;
use shared::session::{SignatureStatus, UnverifiedToken};
use shared::settings::ssr::KeySource;
use url::Url;
use worker::{AbortController, Delay, Fetch, Method, Request, RequestInit, RequestRedirect};

use self::jwks_cache::{FETCH_MS_MAX, JwksCache, KeyDecision};

/// Why a signature was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyLookupError {
    /// The token names no key.
    NoKeyId,
    /// Clerk has no key of the id that the token names.
    UnknownKey,
    /// No key could be had, or the platform's cryptography failed: nobody can be judged now. The
    /// reason is in the log.
    Unavailable,
}

/// 503, with its reason for the log.
fn unavailable(why: &'static str) -> KeyLookupError {
    tracing::warn!(why, "the keys are out of reach");
    KeyLookupError::Unavailable
}

/// Checks a token's signature with the key that it names, or with the one key there is.
pub(crate) async fn check_signature(
    token: &UnverifiedToken<'_>,
    source: &KeySource,
) -> Result<SignatureStatus, KeyLookupError> {
    let key = match source {
        KeySource::Pem(key) => key.clone(),
        KeySource::Jwks(url) => find_key(token.kid().ok_or(KeyLookupError::NoKeyId)?, url).await?,
    };
    if SEEN.with_borrow(|seen| seen.contains(token, &key)) {
        return Ok(SignatureStatus::Valid);
    }
    let verdict = webcrypto::verify(&key, token.signature(), token.signed_bytes()).await;
    let check = verdict.map_err(|error| {
        tracing::error!(?error, "the platform could not check a signature");
        KeyLookupError::Unavailable
    })?;
    if check == SignatureStatus::Valid {
        SEEN.with_borrow_mut(|seen| seen.insert(token, &key));
    }
    Ok(check)
}

thread_local! {
    static SEEN: RefCell<VerifiedSignatures> = RefCell::new(VerifiedSignatures::default());
    static HELD: RefCell<JwksCache> = RefCell::new(JwksCache::default());
}

/// How long to leave a fetch of another request alone before looking again.
const WAIT: Duration = Duration::from_millis(20);

/// The key called `kid`, fetching the set when that is due.
async fn find_key(kid: &str, url: &Url) -> Result<RsaKey, KeyLookupError> {
    let patience = edge::clock::now().plus(2 * FETCH_MS_MAX);
    loop {
        let now = edge::clock::now();
        if patience < now {
            return Err(unavailable("those who fetch the JWKS do not come to an end"));
        }
        match HELD.with_borrow(|held| held.decide(kid, now)) {
            KeyDecision::Use(key) => return Ok(key),
            KeyDecision::Unknown => return Err(KeyLookupError::UnknownKey),
            KeyDecision::Unavailable => {
                return Err(unavailable("there is no set, and the last fetch has failed just now"));
            }
            KeyDecision::Wait => Delay::from(WAIT).await,
            KeyDecision::Fetch => {
                HELD.with_borrow_mut(|held| held.fetch_started(now));
                let fetched = fetch_jwks(url).await;
                if let Err(error) = &fetched {
                    tracing::warn!(error, "the JWKS could not be fetched");
                }
                let ended = edge::clock::now();
                HELD.with_borrow_mut(|held| held.fetch_finished(now, fetched.ok(), ended));
            }
        }
    }
}

/// Fetches the set. Redirects are not followed: the address comes from the configuration alone.
async fn fetch_jwks(url: &Url) -> Result<std::collections::BTreeMap<String, RsaKey>, String> {
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
        let announced = body::content_length(answer.headers());
        let body = body::read_up_to(JWKS_BYTES_MAX, announced, answer.stream()).await;
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
