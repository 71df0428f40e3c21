//! Requests to the console's API.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::operators::api::{IDEMPOTENCY_KEY, PREFIX};
use ureq::config::Config;
use ureq::http::{Response, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, RequestBuilder};
use url::Url;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::screen::Screen;

/// The longest answer that is read: a page of the largest letters.
const ANSWER_MAX_BYTES: u64 = 64 << 20;

/// What opens a console. It has no `Debug`: it holds secrets.
pub(crate) struct Credentials {
    /// One of its `OPERATOR_TOKEN`.
    pub(crate) token: Option<String>,
    /// A service token of Cloudflare Access: its id.
    pub(crate) access_client_id: Option<String>,
    /// A service token of Cloudflare Access: its secret.
    pub(crate) access_client_secret: Option<String>,
}

/// A console that can be asked.
pub(crate) struct Client {
    agent: Agent,
    base: Url,
    headers: Vec<(&'static str, String)>,
}

/// A client for HTTP that follows no redirect: it would carry the token elsewhere.
pub(crate) fn agent() -> Agent {
    // The system's own list of authorities: a company's proxy is in it, if it may be trusted.
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let config = Config::builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_mins(1)))
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

impl Client {
    /// A client for the console at `base`. No output shows its secrets from now on.
    pub(crate) fn new(
        base: Url,
        credentials: Credentials,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let Credentials { token, access_client_id, access_client_secret } = credentials;
        for secret in token.iter().chain(&access_client_secret) {
            screen.hide(secret);
            if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                let next = "Copy it again; it has no spaces and no line breaks.";
                return Err(Failure::usage("the token has a character that no token has", next));
            }
        }
        let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
        let id = access_client_id.map(|id| ("cf-access-client-id", id));
        let secret = access_client_secret.map(|secret| ("cf-access-client-secret", secret));
        let headers = bearer.into_iter().chain(id).chain(secret).collect();
        Ok(Self { agent: agent(), base, headers })
    }

    /// The console's address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// `GET` of a route with a query.
    ///
    /// # Errors
    /// When the console says no, or gives no usable answer.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        route: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        answer::parse(&self.text(route, query)?)
    }

    /// `GET` of a route with a query, as it comes.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn text(&self, route: &[&str], query: &[(&str, String)]) -> Result<Answer, Failure> {
        let mut url = self.address(route)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.with_headers(self.agent.get(url.as_str()));
        self.read(request.call())
    }

    /// `POST` of a route. With a `key`, the console recognizes a repetition.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        route: &[&str],
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<T, Failure> {
        let text = serde_json::to_string(body).map_err(|error| {
            Failure::usage(format!("the request cannot be written: {error}"), "Check the values.")
        })?;
        let url = self.address(route)?;
        let mut request = self.with_headers(self.agent.post(url.as_str()));
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        answer::parse(&self.read(request.send(text))?)
    }

    fn address(&self, route: &[&str]) -> Result<Url, Failure> {
        // In a path these are no names: the request would go to another route.
        if route.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(Failure::usage(
                "the id is empty or only dots",
                "Give an id; lists show what there is.",
            ));
        }
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        let prefix = PREFIX.trim_start_matches('/').split('/');
        let mut path = url.path_segments_mut().map_err(|()| {
            Failure::usage("the console's address has no path", "Check --url and ROLECALL_URL.")
        })?;
        path.pop_if_empty().extend(prefix).extend(route);
        drop(path);
        Ok(url)
    }

    fn with_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let request = request.header(header::ACCEPT, "application/json");
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    fn read(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let base = self.base.as_str();
        let mut response = response.map_err(|error| answer::not_reached(base, &error))?;
        let named = |name: header::HeaderName| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (content_type, location) = (named(header::CONTENT_TYPE), named(header::LOCATION));
        let retry_after = named(header::RETRY_AFTER);
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_string();
        let body = body.map_err(|error| answer::not_reached(base, &error))?;
        let answer = Answer { status, content_type, location, retry_after, body };
        answer::judge(base, answer)
    }
}
