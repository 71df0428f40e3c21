//! What the server is told at its start, checked once.

use std::fmt;
use std::path::PathBuf;

use axum::http::Uri;
use svix::webhooks::Webhook;
use url::Url;

use crate::faults::FaultSwitches;

/// Everything the server needs to start.
#[derive(Debug)]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The applications that people sign in to.
    pub apps: Apps,
    /// Where webhooks go.
    pub webhook: WebhookUrl,
    /// What webhooks are signed with.
    pub secret: Secret,
    /// What the Backend API is asked with.
    pub secret_key: SecretKey,
    /// Whether a handshake that asks for a nonce gets one, as at Clerk. An application that does
    /// not ask this server's Backend API could make nothing of it, and gets the token.
    pub nonces: bool,
    /// Where the session key is kept.
    pub state_dir: PathBuf,
    /// The switches as they stand at the start.
    pub faults: FaultSwitches,
    /// What deliveries are shuffled by: the same seed, the same order.
    pub seed: u64,
    /// What the pauses between attempts are multiplied by.
    pub retry_scale: u32,
}

/// Why a setting was refused; the message names the setting and what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No webhook secret.
    #[error(
        "CLERK_WEBHOOK_SECRET is not set: webhooks cannot be signed; set it to the secret that the \
         receiver has, `whsec_` and base64"
    )]
    NoSecret,
    /// A webhook secret that is not Svix's.
    #[error(
        "CLERK_WEBHOOK_SECRET is not a webhook secret: it must be `whsec_` followed by the \
         standard base64 of the key (a new one: echo \"whsec_$(openssl rand -base64 24)\")"
    )]
    Secret,
    /// A secret key of a real application, or none of Clerk's.
    #[error(
        "CLERK_SECRET_KEY must begin with `sk_test_`: unset it, and the Backend API here takes \
         `sk_test_local`"
    )]
    SecretKey,
    /// An application elsewhere than on 127.0.0.1.
    #[error(
        "the application's address must look like http://127.0.0.1:8787: the session cookie is set \
         for the host 127.0.0.1, and browsers do not show it to another, `localhost` included"
    )]
    App,
    /// A receiver that plain HTTP does not reach.
    #[error("the webhook address must look like http://127.0.0.1:8788/webhooks/clerk")]
    Webhook,
}

/// The application's address: `http://127.0.0.1:PORT`, nothing behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUrl(Url);

impl AppUrl {
    /// Reads an address and keeps its origin.
    ///
    /// # Errors
    /// [`ConfigError::App`] unless it is plain HTTP on 127.0.0.1.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(raw).map_err(|_| ConfigError::App)?;
        if url.scheme() != "http" || url.host_str() != Some("127.0.0.1") {
            return Err(ConfigError::App);
        }
        let origin = url.origin().ascii_serialization();
        Url::parse(&origin).map(Self).map_err(|_| ConfigError::App)
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

/// The applications, one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apps {
    first: AppUrl,
    others: Vec<AppUrl>,
}

impl Apps {
    /// The application of whoever does not name one, and the others.
    #[must_use]
    pub const fn new(first: AppUrl, others: Vec<AppUrl>) -> Self {
        Self { first, others }
    }

    /// The first one.
    #[must_use]
    pub const fn first(&self) -> &AppUrl {
        &self.first
    }

    /// The one whose page is asked for, else the first.
    #[must_use]
    pub fn asked(&self, address: Option<&str>) -> &AppUrl {
        let is_of = |app: &&AppUrl| {
            let path = address.and_then(|address| address.strip_prefix(&app.origin()));
            path.is_some_and(|path| path.starts_with('/'))
        };
        self.others.iter().find(is_of).unwrap_or(&self.first)
    }

    /// The origins of all.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        [&self.first].into_iter().chain(&self.others).map(AppUrl::origin)
    }
}

/// The receiver's address, over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(Uri);

impl WebhookUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`ConfigError::Webhook`] unless it is `http://` with a host.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let uri: Uri = raw.parse().map_err(|_| ConfigError::Webhook)?;
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
            return Err(ConfigError::Webhook);
        }
        Ok(Self(uri))
    }

    /// The address.
    #[must_use]
    pub const fn as_uri(&self) -> &Uri {
        &self.0
    }
}

/// The secret key that the Backend API is asked with.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key where none is given. It protects nothing: the server is for this machine alone, and
    /// signs anyone in as anyone.
    pub const DEFAULT: &str = "sk_test_local";

    /// Reads a key; nothing is [`Self::DEFAULT`].
    ///
    /// # Errors
    /// [`ConfigError::SecretKey`] when it is not `sk_test_` and more.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let key = if raw.is_empty() { Self::DEFAULT } else { raw };
        let tail = key.strip_prefix("sk_test_").filter(|tail| !tail.is_empty());
        tail.map(|_| Self(key.to_owned())).ok_or(ConfigError::SecretKey)
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0 == given
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

/// The webhook secret, ready to sign with.
pub struct Secret(Webhook);

impl Secret {
    /// Reads `CLERK_WEBHOOK_SECRET`.
    ///
    /// A receiver that accepts several secrets has them in one variable, separated by spaces or
    /// commas; a sender signs with one, the first.
    ///
    /// # Errors
    /// [`ConfigError::NoSecret`] when there is nothing, [`ConfigError::Secret`] when it is not
    /// `whsec_` and base64 of at least one byte.
    pub fn parse(raw: &str) -> Result<Self, ConfigError> {
        let first = raw
            .split(|c: char| c.is_ascii_whitespace() || c == ',')
            .find(|part| !part.is_empty())
            .ok_or(ConfigError::NoSecret)?;
        if !first.starts_with("whsec_") {
            return Err(ConfigError::Secret);
        }
        Webhook::new(first).map(Self).map_err(|_| ConfigError::Secret)
    }

    /// What signs.
    #[must_use]
    pub const fn webhook(&self) -> &Webhook {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::{AppUrl, Apps, ConfigError, Secret, SecretKey, WebhookUrl};

    #[test]
    fn an_application_is_on_this_machine_and_reduced_to_its_origin() {
        let app = AppUrl::parse("http://127.0.0.1:8787/dashboard?x=1").unwrap();
        assert_eq!(app.as_url().as_str(), "http://127.0.0.1:8787/");
        assert_eq!(app.origin(), "http://127.0.0.1:8787");
        for raw in ["http://localhost:8787", "https://127.0.0.1", "127.0.0.1:8787", "", "ftp://x"] {
            assert_eq!(AppUrl::parse(raw), Err(ConfigError::App), "{raw}");
        }
    }

    #[test]
    fn the_application_is_the_one_whose_page_is_asked_for() {
        let app = |port: u16| AppUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let apps = Apps::new(app(1000), vec![app(2000)]);
        let check = |address, port| assert_eq!(apps.asked(address), &app(port), "{address:?}");
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
    fn a_receiver_is_reached_over_plain_http() {
        assert!(WebhookUrl::parse("http://127.0.0.1:8788/webhooks/clerk").is_ok());
        for raw in ["https://127.0.0.1/", "/webhooks/clerk", "127.0.0.1:8788", "", "http://"] {
            assert_eq!(WebhookUrl::parse(raw), Err(ConfigError::Webhook), "{raw}");
        }
    }

    #[test]
    fn a_secret_is_whsec_and_base64() {
        assert!(Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        assert!(Secret::parse(" ,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_x").is_ok());
        assert_eq!(Secret::parse(" , ").err(), Some(ConfigError::NoSecret));
        for raw in ["whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_!"] {
            assert_eq!(Secret::parse(raw).err(), Some(ConfigError::Secret), "{raw}");
        }
    }

    #[test]
    fn a_secret_key_is_one_for_tests() {
        assert!(SecretKey::parse("").unwrap().is("sk_test_local"));
        let key = SecretKey::parse("sk_test_mine").unwrap();
        assert!(key.is("sk_test_mine") && !key.is("sk_test_local") && !key.is(""));
        for raw in ["sk_live_x", "sk_test_", "pk_test_x", "x"] {
            assert_eq!(SecretKey::parse(raw), Err(ConfigError::SecretKey), "{raw}");
        }
        assert_eq!(format!("{key:?}"), "SecretKey(hidden)");
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }
}
