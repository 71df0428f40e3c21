//! The parts of a request that are used. `X-Forwarded-Host` and its like are ignored.

use edge::request_url;
use shared::operators::access::ASSERTION_HEADER;
use shared::operators::authentication::{CredentialHeaders, OriginHeaders};
use worker::{Request, Result};

/// The method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestMethod {
    /// `GET`.
    Get,
    /// `HEAD`: answered as `GET`, without the body.
    Head,
    /// `POST`.
    Post,
    /// Any other.
    Other,
}

/// A request, but for its body.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    /// The method.
    pub(crate) method: RequestMethod,
    /// Scheme, host and port as the client sent them.
    pub(crate) origin: String,
    /// The path as it was sent, neither decoded nor normalised.
    pub(crate) path: String,
    /// The query without its `?`, as it was sent.
    pub(crate) query: String,
    /// `Accept`.
    pub(crate) accept: String,
    /// `Content-Type`.
    pub(crate) content_type: String,
    /// `Idempotency-Key`.
    pub(crate) idempotency_key: Option<String>,
    authorization: Option<String>,
    assertion: Option<String>,
    cookie: Option<String>,
    fetch_site: Option<String>,
    origin_header: Option<String>,
}

impl IncomingRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// If a header cannot be read.
    pub(crate) fn from_request(req: &Request) -> Result<Self> {
        let url = req.inner().url();
        let (origin, path, query) = request_url::split(&url);
        let headers = req.headers();
        let text = |name| headers.get(name).map(Option::unwrap_or_default);
        Ok(Self {
            method: method(req),
            origin: origin.to_owned(),
            path: path.to_owned(),
            query: query.unwrap_or_default().to_owned(),
            accept: text("accept")?,
            content_type: text("content-type")?,
            idempotency_key: headers.get(shared::operators::api::IDEMPOTENCY_KEY)?,
            authorization: headers.get("authorization")?,
            assertion: headers.get(ASSERTION_HEADER)?,
            cookie: headers.get("cookie")?,
            fetch_site: headers.get("sec-fetch-site")?,
            origin_header: headers.get("origin")?,
        })
    }

    /// The headers that say who asks.
    pub(crate) fn credential_headers(&self) -> CredentialHeaders<'_> {
        CredentialHeaders {
            authorization: self.authorization.as_deref(),
            assertion: self.assertion.as_deref(),
            cookie: self.cookie.as_deref(),
        }
    }

    /// The headers that say where it comes from.
    pub(crate) fn origin_headers(&self) -> OriginHeaders<'_> {
        OriginHeaders {
            fetch_site: self.fetch_site.as_deref(),
            origin: self.origin_header.as_deref(),
        }
    }

    /// `Cookie`.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }
}

fn method(req: &Request) -> RequestMethod {
    // `Request::method` returns `GET` for methods that it does not know.
    match req.inner().method().as_str() {
        "GET" => RequestMethod::Get,
        "HEAD" => RequestMethod::Head,
        "POST" => RequestMethod::Post,
        _ => RequestMethod::Other,
    }
}
