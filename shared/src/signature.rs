//! Verifies Svix signatures of webhook deliveries.
//!
//! Svix's scheme `v1`, which Clerk uses: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`.
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
//!
//! This module is stricter than Svix's own libraries: a sign before the timestamp, a dot in the id
//! and a header sent twice are rejected.
//!
//! The signature covers raw bytes: the body need not be UTF-8; never parse and re-serialize it.

mod header_name;
mod headers;
mod error;
mod secrets;

pub use error::SignatureError;
pub use header_name::SvixHeaderName;
pub use headers::SvixHeaders;
pub use secrets::{KEY_BYTES_MIN, KEY_BYTES_STRONG, WebhookSecretError, WebhookSecrets};

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::id::SvixId;
use crate::time::UnixMillis;

/// The allowed difference in seconds between a timestamp and our clock, as in Svix's libraries.
pub const TOLERANCE_S: i64 = 300;

/// Our limit: bytes in a signature header. Sixteen entries of `v1` take less than 1 KB.
pub const SIGNATURE_BYTES_MAX: usize = 4096;

/// Our limit: entries in a signature header. Svix sends one per active secret of the endpoint.
pub const SIGNATURE_ENTRIES_MAX: usize = 16;

/// Our limit: digits in a timestamp. A number of this many digits still fits into `i64` as
/// milliseconds.
const TIMESTAMP_DIGITS_MAX: usize = 15;

/// An HMAC-SHA256 tag.
type HmacTag = [u8; 32];

/// Verifies a delivery at time `now`, against every secret.
///
/// All headers are checked before the first HMAC. Then every secret is compared with every entry,
/// in constant time and without an early exit: the duration reveals nothing about a match.
/// A valid delivery that is sent again within [`TOLERANCE_S`] is accepted again; the consumer must
/// be idempotent.
///
/// # Errors
/// A [`SignatureError`] with the first reason found. It is for our log: the response to the sender
/// must not depend on it.
pub fn verify<'a>(
    headers: &SvixHeaders,
    body: &'a [u8],
    secrets: &WebhookSecrets,
    now: UnixMillis,
) -> Result<VerifiedBody<'a>, SignatureError> {
    UnverifiedDelivery::parse(headers, now)?.verify(body, secrets)
}

/// The parsed headers of a delivery: id, timestamp and signatures. They are well-formed but not
/// verified.
#[derive(Clone, Debug)]
pub struct UnverifiedDelivery<'h> {
    raw_id: &'h str,
    raw_timestamp: &'h str,
    id: SvixId,
    attempted_at: UnixMillis,
    tags: Vec<HmacTag>,
}

impl<'h> UnverifiedDelivery<'h> {
    /// Checks the headers at time `now`, before the body is read.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn parse(headers: &'h SvixHeaders, now: UnixMillis) -> Result<Self, SignatureError> {
        let headers = headers.sent_set()?;
        let raw_id = headers.value(SvixHeaderName::Id)?;
        let raw_timestamp = headers.value(SvixHeaderName::Timestamp)?;
        let raw_signature = headers.value(SvixHeaderName::Signature)?;

        let id = SvixId::parse(raw_id).map_err(SignatureError::BadId)?;
        let attempted_at = parse_recent_timestamp(raw_timestamp, now)?;
        let tags = parse_v1_tags(raw_signature)?;
        if tags.is_empty() {
            return Err(SignatureError::NoMatchingSignature);
        }
        Ok(Self { raw_id, raw_timestamp, id, attempted_at, tags })
    }

    /// Verifies the signature over the whole body, against every secret.
    ///
    /// # Errors
    /// [`SignatureError::NoMatchingSignature`].
    pub fn verify<'a>(
        self,
        body: &'a [u8],
        secrets: &WebhookSecrets,
    ) -> Result<VerifiedBody<'a>, SignatureError> {
        let signed = [self.raw_id.as_bytes(), self.raw_timestamp.as_bytes(), body];
        if !secrets.any_matches(&signed, &self.tags) {
            return Err(SignatureError::NoMatchingSignature);
        }
        Ok(VerifiedBody { bytes: body, id: self.id, attempted_at: self.attempted_at })
    }
}

/// A request body with a verified signature. Constructed only by [`UnverifiedDelivery::verify`] and
/// [`verify`].
///
/// ```
/// use shared::{signature::{SignatureError, SvixHeaders, WebhookSecrets, VerifiedBody, verify},
/// time::UnixMillis};
///
/// fn open<'a>(headers: &SvixHeaders, body: &'a [u8]) -> Result<VerifiedBody<'a>, SignatureError> {
///     let secrets = WebhookSecrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
///     verify(headers, body, &secrets, UnixMillis(1_614_265_330_000))
/// }
/// assert!(open(&SvixHeaders::default(), b"{}").is_err());
/// ```
///
/// It cannot be constructed elsewhere:
///
/// ```compile_fail,E0451
/// use shared::{id::SvixId, signature::VerifiedBody, time::UnixMillis};
///
/// fn forge(id: SvixId) -> VerifiedBody<'static> {
///     VerifiedBody { bytes: b"{}", id, attempted_at: UnixMillis(0) }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedBody<'a> {
    bytes: &'a [u8],
    id: SvixId,
    attempted_at: UnixMillis,
}

impl<'a> VerifiedBody<'a> {
    /// The raw body that was signed.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The delivery's id, the same for each attempt.
    #[must_use]
    pub const fn id(&self) -> &SvixId {
        &self.id
    }

    /// When this attempt was signed, in whole seconds. Each attempt has its own time.
    #[must_use]
    pub const fn attempted_at(&self) -> UnixMillis {
        self.attempted_at
    }
}

/// Omits the body, which contains personal data.
impl fmt::Debug for VerifiedBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody")
            .field("id", &self.id)
            .field("attempted_at", &self.attempted_at)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Parses the timestamp and checks its age in whole seconds, as it is signed.
fn parse_recent_timestamp(raw: &str, now: UnixMillis) -> Result<UnixMillis, SignatureError> {
    let signed_s = seconds(raw).ok_or(SignatureError::BadTimestamp)?;
    let age_s = now.0.div_euclid(1000) - signed_s;
    if TOLERANCE_S < age_s {
        return Err(SignatureError::TimestampTooOld { age_s });
    }
    if age_s < -TOLERANCE_S {
        return Err(SignatureError::TimestampInFuture { ahead_s: -age_s });
    }
    Ok(UnixMillis(signed_s * 1000))
}

/// Canonical decimal only, because the signed text and the parsed number must agree.
fn seconds(raw: &str) -> Option<i64> {
    let plain = raw.bytes().all(|b| b.is_ascii_digit()) && (raw == "0" || !raw.starts_with('0'));
    if !plain || TIMESTAMP_DIGITS_MAX < raw.len() {
        return None;
    }
    raw.parse().ok()
}

/// The tags of a signature header's `v1` entries.
///
/// An entry is `version,base64`. An entry without a comma, with another version, or with an invalid
/// tag is skipped; more commas mean two joined headers, which are rejected.
///
/// A skipped entry takes less time than a compared tag, which a sender can measure
/// (`cargo xtask sim timing`). The timing reveals only the form of the input, no secret: no key is
/// used here.
fn parse_v1_tags(header: &str) -> Result<Vec<HmacTag>, SignatureError> {
    if SIGNATURE_BYTES_MAX < header.len() {
        return Err(SignatureError::HeaderTooLong { bytes: header.len() });
    }
    if !header.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err(SignatureError::MalformedSignature);
    }
    let entries = header.split(' ').filter(|entry| !entry.is_empty());
    let count = entries.clone().count();
    if SIGNATURE_ENTRIES_MAX < count {
        return Err(SignatureError::TooManySignatures { entries: count });
    }

    let mut tags = Vec::new();
    for entry in entries {
        let Some((version, text)) = entry.split_once(',') else {
            continue;
        };
        if version.is_empty() || text.is_empty() || text.contains(',') {
            return Err(SignatureError::MalformedSignature);
        }
        if version == "v1" {
            tags.extend(tag(text));
        }
    }
    Ok(tags)
}

/// Strict base64: each tag has one spelling, so no altered signature text is accepted.
fn tag(text: &str) -> Option<HmacTag> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
