//! The webhook secrets: compared in constant time, never printed.

use std::fmt;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use super::HmacTag;

/// The prefix of a symmetric secret; it is optional.
const PREFIX: &str = "whsec_";

/// The prefixes of Svix's asymmetric keys, public and private: neither may serve as a secret.
const PREFIXES_ASYMMETRIC: [&str; 2] = ["whpk_", "whsk_"];

/// Our limit: bytes in a key. Shorter ones are typing errors or could be guessed.
pub const KEY_BYTES_MIN: usize = 16;

/// The minimum of bytes in a key by the Standard Webhooks specification; Svix's keys have this
/// many.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub const KEY_BYTES_STRONG: usize = 24;

/// Secrets are pasted by hand: padding may be missing and trailing bits may be non-zero.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One or several webhook secrets: while a secret is being replaced, both are accepted.
///
/// There is at least one, and none is empty: anybody could sign with an empty key.
pub struct WebhookSecrets(Vec<HmacKey>);

struct HmacKey {
    keyed: Hmac<Sha256>,
    bytes: usize,
}

impl WebhookSecrets {
    /// Parses one or several secrets, separated by spaces, line ends or commas.
    ///
    /// One invalid secret invalidates the list, so that the operator notices now and not when Svix
    /// starts to sign with it.
    ///
    /// # Errors
    /// [`WebhookSecretError`], with the position in the list and nothing of the secret.
    pub fn parse(raw: &str) -> Result<Self, WebhookSecretError> {
        let keys = raw
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|secret| !secret.is_empty())
            .zip(1..)
            .map(|(secret, position)| HmacKey::parse(secret, position))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(WebhookSecretError::Missing);
        }
        Ok(Self(keys))
    }

    /// The number of keys: more than one while a secret is being replaced.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// The number of keys shorter than [`KEY_BYTES_STRONG`]: accepted with a warning.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.0.iter().filter(|key| key.bytes < KEY_BYTES_STRONG).count()
    }

    /// Returns whether any tag is the HMAC of `parts`, joined by dots, with any of the keys.
    ///
    /// Compares every key with every tag (constant time).
    pub(super) fn any_matches(&self, parts: &[&[u8]; 3], tags: &[HmacTag]) -> bool {
        let mut found = Choice::from(0);
        for key in &self.0 {
            let expected = key.tag(parts);
            for tag in tags {
                found |= tag.as_slice().ct_eq(expected.as_slice());
            }
        }
        found.into()
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecrets([redacted])")
    }
}

impl HmacKey {
    fn parse(secret: &str, position: usize) -> Result<Self, WebhookSecretError> {
        if PREFIXES_ASYMMETRIC.iter().any(|prefix| secret.starts_with(prefix)) {
            return Err(WebhookSecretError::Asymmetric { position });
        }
        let text = secret.strip_prefix(PREFIX).unwrap_or(secret);
        let key = BASE64_LENIENT
            .decode(text)
            .map_err(|_| WebhookSecretError::Undecodable { position })?;
        if key.len() < KEY_BYTES_MIN {
            return Err(WebhookSecretError::Short { position, bytes: key.len() });
        }
        let keyed =
            Hmac::new_from_slice(&key).map_err(|_| WebhookSecretError::Undecodable { position })?;
        Ok(Self { keyed, bytes: key.len() })
    }

    fn tag(&self, [id, timestamp, body]: &[&[u8]; 3]) -> HmacTag {
        let mac = self.keyed.clone().chain_update(id).chain_update(b".");
        let mac = mac.chain_update(timestamp).chain_update(b".").chain_update(body);
        mac.finalize().into_bytes().into()
    }
}

/// Why the secrets are invalid. Positions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// Only separators.
    #[error("no webhook secret")]
    Missing,
    /// Not standard base64 after the optional `whsec_`.
    #[error("webhook secret {position} is not base64")]
    Undecodable {
        /// Which secret of the list.
        position: usize,
    },
    /// Fewer bytes than [`KEY_BYTES_MIN`]; `whsec_` alone has none.
    #[error("webhook secret {position} has {bytes} bytes, fewer than {KEY_BYTES_MIN}")]
    Short {
        /// Which secret of the list.
        position: usize,
        /// Bytes after decoding.
        bytes: usize,
    },
    /// A key of the ed25519 scheme, `whpk_…` or `whsk_…`. As an HMAC key it could be public.
    #[error("webhook secret {position} is an asymmetric key (whpk_/whsk_); expected whsec_…")]
    Asymmetric {
        /// Which secret of the list.
        position: usize,
    },
}
