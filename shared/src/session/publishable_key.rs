//! Parses Clerk's publishable key, which is public and identifies the instance.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use super::candidate::InstanceType;

/// Clerk writes the key with padding and without.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Characters of the suffix that distinguishes the cookies of two instances on one domain.
const SUFFIX_CHARS: usize = 8;

/// Why a text is not a publishable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a publishable key: expected `pk_test_` or `pk_live_` followed by the base64 of `<host>$`"
)]
pub struct PublishableKeyError;

/// A parsed publishable key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey {
    frontend_api: String,
    cookie_suffix: String,
    instance_type: InstanceType,
}

impl PublishableKey {
    /// Parses `pk_test_…` or `pk_live_…`.
    ///
    /// # Errors
    /// [`PublishableKeyError`] for anything else. The rules are those of clerk/javascript,
    /// `packages/shared/src/keys.ts`.
    pub fn parse(key: &str) -> Result<Self, PublishableKeyError> {
        let test = key.strip_prefix("pk_test_").map(|encoded| (encoded, InstanceType::Development));
        let live = key.strip_prefix("pk_live_").map(|encoded| (encoded, InstanceType::Production));
        let (encoded, instance_type) = test.or(live).ok_or(PublishableKeyError)?;
        let decoded = BASE64_LENIENT.decode(encoded).map_err(|_| PublishableKeyError)?;
        let decoded = String::from_utf8(decoded).map_err(|_| PublishableKeyError)?;
        let host = decoded.strip_suffix('$').ok_or(PublishableKeyError)?;
        if !is_host(host) {
            return Err(PublishableKeyError);
        }
        Ok(Self { frontend_api: host.to_owned(), cookie_suffix: suffix(key), instance_type })
    }

    /// Production or development.
    #[must_use]
    pub fn instance_type(&self) -> InstanceType {
        self.instance_type
    }

    /// The host of the instance's Frontend API.
    #[must_use]
    pub fn frontend_api(&self) -> &str {
        &self.frontend_api
    }

    /// The instance's issuer (`iss`).
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://{}", self.frontend_api)
    }

    /// The URL of the instance's JWKS.
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

/// A name with a dot, and nothing that could end the host in a URL. A port is allowed: the local
/// test server uses one.
fn is_host(text: &str) -> bool {
    text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'))
}

/// The beginning of the key's SHA-1 in base64url. SHA-1 is not used for security here.
fn suffix(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha1::digest(key)).chars().take(SUFFIX_CHARS).collect()
}
