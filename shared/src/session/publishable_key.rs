//! Clerk's publishable key: public, and enough to know the instance by.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use super::candidate::InstanceType;

/// Clerk writes the key with padding and without.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Characters of the suffix that tells cookies of two instances on one domain apart.
const SUFFIX_CHARS: usize = 8;

/// Why a text is not a publishable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a publishable key: `pk_test_` or `pk_live_` and the base64 of `<host>$` expected")]
pub struct PublishableKeyError;

/// A publishable key that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey {
    frontend_api: String,
    cookie_suffix: String,
    stage: InstanceType,
}

impl PublishableKey {
    /// Reads `pk_test_…` or `pk_live_…`.
    ///
    /// # Errors
    /// [`PublishableKeyError`] when it is anything else. The rules are those of clerk/javascript,
    /// `packages/shared/src/keys.ts`.
    pub fn parse(key: &str) -> Result<Self, PublishableKeyError> {
        let test = key.strip_prefix("pk_test_").map(|encoded| (encoded, InstanceType::Development));
        let live = key.strip_prefix("pk_live_").map(|encoded| (encoded, InstanceType::Production));
        let (encoded, stage) = test.or(live).ok_or(PublishableKeyError)?;
        let decoded = LOOSE.decode(encoded).map_err(|_| PublishableKeyError)?;
        let decoded = String::from_utf8(decoded).map_err(|_| PublishableKeyError)?;
        let host = decoded.strip_suffix('$').ok_or(PublishableKeyError)?;
        if !is_host(host) {
            return Err(PublishableKeyError);
        }
        Ok(Self { frontend_api: host.to_owned(), cookie_suffix: suffix(key), stage })
    }

    /// What the instance is for.
    #[must_use]
    pub fn stage(&self) -> InstanceType {
        self.stage
    }

    /// The host of the instance's Frontend API.
    #[must_use]
    pub fn frontend_api(&self) -> &str {
        &self.frontend_api
    }

    /// What the instance writes into `iss`.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://{}", self.frontend_api)
    }

    /// Where the instance publishes its keys.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("https://{}/.well-known/jwks.json", self.frontend_api)
    }

    /// The suffix of the instance's cookies.
    #[must_use]
    pub fn cookie_suffix(&self) -> &str {
        &self.cookie_suffix
    }
}

/// A name with a dot in it, and nothing that could end the host in a URL. A port may follow: a
/// stand-in on the loopback needs one.
fn is_host(text: &str) -> bool {
    text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'))
}

/// The beginning of the key's SHA-1 in base64url. SHA-1 only names the cookie here.
fn suffix(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha1::digest(key)).chars().take(SUFFIX_CHARS).collect()
}
