//! Why a delivery is rejected, and how ingest responds. Details go to the log only: the sender gets
//! the same response for every invalid signature.
//!
//! Never a redirect, never 410, never `webhook-delivery: abort-message`: Svix would stop retrying.

use crate::limits::{UPLOAD_TIMEOUT_MS, UPLOADS_BYTES_MAX};
use crate::settings::SettingError;
use crate::signature::SignatureError;

/// `retry-after` in seconds when the queue is down.
const QUEUE_RETRY_AFTER_S: u32 = 30;

/// `retry-after` in seconds when too many bodies are being uploaded. By then these uploads have
/// ended.
const CAPACITY_RETRY_AFTER_S: u32 = 5;

/// `retry-after` in seconds for an address over the rate limit: the limiter's period in
/// `wrangler.toml`.
pub const RATE_LIMIT_RETRY_AFTER_S: u32 = 60;

/// Why a delivery is rejected.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A setting is missing or invalid.
    #[error("ingest is misconfigured")]
    Misconfigured(Vec<SettingError>),
    /// The headers or the signature are invalid.
    #[error("invalid signature: {0}")]
    Signature(#[from] SignatureError),
    /// The body is declared as compressed.
    #[error("content-encoding is not supported")]
    ContentEncoded,
    /// The body has more bytes than `BODY_BYTES_MAX`, declared or received.
    #[error("body larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The sender closed the connection before the end of the body.
    #[error("request body aborted")]
    Aborted,
    /// The body did not arrive in time.
    #[error("request body not received within {UPLOAD_TIMEOUT_MS} ms")]
    Timeout,
    /// All uploads of this isolate together have reached their limit.
    #[error("concurrent uploads exceed {UPLOADS_BYTES_MAX} bytes")]
    OverCapacity,
    /// The address has sent too many requests without a valid signature.
    #[error("too many unauthenticated requests from this address")]
    RateLimited,
    /// The delivery is from another Clerk instance than the configured one.
    #[error("delivery from another Clerk instance than CLERK_INSTANCE_ID")]
    ForeignInstance,
    /// The queue did not accept the message.
    #[error("queue send failed")]
    QueueUnavailable(String),
}

impl IngestError {
    /// The HTTP status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Misconfigured(_) => 500,
            Self::Signature(_) | Self::ContentEncoded => 401,
            Self::TooLarge { .. } => 413,
            Self::Aborted => 400,
            // The request was not complete in time: RFC 9110, section 15.5.9. Svix retries it, as
            // it does after every other status that is not 2xx.
            Self::Timeout => 408,
            Self::RateLimited => 429,
            Self::ForeignInstance => 403,
            Self::QueueUnavailable(_) | Self::OverCapacity => 503,
        }
    }

    /// The body of the response: an error code for programs and a sentence for people.
    #[must_use]
    pub fn public_error(&self) -> (&'static str, &'static str) {
        match self {
            Self::Misconfigured(_) => ("misconfigured", "receiver is misconfigured; see its log"),
            Self::Signature(_) | Self::ContentEncoded => {
                ("unauthorized", "signature verification failed")
            }
            Self::TooLarge { .. } => ("too_large", "request body is too large"),
            Self::Aborted => ("aborted", "request body was cut off"),
            Self::Timeout => ("late", "request body timed out; retry"),
            Self::OverCapacity => ("overfull", "receiver is overloaded; retry"),
            Self::RateLimited => ("too_many_requests", "too many unverified requests"),
            Self::ForeignInstance => {
                ("foreign_instance", "delivery is from another Clerk instance")
            }
            Self::QueueUnavailable(_) => ("unavailable", "delivery could not be queued; retry"),
        }
    }

    /// Returns whether to log at error level: no later attempt succeeds until somebody changes the
    /// configuration.
    #[must_use]
    pub fn needs_operator(&self) -> bool {
        match self {
            Self::ForeignInstance => true,
            // Svix sends these again; an alert says when that does not help.
            Self::OverCapacity
            | Self::QueueUnavailable(_)
            // Logged when the settings are read.
            | Self::Misconfigured(_)
            | Self::Signature(_)
            | Self::ContentEncoded
            | Self::TooLarge { .. }
            | Self::Aborted
            | Self::Timeout
            | Self::RateLimited => false,
        }
    }

    /// Returns whether the request was rejected without a valid signature. The rate limiter counts
    /// these requests.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
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

    /// The platform's text, if it is the platform that failed.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::QueueUnavailable(cause) => Some(cause),
            Self::Misconfigured(_)
            | Self::Signature(_)
            | Self::ContentEncoded
            | Self::TooLarge { .. }
            | Self::Aborted
            | Self::Timeout
            | Self::OverCapacity
            | Self::RateLimited
            | Self::ForeignInstance => None,
        }
    }

    /// The value of `reason`, as a label of metrics and in the log.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Misconfigured(_) => "misconfigured",
            Self::Signature(error) => error.label(),
            Self::ContentEncoded => "content-encoded",
            Self::TooLarge { .. } => "too-large",
            Self::Aborted => "aborted",
            Self::Timeout => "timeout",
            Self::OverCapacity => "over-capacity",
            Self::RateLimited => "rate-limited",
            Self::ForeignInstance => "foreign-instance",
            Self::QueueUnavailable(_) => "queue-unavailable",
        }
    }

    /// Seconds for the header `retry-after`, if they are known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::QueueUnavailable(_) => Some(QUEUE_RETRY_AFTER_S),
            Self::RateLimited => Some(RATE_LIMIT_RETRY_AFTER_S),
            Self::OverCapacity => Some(CAPACITY_RETRY_AFTER_S),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{IngestError, SignatureError};
    use crate::id::IdError;
    use crate::metrics::labels::DOOR_REFUSAL;
    use crate::signature::SvixHeaderName;

    #[test]
    fn each_label_is_in_the_table_and_no_other() {
        let of_signatures = [
            SignatureError::MixedHeaderSets,
            SignatureError::MissingHeader(SvixHeaderName::Id),
            SignatureError::BadId(IdError::Empty),
            SignatureError::BadTimestamp,
            SignatureError::TimestampTooOld { age_s: 301 },
            SignatureError::TimestampInFuture { ahead_s: 301 },
            SignatureError::HeaderTooLong { bytes: 4097 },
            SignatureError::TooManySignatures { entries: 17 },
            SignatureError::MalformedSignature,
            SignatureError::NoMatchingSignature,
        ];
        let others = [
            IngestError::Misconfigured(vec![]),
            IngestError::ContentEncoded,
            IngestError::TooLarge { max: 1 },
            IngestError::Aborted,
            IngestError::Timeout,
            IngestError::OverCapacity,
            IngestError::RateLimited,
            IngestError::ForeignInstance,
            IngestError::QueueUnavailable(String::new()),
        ];
        let all = of_signatures.map(IngestError::Signature).into_iter().chain(others);
        let labels: BTreeSet<_> = all.map(|error| error.label()).collect();
        assert_eq!(labels, DOOR_REFUSAL.values.iter().copied().collect());
    }
}
