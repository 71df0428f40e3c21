//! Public keys of an issuer of tokens, and RSA by WebCrypto. `ssr` verifies Clerk's session tokens
//! with it, `console` the assertions of Cloudflare Access: each has one issuer.
//!
//! Per isolate: one set of keys, and each key imported once. The runtime forbids that one request
//! waits for another's I/O, so promises are not shared: a request that finds a fetch running polls.

mod webcrypto;

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use shared::metrics::table::JWKS_FETCHES;
use shared::session::jwks_cache::{FETCH_TIMEOUT_MS, JwksCache, KeyDecision, KeysById};
use shared::session::keys::{self, JWKS_BYTES_MAX, KeySource, RsaKey};
use shared::session::verified_signatures::VerifiedSignatures;
use shared::session::{SignatureStatus, UnverifiedToken};
use url::Url;
use worker::{AbortController, Delay, Fetch, Method, Request, RequestInit, RequestRedirect};

use crate::{body, clock, metrics};

/// Why no signature can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLookupError {
    /// The token has no key id.
    NoKeyId,
    /// The issuer has no key with that id.
    UnknownKey,
    /// The keys are unavailable or WebCrypto failed: no token can be verified now. The reason is in
    /// the log.
    Unavailable,
}

/// 503, with its reason for the log.
fn unavailable(why: &'static str) -> KeyLookupError {
    tracing::warn!(cause = why, "JWKS unavailable");
    KeyLookupError::Unavailable
}

/// Checks a token's signature with the key of its key id, or with the configured one.
///
/// # Errors
/// Why it cannot be checked.
pub async fn check_signature(
    token: &UnverifiedToken<'_>,
    source: &KeySource,
) -> Result<SignatureStatus, KeyLookupError> {
    let key = match source {
        KeySource::Pem(key) => key.clone(),
        KeySource::Jwks(url) => find_key(token.kid().ok_or(KeyLookupError::NoKeyId)?, url).await?,
    };
    if VERIFIED.with_borrow(|verified| verified.contains(token, &key)) {
        return Ok(SignatureStatus::Valid);
    }
    let result = webcrypto::verify(&key, token.signature(), token.signed_bytes()).await;
    let status = result.map_err(|error| {
        tracing::error!(cause = ?error, "WebCrypto verification failed");
        KeyLookupError::Unavailable
    })?;
    if status == SignatureStatus::Valid {
        VERIFIED.with_borrow_mut(|verified| verified.insert(token, &key));
    }
    Ok(status)
}

thread_local! {
    static VERIFIED: RefCell<VerifiedSignatures> = RefCell::new(VerifiedSignatures::default());
    static JWKS: RefCell<JwksCache> = RefCell::new(JwksCache::default());
}

/// The poll interval while another request fetches.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Finds the key with the id `kid`; fetches the set when that is due.
async fn find_key(kid: &str, url: &Url) -> Result<RsaKey, KeyLookupError> {
    let deadline = clock::now().plus(2 * FETCH_TIMEOUT_MS);
    loop {
        let now = clock::now();
        if deadline < now {
            return Err(unavailable("timed out waiting for another request's JWKS fetch"));
        }
        match JWKS.with_borrow(|jwks| jwks.decide(kid, now)) {
            KeyDecision::Use(key) => return Ok(key),
            KeyDecision::UnknownKey => return Err(KeyLookupError::UnknownKey),
            KeyDecision::Unavailable => {
                return Err(unavailable("no JWKS cached, and the last fetch failed moments ago"));
            }
            KeyDecision::Wait => Delay::from(POLL_INTERVAL).await,
            KeyDecision::Fetch => {
                JWKS.with_borrow_mut(|jwks| jwks.fetch_started(now));
                let fetched = fetch_jwks(url).await;
                if let Err(error) = &fetched {
                    tracing::warn!(cause = error, "JWKS fetch failed");
                }
                let result = if fetched.is_ok() { "ok" } else { "failed" };
                metrics::count(&JWKS_FETCHES, &[metrics::worker(), result], 1);
                let ended = clock::now();
                JWKS.with_borrow_mut(|jwks| jwks.fetch_finished(now, fetched.ok(), ended));
            }
        }
    }
}

/// Fetches the set. Redirects are not followed: the address comes from the configuration alone.
async fn fetch_jwks(url: &Url) -> Result<KeysById, String> {
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
        let declared = body::content_length(answer.headers());
        let body = body::read_up_to(JWKS_BYTES_MAX, declared, answer.stream()).await;
        body.map_err(|error| error.to_string())
    };
    let deadline = Delay::from(Duration::from_millis(FETCH_TIMEOUT_MS.unsigned_abs()));
    let body = match select(Box::pin(reading), deadline).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(format!("timed out after {FETCH_TIMEOUT_MS} ms")),
    };
    if body.is_err() {
        // Stop the download.
        abort.abort();
    }
    let mut set = keys::from_jwks(&body?).map_err(|error| error.to_string())?;
    // Anyone can sign with the key of Clerk's own tests.
    set.retain(|_, key| !key.is_test_key());
    if set.is_empty() {
        return Err("JWKS contains only Clerk's published test key".to_owned());
    }
    Ok(set)
}
