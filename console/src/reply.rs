//! Answers, and the errors that handlers return.

use std::borrow::Cow;

use serde::Serialize;
use shared::operators::api::ApiError;
use shared::operators::authentication::Refusal;
use shared::operators::query::QueryError;
use worker::{Error, Response, ResponseBody, ResponseBuilder, Result};

use crate::incoming::RequestMethod;
use crate::pages::words::sentence;

/// On every answer but the style sheet.
const HEADERS: [(&str, &str); 8] = [
    ("cache-control", "private, no-store"),
    ("vary", "Cookie, Authorization, Cf-Access-Jwt-Assertion"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("strict-transport-security", "max-age=31536000"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// For answers that are no page: nothing in them may run or be shown in a frame.
const CSP_NOTHING: (&str, &str) =
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox");

/// Seconds after which a 503 may be retried.
const RETRY_AFTER: (&str, &str) = ("retry-after", "5");

/// How errors are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerForm {
    /// As HTML.
    Page,
    /// As JSON.
    Json,
}

/// Why a handler has no other answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status.
    pub(crate) status: u16,
    /// The code for programs.
    pub(crate) error: Cow<'static, str>,
    /// What is wrong, for people.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) next: String,
    /// For 405.
    allow: Option<&'static str>,
}

impl Failure {
    /// A failure.
    pub(crate) fn new(
        status: u16,
        error: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        let (error, message, next) = (error.into(), message.into(), next.into());
        Self { status, error, message, next, allow: None }
    }

    /// The headers that belong to its status.
    pub(crate) fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = Vec::new();
        headers.extend(self.allow.map(|allow| ("allow", allow)));
        headers.extend((self.status == 503).then_some(RETRY_AFTER));
        let bearer = ("www-authenticate", "Bearer realm=\"rolecall\"");
        headers.extend((self.status == 401).then_some(bearer));
        headers
    }

    /// What is wrong and what to do next, in sentences.
    pub(crate) fn in_words(&self) -> String {
        format!("{} {}", sentence(&self.message), sentence(&self.next))
    }

    /// 400: something in the request is invalid. `what` is `query`, `body` or a header.
    pub(crate) fn invalid(what: &str, message: String) -> Self {
        Self::new(400, "invalid", message, format!("Correct the {what}; see openapi.json."))
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(what: &str) -> Self {
        let next = "Check the id; lists show what there is.";
        Self::new(404, "not-found", format!("There is no {what} with this id."), next)
    }

    /// 404: there is no such route.
    pub(crate) fn no_route() -> Self {
        let next = "Check the address; see openapi.json for those of the API.";
        Self::new(404, "no-route", "There is nothing at this address.", next)
    }

    /// 405.
    pub(crate) fn method_not_allowed(allowed: impl Iterator<Item = RequestMethod>) -> Self {
        let (mut get, mut post) = (false, false);
        for method in allowed {
            get |= method == RequestMethod::Get;
            post |= method == RequestMethod::Post;
        }
        let allow = match (get, post) {
            (true, true) => "GET, HEAD, POST",
            (true, false) => "GET, HEAD",
            (false, _) => "POST",
        };
        let next = format!("Use one of {allow}.");
        let failure = Self::new(405, "method-not-allowed", "The method is not allowed here.", next);
        Self { allow: Some(allow), ..failure }
    }

    /// 413.
    pub(crate) fn body_too_large() -> Self {
        let next = "Send at most 64 KB; choose letters by a filter instead of their ids.";
        Self::new(413, "too-large", "The body is too large.", next)
    }

    /// 415.
    pub(crate) fn media_type(wanted: &'static str) -> Self {
        let next = format!("Send the header `Content-Type: {wanted}`.");
        Self::new(415, "media-type", "The body is of another media type.", next)
    }

    /// 503: the database did not answer. `cause` is for the log.
    pub(crate) fn database(cause: &str) -> Self {
        tracing::warn!(cause, "D1 query failed");
        let next = "Try again in some seconds; the console's log has the cause.";
        Self::new(503, "database", "The database did not answer.", next)
    }

    /// 500: an error in the console. `cause` is for the log.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(cause, "building the response failed");
        let next = "Try again; if that does not help, look into the console's log.";
        Self::new(500, "internal", "The console has failed.", next)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.code(), refusal.message(), refusal.next())
    }
}

/// An error that `shared` decided: a wrong request, or one that does not fit the state of things.
impl From<ApiError> for Failure {
    fn from(ApiError { error, message, next }: ApiError) -> Self {
        let is_wrong = error.starts_with("bad-") || error.ends_with("-filter");
        Self::new(if is_wrong { 400 } else { 409 }, error, message, next)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::invalid("query", format!("{error}."))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Debug, not Display: it avoids a call into JavaScript.
        Self::internal(&format!("{error:?}"))
    }
}

/// A JSON answer.
///
/// # Errors
/// If it cannot be serialized.
pub(crate) fn json<T: Serialize>(status: u16, body: &T) -> Result<Response, Failure> {
    let body = serde_json::to_vec(body).map_err(Error::from)?;
    bytes(status, "application/json; charset=utf-8", body)
}

/// An answer of this media type that is no page.
///
/// # Errors
/// If a header is invalid.
pub(crate) fn bytes(status: u16, media_type: &str, body: Vec<u8>) -> Result<Response, Failure> {
    Ok(builder(status, media_type, &[CSP_NOTHING])?.fixed(body))
}

/// 303 to a path of this site, with cookies.
///
/// # Errors
/// If a header is invalid.
pub(crate) fn see_other(path: &str, cookies: &[&str]) -> Result<Response, Failure> {
    let more = [CSP_NOTHING, ("location", path)];
    let mut response = builder(303, "text/plain; charset=utf-8", &more)?.empty();
    for line in cookies {
        response.headers_mut().append("set-cookie", line)?;
    }
    Ok(response)
}

/// The beginning of an answer that is never cached.
pub(crate) fn builder(
    status: u16,
    media_type: &str,
    more: &[(&str, &str)],
) -> Result<ResponseBuilder> {
    let builder = ResponseBuilder::new().with_status(status);
    let builder = builder.with_header("content-type", media_type)?;
    let headers = HEADERS.iter().chain(more);
    headers.into_iter().try_fold(builder, |builder, (name, value)| builder.with_header(name, value))
}

/// The JSON answer for a failure.
///
/// # Errors
/// If a header is invalid.
pub(crate) fn failure(failure: &Failure) -> Result<Response> {
    let Failure { status, error, message, next, .. } = failure;
    let mut more = failure.headers();
    more.push(CSP_NOTHING);
    let body = ApiError {
        error: error.clone().into_owned(),
        message: message.clone(),
        next: next.clone(),
    };
    let body = serde_json::to_vec(&body)?;
    Ok(builder(*status, "application/json; charset=utf-8", &more)?.fixed(body))
}

/// The response to `HEAD`: without the body.
pub(crate) fn without_body(response: Response) -> Response {
    let (builder, _) = response.into_parts();
    builder.body(ResponseBody::Empty)
}
