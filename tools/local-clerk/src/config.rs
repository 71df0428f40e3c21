//! The settings of the server, checked at its start.

use std::fmt;
use std::path::PathBuf;

use axum::http::Uri;
use svix::webhooks::Webhook;
use url::Url;

use crate::faults::FaultSwitches;

/// Everything the server needs to start.
#[derive(Debug)]
pub struct ServerConfig {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The applications that users sign in to.
    pub apps: Apps,
    /// The operators' console, to which the sign-in page links.
    pub console: Option<AppUrl>,
    /// Where webhooks go.
    pub webhook_url: WebhookUrl,
    /// The secret that signs the webhooks.
    pub webhook_secret: WebhookSecret,
    /// The key that requests to the Backend API must carry.
    pub secret_key: SecretKey,
    /// Whether a handshake that asks for a nonce gets one, as at Clerk. An application that does
    /// not use this server's Backend API cannot use a nonce; it gets the token.
    pub nonces: bool,
    /// Where the session key is kept.
    pub state_dir: PathBuf,
    /// The fault switches at the start.
    pub faults: FaultSwitches,
    /// The seed for shuffling deliveries: the same seed gives the same order.
    pub seed: u64,
    /// Multiplies the pauses between attempts.
    pub retry_scale: u32,
}

/// Why a setting was refused. The message names the setting and what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no webhook secret.
    #[error(
        "CLERK_WEBHOOK_SECRET is not set: webhooks cannot be signed; set it to the secret that the \
         receiver has, `whsec_` and base64"
    )]
    MissingWebhookSecret,
    /// The webhook secret does not have the form of Svix's.
    #[error(
        "CLERK_WEBHOOK_SECRET is not a webhook secret: it must be `whsec_` followed by the \
         standard base64 of the key (a new one: echo \"whsec_$(openssl rand -base64 24)\")"
    )]
    BadWebhookSecret,
    /// The secret key is one for production, or not one of Clerk's.
    #[error("CLERK_SECRET_KEY must be `sk_test_` and more: unset it to use `sk_test_local`")]
    BadSecretKey,
    /// The application is not on 127.0.0.1.
    #[error(
        "the application's address must look like http://127.0.0.1:8787: the session cookie is for \
         the host 127.0.0.1, and browsers send it to no other host, not even `localhost`"
    )]
    BadAppUrl,
    /// The receiver cannot be reached over plain HTTP.
    #[error("the webhook address must look like http://127.0.0.1:8788/webhooks/clerk")]
    BadWebhookUrl,
}

/// The address of an application: `http://127.0.0.1:PORT`, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUrl(Url);

impl AppUrl {
    /// Parses an address and keeps its origin.
    ///
    /// # Errors
    /// [`ConfigError::BadAppUrl`] unless it is plain HTTP on 127.0.0.1.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(raw).map_err(|_| ConfigError::BadAppUrl)?;
        if url.scheme() != "http" || url.host_str() != Some("127.0.0.1") {
            return Err(ConfigError::BadAppUrl);
        }
        let origin = url.origin().ascii_serialization();
        Url::parse(&origin).map(Self).map_err(|_| ConfigError::BadAppUrl)
    }

    /// The address, with `/` as its path.
    #[must_use]
    pub const fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as browsers write it in `Origin`, and Clerk in `azp`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

/// The applications: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apps {
    first: AppUrl,
    others: Vec<AppUrl>,
}

impl Apps {
    /// `first` is the application of a request that names none.
    #[must_use]
    pub const fn new(first: AppUrl, others: Vec<AppUrl>) -> Self {
        Self { first, others }
    }

    /// The first application.
    #[must_use]
    pub const fn first(&self) -> &AppUrl {
        &self.first
    }

    /// The application whose page this address is, else the first.
    #[must_use]
    pub fn find_by_page(&self, address: Option<&str>) -> &AppUrl {
        let is_of = |app: &&AppUrl| {
            let path = address.and_then(|address| address.strip_prefix(&app.origin()));
            path.is_some_and(|path| path.starts_with('/'))
        };
        self.others.iter().find(is_of).unwrap_or(&self.first)
    }

    /// The origins of all applications.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        [&self.first].into_iter().chain(&self.others).map(AppUrl::origin)
    }
}

/// The address of the webhook receiver, over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(Uri);

impl WebhookUrl {
    /// Parses an address.
    ///
    /// # Errors
    /// [`ConfigError::BadWebhookUrl`] unless it is `http://` with a host.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let uri: Uri = raw.parse().map_err(|_| ConfigError::BadWebhookUrl)?;
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
            return Err(ConfigError::BadWebhookUrl);
        }
        Ok(Self(uri))
    }

    /// The address.
    #[must_use]
    pub const fn as_uri(&self) -> &Uri {
        &self.0
    }
}

/// The secret key that requests to the Backend API must carry.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The default key. It protects nothing: the server is for this machine only, and signs in
    /// every user without a password.
    pub const DEFAULT: &str = "sk_test_local";

    /// Parses a key; an empty one is [`Self::DEFAULT`].
    ///
    /// # Errors
    /// [`ConfigError::BadSecretKey`] when it is not `sk_test_` and more.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let key = if raw.is_empty() { Self::DEFAULT } else { raw };
        let tail = key.strip_prefix("sk_test_").filter(|tail| !tail.is_empty());
        tail.map(|_| Self(key.to_owned())).ok_or(ConfigError::BadSecretKey)
    }

    /// Whether the given key is this one.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        self.0 == given
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

/// The webhook secret, ready to sign with.
pub struct WebhookSecret(Webhook);

impl WebhookSecret {
    /// Parses `CLERK_WEBHOOK_SECRET`.
    ///
    /// A receiver may accept several secrets, separated by spaces or commas. A sender signs with
    /// the first.
    ///
    /// # Errors
    /// [`ConfigError::MissingWebhookSecret`] when there is none,
    /// [`ConfigError::BadWebhookSecret`] when it is not `whsec_` and base64 of at least one byte.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let first = raw
            .split(|c: char| c.is_ascii_whitespace() || c == ',')
            .find(|part| !part.is_empty())
            .ok_or(ConfigError::MissingWebhookSecret)?;
        if !first.starts_with("whsec_") {
            return Err(ConfigError::BadWebhookSecret);
        }
        Webhook::new(first).map(Self).map_err(|_| ConfigError::BadWebhookSecret)
    }

    /// The signer of the `svix` crate.
    #[must_use]
    pub const fn signer(&self) -> &Webhook {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::{AppUrl, Apps, ConfigError, SecretKey, WebhookSecret, WebhookUrl};

    #[test]
    fn an_application_must_be_on_this_machine_and_its_path_is_dropped() {
        let app = AppUrl::parse("http://127.0.0.1:8787/dashboard?x=1").unwrap();
        assert_eq!(app.as_url().as_str(), "http://127.0.0.1:8787/");
        assert_eq!(app.origin(), "http://127.0.0.1:8787");
        for raw in ["http://localhost:8787", "https://127.0.0.1", "127.0.0.1:8787", "", "ftp://x"] {
            assert_eq!(AppUrl::parse(raw), Err(ConfigError::BadAppUrl), "{raw}");
        }
    }

    #[test]
    fn an_application_is_found_by_the_address_of_its_page() {
        let app = |port: u16| AppUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let apps = Apps::new(app(1000), vec![app(2000)]);
        let check =
            |address, port| assert_eq!(apps.find_by_page(address), &app(port), "{address:?}");
        check(Some("http://127.0.0.1:2000/a"), 2000);
        check(Some("http://127.0.0.1:1000/a"), 1000);
        for other in ["http://127.0.0.1:20000/", "http://127.0.0.1:2000@evil.example/", "/a", ""] {
            check(Some(other), 1000);
        }
        check(None, 1000);
        let origins: Vec<String> = apps.origins().collect();
        assert_eq!(origins, ["http://127.0.0.1:1000", "http://127.0.0.1:2000"]);
    }

    #[test]
    fn a_webhook_address_must_be_plain_http() {
        assert!(WebhookUrl::parse("http://127.0.0.1:8788/webhooks/clerk").is_ok());
        for raw in ["https://127.0.0.1/", "/webhooks/clerk", "127.0.0.1:8788", "", "http://"] {
            assert_eq!(WebhookUrl::parse(raw), Err(ConfigError::BadWebhookUrl), "{raw}");
        }
    }

    #[test]
    fn a_webhook_secret_must_be_whsec_and_base64() {
        assert!(WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        assert!(WebhookSecret::parse(" ,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_x").is_ok());
        assert_eq!(WebhookSecret::parse(" , ").err(), Some(ConfigError::MissingWebhookSecret));
        for raw in ["whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_!"] {
            assert_eq!(
                WebhookSecret::parse(raw).err(),
                Some(ConfigError::BadWebhookSecret),
                "{raw}"
            );
        }
    }

    #[test]
    fn a_secret_key_must_be_one_for_tests() {
        assert!(SecretKey::parse("").unwrap().matches("sk_test_local"));
        let key = SecretKey::parse("sk_test_mine").unwrap();
        assert!(key.matches("sk_test_mine") && !key.matches("sk_test_local") && !key.matches(""));
        for raw in ["sk_live_x", "sk_test_", "pk_test_x", "x"] {
            assert_eq!(SecretKey::parse(raw), Err(ConfigError::BadSecretKey), "{raw}");
        }
        assert_eq!(format!("{key:?}"), "SecretKey(hidden)");
    }

    #[test]
    fn debug_output_hides_the_webhook_secret() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(hidden)");
    }
}
