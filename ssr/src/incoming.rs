//! The parts of a request that are used.
//!
//! `X-Forwarded-Host`, `X-Original-URL`, `X-HTTP-Method-Override` and similar headers are ignored.

use edge::request_url;
use shared::session::candidates::CredentialHeaders;
use shared::session::handshake::PageRequest;
use worker::{Request, Result};

/// The method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestMethod {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`: answered as `GET`, without the body.
    Head,
    /// Any other. All routes are read-only.
    Other,
}

/// A request.
#[derive(Debug, Default)]
pub(crate) struct IncomingRequest {
    /// The method.
    pub(crate) method: RequestMethod,
    /// Scheme, host and port as the client sent them.
    pub(crate) origin: String,
    /// The path as it was sent, neither decoded nor normalised.
    pub(crate) path: String,
    /// The query without its `?`, as it was sent.
    pub(crate) query: Option<String>,
    /// Whether the answer may be HTML: a navigation, or `Accept` names `text/html`.
    pub(crate) accepts_html: bool,
    /// Whether it is a browser's navigation by `GET`, which can be redirected to Clerk and back.
    is_get_navigation: bool,
    authorization: Option<String>,
    cookie: Option<String>,
}

impl IncomingRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// If a header cannot be read.
    pub(crate) fn from_request(req: &Request) -> Result<Self> {
        // `Request::url` would parse, and so resolve `..` and turn `\` into `/`: the guarded path
        // would differ from the path that was sent.
        let url = req.inner().url();
        let (origin, path, query) = request_url::split(&url);
        let headers = req.headers();
        let method = method(req);
        let (dest, accept) = (headers.get("sec-fetch-dest")?, headers.get("accept")?);
        let takes_html = accept.is_some_and(|it| it.to_ascii_lowercase().contains("text/html"));
        let is_navigation = dest.as_deref() == Some("document");
        Ok(Self {
            method,
            origin: origin.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            accepts_html: is_navigation || takes_html,
            // Old browsers do not send Sec-Fetch-Dest.
            is_get_navigation: method == RequestMethod::Get
                && (is_navigation || (dest.is_none() && takes_html)),
            authorization: headers.get("authorization")?,
            cookie: headers.get("cookie")?,
        })
    }

    /// The headers that can carry a session token.
    pub(crate) fn credential_headers(&self) -> CredentialHeaders<'_> {
        CredentialHeaders {
            authorization: self.authorization.as_deref(),
            cookie: self.cookie.as_deref(),
        }
    }

    /// The request as one that can be redirected to Clerk and back to `origin`, if it can.
    pub(crate) fn page_request<'a>(&'a self, origin: &'a str) -> Option<PageRequest<'a>> {
        self.is_get_navigation.then(|| PageRequest {
            origin,
            path: &self.path,
            query: self.query.as_deref().unwrap_or_default(),
            cookies: self.cookie.as_deref().unwrap_or_default(),
        })
    }
}

/// The method of a request.
pub(crate) fn method(req: &Request) -> RequestMethod {
    // `Request::method` returns `GET` for methods that it does not know (`PROPFIND`, `PURGE`).
    match req.inner().method().as_str() {
        "GET" => RequestMethod::Get,
        "HEAD" => RequestMethod::Head,
        _ => RequestMethod::Other,
    }
}
