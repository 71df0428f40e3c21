//! Why a signature is rejected.

use super::header_name::SvixHeaderName;
use super::{SIGNATURE_BYTES_MAX, SIGNATURE_ENTRIES_MAX, TOLERANCE_S};
use crate::id::IdError;

/// Why a signature is rejected. Contains no part of the body, of a secret or of an expected tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Both sets of headers are present: it is unclear which set is signed.
    #[error("both svix-* and webhook-* headers")]
    MixedHeaderSets,
    /// Absent or blank.
    #[error("missing {0} header")]
    MissingHeader(SvixHeaderName),
    /// The id could shift the field boundaries of the signed text, or is two joined headers.
    #[error("invalid id header: {0}")]
    BadId(IdError),
    /// Not plain decimal digits without a leading zero, or too many of them.
    #[error("timestamp header is not a decimal number of seconds")]
    BadTimestamp,
    /// Signed too long ago.
    #[error("timestamp is {age_s} s old, at most {TOLERANCE_S} s allowed")]
    TimestampTooOld {
        /// Seconds since the timestamp.
        age_s: i64,
    },
    /// Signed in the future, by our clock.
    #[error("timestamp is {ahead_s} s in the future, at most {TOLERANCE_S} s allowed")]
    TimestampInFuture {
        /// Seconds until the timestamp.
        ahead_s: i64,
    },
    /// More than [`SIGNATURE_BYTES_MAX`].
    #[error("signature header has {bytes} bytes, at most {SIGNATURE_BYTES_MAX} allowed")]
    HeaderTooLong {
        /// Bytes in the header.
        bytes: usize,
    },
    /// More than [`SIGNATURE_ENTRIES_MAX`].
    #[error("signature header has {entries} entries, at most {SIGNATURE_ENTRIES_MAX} allowed")]
    TooManySignatures {
        /// Entries in the header.
        entries: usize,
    },
    /// An entry with an extra comma, or a character that is neither visible ASCII nor a space.
    #[error("malformed signature header")]
    MalformedSignature,
    /// No `v1` entry is the signature of this delivery with any of the secrets.
    #[error("no signature matches")]
    NoMatchingSignature,
}

impl SignatureError {
    /// The value of `reason`, as a label of metrics and in the log.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::MixedHeaderSets => "mixed-headers",
            Self::MissingHeader(_) => "missing-header",
            Self::BadId(_)
            | Self::BadTimestamp
            | Self::HeaderTooLong { .. }
            | Self::TooManySignatures { .. }
            | Self::MalformedSignature => "bad-header",
            Self::TimestampTooOld { .. } => "too-old",
            Self::TimestampInFuture { .. } => "in-future",
            Self::NoMatchingSignature => "bad-signature",
        }
    }
}
