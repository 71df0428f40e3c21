//! HTTP responses: status, headers, body.

use serde::Serialize;
use shared::session::handshake::HandshakeRedirect;
use worker::{Response, ResponseBody, ResponseBuilder, Result};

use crate::sign_out::SignOutForm;

/// Personal responses are never cached.
const NO_STORE: (&str, &str) = ("cache-control", "private, no-store");
const VARY: (&str, &str) = ("vary", "Cookie, Authorization");
const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

/// On every page.
const PAGE_HEADERS: [(&str, &str); 8] = [
    ("content-type", "text/html; charset=utf-8"),
    NO_STORE,
    VARY,
    NOSNIFF,
    ("strict-transport-security", "max-age=31536000"),
    // Not `same-origin`: the browser would send the sign-out form without its Origin, and Clerk
    // rejects such a form.
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Seconds after which a 503 may be retried: `GUARD_RETRY_AFTER_S` of `shared::limits`.
pub(crate) const RETRY_AFTER: (&str, &str) = ("retry-after", "5");

/// A page without a form.
pub(crate) fn html(status: u16, page: String, more: &[(&str, &str)]) -> Result<Response> {
    let builder = with_headers(ResponseBuilder::new().with_status(status), &PAGE_HEADERS)?;
    let builder = builder.with_header("content-security-policy", &csp("'none'"))?;
    Ok(with_headers(builder, more)?.fixed(page.into_bytes()))
}

/// A page with the sign-out form, if there is one.
pub(crate) fn html_with_form(
    sign_out: Option<&SignOutForm>,
    status: u16,
    page: String,
) -> Result<Response> {
    let mut response = html(status, page, &[])?;
    if let Some(SignOutForm { origin, .. }) = sign_out {
        // `form-action` also applies to the redirect after the form, hence 'self'.
        let csp = csp(&format!("'self' {origin}"));
        response.headers_mut().set("content-security-policy", &csp)?;
    }
    Ok(response)
}

/// The Content-Security-Policy: no script and no inline style.
fn csp(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// A JSON response.
pub(crate) fn json<T: Serialize>(status: u16, body: &T, more: &[(&str, &str)]) -> Result<Response> {
    let headers: Vec<_> = std::iter::once(VARY).chain(more.iter().copied()).collect();
    edge::reply::with_headers(status, body, &headers)
}

/// A JSON error.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

/// A JSON error: a code, or for an invalid query the reason.
pub(crate) fn error_json(status: u16, error: &str, more: &[(&str, &str)]) -> Result<Response> {
    json(status, &ErrorBody { error }, more)
}

/// 503 as JSON.
pub(crate) fn unavailable_json() -> Result<Response> {
    error_json(503, "unavailable", &[RETRY_AFTER])
}

/// 302 to `location`, which comes only from the configuration and a checked path.
pub(crate) fn redirect_302(location: &str) -> Result<Response> {
    let builder = ResponseBuilder::new().with_status(302).with_header("location", location)?;
    Ok(with_headers(builder, &[NO_STORE, VARY, NOSNIFF])?.empty())
}

/// 307 to Clerk or back, with its cookies.
pub(crate) fn handshake_redirect(redirect: &HandshakeRedirect) -> Result<Response> {
    let builder = ResponseBuilder::new().with_status(307);
    let builder = builder.with_header("location", &redirect.location)?;
    let mut response = with_headers(builder, &[NO_STORE, VARY, NOSNIFF])?.empty();
    for line in &redirect.cookies {
        response.headers_mut().append("set-cookie", line)?;
    }
    Ok(response)
}

/// The style sheet: publicly cacheable.
pub(crate) fn stylesheet(css: &'static str) -> Result<Response> {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("cache-control", "public, max-age=3600"),
        NOSNIFF,
    ];
    Ok(with_headers(ResponseBuilder::new(), &headers)?.fixed(css.into()))
}

/// The response to `HEAD`: without the body.
pub(crate) fn without_body(response: Response) -> Response {
    let (builder, _) = response.into_parts();
    builder.body(ResponseBody::Empty)
}

fn with_headers(builder: ResponseBuilder, headers: &[(&str, &str)]) -> Result<ResponseBuilder> {
    headers.iter().try_fold(builder, |builder, (name, value)| builder.with_header(name, value))
}

#[cfg(test)]
mod tests {
    use shared::limits::GUARD_RETRY_AFTER_S;

    #[test]
    fn retry_after_matches_the_guard_limit() {
        assert_eq!(super::RETRY_AFTER.1, GUARD_RETRY_AFTER_S.to_string());
    }
}
