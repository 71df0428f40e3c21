//! The answer table. Rich for the log, mute for the sender: every failed signature looks alike.
//!
//! Never a redirect, never 410, never `webhook-delivery: abort-message`: Svix would stop trying.

use serde_json::json;
use shared::settings::SettingError;
use worker::{Response, Result};

use crate::admission::{AcceptedDelivery, IngestError};

/// Seconds after which Svix may try again when the queue is down.
const QUEUE_RETRY_AFTER_S: &str = "30";

/// Seconds after which the bodies that are on their way in have come or are given up.
const OVERFULL_RETRY_AFTER_S: &str = "5";

/// Seconds after which an address that flooded the door may try again: the limiter's period in
/// `wrangler.toml`.
const FLOOD_RETRY_AFTER_S: &str = "60";

impl IngestError {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Misconfigured(_) => 500,
            Self::Signature(_) | Self::ContentEncoded => 401,
            Self::TooLarge { .. } => 413,
            Self::Aborted => 400,
            // The sender's whole request did not come in the time that it has: RFC 9110, section
            // 15.5.9. Like whatever else is not 2xx, Svix sends it again.
            Self::Timeout => 408,
            Self::RateLimited => 429,
            Self::ForeignInstance => 403,
            Self::QueueUnavailable(_) | Self::OverCapacity => 503,
        }
    }

    /// What the sender is told, one word for programs and a sentence for people.
    fn public_error(&self) -> (&'static str, &'static str) {
        match self {
            Self::Misconfigured(_) => {
                ("misconfigured", "the receiver is misconfigured; its log says how")
            }
            Self::Signature(_) | Self::ContentEncoded => {
                ("unauthorized", "the delivery could not be verified")
            }
            Self::TooLarge { .. } => ("too_large", "the body is larger than this receiver takes"),
            Self::Aborted => ("aborted", "the body ended early"),
            Self::Timeout => ("late", "the body did not come in time; try again"),
            Self::OverCapacity => ("overfull", "too much is on its way in; try again"),
            Self::RateLimited => {
                ("too_many_requests", "too many requests that could not be verified")
            }
            Self::ForeignInstance => {
                ("foreign_instance", "the delivery is of another instance than the one set here")
            }
            Self::QueueUnavailable(_) => {
                ("unavailable", "the delivery could not be queued; try again")
            }
        }
    }

    /// Whether somebody should look now: the door itself is broken, not what came to it.
    pub(crate) fn needs_operator(&self) -> bool {
        match self {
            Self::ForeignInstance | Self::OverCapacity | Self::QueueUnavailable(_) => true,
            // Told once, when it is read.
            Self::Misconfigured(_)
            | Self::Signature(_)
            | Self::ContentEncoded
            | Self::TooLarge { .. }
            | Self::Aborted
            | Self::Timeout
            | Self::RateLimited => false,
        }
    }

    /// Whether it may be a stranger's: nothing that was refused so was seen to be signed.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        match self {
            Self::Signature(_)
            | Self::ContentEncoded
            | Self::TooLarge { .. }
            | Self::Aborted
            | Self::Timeout
            | Self::OverCapacity
            | Self::RateLimited => true,
            Self::Misconfigured(_) | Self::ForeignInstance | Self::QueueUnavailable(_) => false,
        }
    }

    /// Seconds after which trying again may help, where that is known.
    fn retry_after_s(&self) -> Option<&'static str> {
        match self {
            Self::QueueUnavailable(_) => Some(QUEUE_RETRY_AFTER_S),
            Self::RateLimited => Some(FLOOD_RETRY_AFTER_S),
            Self::OverCapacity => Some(OVERFULL_RETRY_AFTER_S),
            Self::Misconfigured(_)
            | Self::Signature(_)
            | Self::ContentEncoded
            | Self::TooLarge { .. }
            | Self::Aborted
            | Self::Timeout
            | Self::ForeignInstance => None,
        }
    }
}

pub(crate) fn response(
    outcome: &std::result::Result<AcceptedDelivery, IngestError>,
) -> Result<Response> {
    match outcome {
        Ok(accepted) => edge::reply::json(202, &json!({ "id": accepted.id })),
        Err(rejection) => {
            let (error, message) = rejection.public_error();
            let body = json!({ "error": error, "message": message });
            let retry = rejection.retry_after_s().map(|seconds| ("retry-after", seconds));
            edge::reply::with_headers(rejection.status(), &body, retry.as_slice())
        }
    }
}

/// Whether the door could accept a delivery, and what is wrong if not.
pub(crate) fn health(mistakes: &[SettingError]) -> Result<Response> {
    let (status, health) = edge::settings::health(mistakes);
    edge::reply::json(status, &health)
}

pub(crate) fn not_found() -> Result<Response> {
    let body = json!({ "error": "not_found", "message": "there is POST /webhooks/clerk" });
    edge::reply::json(404, &body)
}

pub(crate) fn not_allowed(allow: &str) -> Result<Response> {
    let body = json!({ "error": "method_not_allowed", "message": format!("allowed: {allow}") });
    edge::reply::with_headers(405, &body, &[("allow", allow)])
}
