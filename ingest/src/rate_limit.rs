//! The rate limiter `INGEST_LIMIT`. All access to it is in this file.
//!
//! It counts requests that were rejected without a valid signature, per address. Above the limit
//! they are answered 429. Accepted deliveries are never counted: Svix's addresses are shared, and
//! an attacker could send from one of them.

use std::time::Duration;

use futures_util::future::{Either, select};
use shared::admission::rate_limit_key;
use worker::{Delay, Env, Request};

/// Our limit: timeout of the rate limiter, milliseconds. It runs on the same machine.
const LIMITER_TIMEOUT_MS: u64 = 250;

/// Counts a rejected request. Returns whether its address is now over the limit.
///
/// Each Cloudflare location has its own counts. If the limiter is missing, fails or is slow, the
/// result is `false`: the request then gets its normal rejection.
/// <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>
pub(crate) async fn is_rate_limited(request: &Request, env: &Env) -> bool {
    // Cloudflare sets this header itself and overwrites the client's.
    let address = request.headers().get("cf-connecting-ip").ok().flatten().unwrap_or_default();
    let Ok(limiter) = env.rate_limiter("INGEST_LIMIT") else {
        tracing::error!("binding INGEST_LIMIT is missing: copy its block from wrangler.toml");
        return false;
    };
    let counted = Box::pin(limiter.limit(rate_limit_key(&address)));
    match select(counted, Delay::from(Duration::from_millis(LIMITER_TIMEOUT_MS))).await {
        Either::Left((Ok(outcome), _)) => !outcome.success,
        Either::Left((Err(error), _)) => {
            tracing::warn!(cause = %error, "rate limiter failed");
            false
        }
        Either::Right(_) => {
            tracing::warn!("rate limiter timed out");
            false
        }
    }
}
