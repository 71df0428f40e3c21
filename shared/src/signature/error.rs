//! Why a delivery is refused.

use super::{SIGNATURE_BYTES_MAX, SIGNATURE_ENTRIES_MAX, SvixHeaderName, TOLERANCE_S};
use crate::id::IdError;

/// Why a delivery was refused. It holds nothing of the body, of a secret or of an expected tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Headers of both families: which of them was signed is anybody's guess.
    #[error("both svix-* and webhook-* headers")]
    MixedHeaderSets,
    /// Absent or blank.
    #[error("no {0} header")]
    MissingHeader(SvixHeaderName),
    /// The id could move the borders of the signed text, or is two headers in one.
    #[error("bad id header: {0}")]
    BadId(IdError),
    /// Not plain decimal digits without a leading zero, or too many of them.
    #[error("timestamp header is not whole seconds in plain digits")]
    BadTimestamp,
    /// Signed too long ago.
    #[error("signed {age_s} s ago, more than {TOLERANCE_S} s")]
    TimestampTooOld {
        /// Seconds since the timestamp.
        age_s: i64,
    },
    /// Signed ahead of our clock.
    #[error("signed {ahead_s} s ahead, more than {TOLERANCE_S} s")]
    TimestampInFuture {
        /// Seconds until the timestamp.
        ahead_s: i64,
    },
    /// More than [`SIGNATURE_BYTES_MAX`].
    #[error("signature header of {bytes} bytes, more than {SIGNATURE_BYTES_MAX}")]
    HeaderTooLong {
        /// Bytes in the header.
        bytes: usize,
    },
    /// More than [`SIGNATURE_ENTRIES_MAX`].
    #[error("{entries} signatures, more than {SIGNATURE_ENTRIES_MAX}")]
    TooManySignatures {
        /// Entries in the header.
        entries: usize,
    },
    /// An entry with a stray comma, or a character that is neither visible ASCII nor a space.
    #[error("malformed signature header")]
    MalformedSignature,
    /// No `v1` entry is the signature of this delivery under any of the secrets.
    #[error("no signature matches")]
    NoMatchingSignature,
}
