//! The rate limiter `INGEST_LIMIT`. Only this file names it.
//!
//! It counts what was refused as not signed, too large, encoded or too slow, by address. A flood of
//! that is answered 429; a delivery that is accepted is never counted, whoever shares its sender's
//! address: Svix sends for many, and a stranger may be one of them.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::{Delay, Env, Request};

/// Ours: all the time that the limiter gets, milliseconds. It answers from the same machine.
const ANSWER_MS_MAX: u64 = 250;

/// Whether the address that sent `request` has now sent too much that no secret signed.
///
/// Counts are kept by each of Cloudflare's locations for itself. Where the limiter is absent, fails
/// or is slow nobody is flooding: the request is refused all the same.
/// <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>
pub(crate) async fn is_rate_limited(request: &Request, env: &Env) -> bool {
    // Cloudflare sets this header itself, whatever the client says.
    let address = request.headers().get("cf-connecting-ip").ok().flatten().unwrap_or_default();
    let Ok(limiter) = env.rate_limiter("INGEST_LIMIT") else {
        tracing::error!("INGEST_LIMIT is not bound: copy its block from wrangler.toml");
        return false;
    };
    let counted = Box::pin(limiter.limit(rate_limit_key(&address)));
    match select(counted, Delay::from(Duration::from_millis(ANSWER_MS_MAX))).await {
        Either::Left((Ok(outcome), _)) => !outcome.success,
        Either::Left((Err(error), _)) => {
            tracing::error!(%error, "the rate limiter failed");
            false
        }
        Either::Right(_) => {
            tracing::error!("the rate limiter did not answer in time");
            false
        }
    }
}

/// What is counted together: an IPv4 address, or the /48 of an IPv6 address, since a site may have
/// that whole and send from each of its 2^80 addresses (RFC 6177, section 2).
fn rate_limit_key(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => format!("{:x}/48", v6.to_bits() >> 80),
        },
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        // Only where no Cloudflare stands before the Worker.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::rate_limit_key;

    #[test]
    fn w_22_a_network_of_ipv6_counts_as_one() {
        assert_eq!(rate_limit_key("2001:db8:1:2::1"), rate_limit_key("2001:db8:1:ffff:ffff::9"));
        assert_ne!(rate_limit_key("2001:db8:1:2::1"), rate_limit_key("2001:db8:2:2::1"));
        assert_ne!(rate_limit_key("192.0.2.1"), rate_limit_key("192.0.2.2"));
        assert_eq!(rate_limit_key("::ffff:192.0.2.1"), rate_limit_key("192.0.2.1"));
        assert_eq!(rate_limit_key(""), rate_limit_key("192.0.2.1, 192.0.2.2"));
    }
}
