//! The lock on the door: is a delivery genuine, whole and recent?
//!
//! Svix's scheme `v1`, which Clerk uses: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`.
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>. Where Svix's own libraries
//! shrug (a sign before the timestamp, a dot in the id, a header sent twice) this one refuses.
//! It covers bytes: the body need not be UTF-8, and must never be parsed and printed again.

mod headers;
mod error;
mod secrets;

pub use error::SignatureError;
pub use headers::{SvixHeaderName, SvixHeaders};
pub use secrets::{KEY_BYTES_MIN, KEY_BYTES_STRONG, WebhookSecretError, WebhookSecrets};

use crate::id::SvixId;
use crate::time::UnixMillis;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Seconds that an attempt's timestamp may lie before or after our clock, as in Svix's libraries.
pub const TOLERANCE_S: i64 = 300;

/// Ours: bytes in a signature header. Sixteen entries of `v1` take less than 1 KB.
pub const SIGNATURE_BYTES_MAX: usize = 4096;

/// Ours: entries in a signature header. Svix sends one for each live secret of the endpoint.
pub const SIGNATURE_ENTRIES_MAX: usize = 16;

/// Ours: digits in a timestamp. More would not be seconds, and this many fit milliseconds in `i64`.
const TIMESTAMP_DIGITS_MAX: usize = 15;

/// An HMAC-SHA256 tag.
type HmacTag = [u8; 32];

/// Checks a delivery against every secret, with `now` as the clock.
///
/// All headers are judged before the first HMAC. Then every secret is compared with every entry,
/// in constant time and without an early exit: the time taken tells nothing of a match.
/// A genuine delivery that is sent again within [`TOLERANCE_S`] passes again; whoever applies it
/// must not mind repetition.
///
/// # Errors
/// A [`SignatureError`] with the first reason found. It is for our log: the answer to the sender
/// must not depend on it.
pub fn verify<'a>(
    headers: &SvixHeaders,
    body: &'a [u8],
    secrets: &WebhookSecrets,
    now: UnixMillis,
) -> Result<VerifiedBody<'a>, SignatureError> {
    UnverifiedDelivery::parse(headers, now)?.verify(body, secrets)
}

/// What the headers of a delivery claim: who it is, when it was signed, and the signatures. Nothing
/// of it is proved, and there is no reason yet to refuse it: its body is worth reading.
#[derive(Clone, Debug)]
pub struct UnverifiedDelivery<'h> {
    raw_id: &'h str,
    raw_timestamp: &'h str,
    id: SvixId,
    attempted_at: UnixMillis,
    tags: Vec<HmacTag>,
}

impl<'h> UnverifiedDelivery<'h> {
    /// Judges the headers, with `now` as the clock. What is missing, malformed, stale or without a
    /// tag to compare is refused whatever the body is.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn parse(headers: &'h SvixHeaders, now: UnixMillis) -> Result<Self, SignatureError> {
        let family = headers.family()?;
        let raw_id = family.text(SvixHeaderName::Id)?;
        let raw_timestamp = family.text(SvixHeaderName::Timestamp)?;
        let raw_signature = family.text(SvixHeaderName::Signature)?;

        let id = SvixId::parse(raw_id).map_err(SignatureError::BadId)?;
        let attempted_at = parse_recent_timestamp(raw_timestamp, now)?;
        let tags = parse_v1_tags(raw_signature)?;
        if tags.is_empty() {
            return Err(SignatureError::NoMatchingSignature);
        }
        Ok(Self { raw_id, raw_timestamp, id, attempted_at, tags })
    }

    /// Checks the claim on the whole body, against every secret.
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

/// A request body whose signature was checked. Only [`UnverifiedDelivery::verify`] makes one, and
/// [`verify`] by it.
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
/// Nobody else can:
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
    /// The raw body, as it was signed.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The delivery's id, the same for each attempt at it.
    #[must_use]
    pub const fn id(&self) -> &SvixId {
        &self.id
    }

    /// When this attempt was signed, in whole seconds. Another attempt at it has another time.
    #[must_use]
    pub const fn attempted_at(&self) -> UnixMillis {
        self.attempted_at
    }
}

/// Without the body, which holds personal data.
impl fmt::Debug for VerifiedBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody")
            .field("id", &self.id)
            .field("attempted_at", &self.attempted_at)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Reads the timestamp and judges it in whole seconds, as it is signed.
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

/// One spelling for each number: the text is signed, the number is judged, and they must agree.
fn seconds(raw: &str) -> Option<i64> {
    let plain = raw.bytes().all(|b| b.is_ascii_digit()) && (raw == "0" || !raw.starts_with('0'));
    if !plain || TIMESTAMP_DIGITS_MAX < raw.len() {
        return None;
    }
    raw.parse().ok()
}

/// The tags of a signature header's `v1` entries.
///
/// An entry is `version,base64`. One without a comma, of another version, or whose text is no tag
/// is passed over; any other comma is the seam of two joined headers and spoils the whole.
///
/// What is passed over takes less time than a tag that is compared, and a stranger can measure
/// that (`cargo xtask sim timing`). It tells the form of what they sent, and nothing of a secret:
/// no key is looked at here.
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

/// Strict: each tag has one spelling, so that no altered text of a signature still passes.
fn tag(text: &str) -> Option<HmacTag> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
