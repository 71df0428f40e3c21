//! Answers on the wire: status, headers, body.

use serde::Serialize;
use shared::session::handshake::HandshakeRedirect;
use worker::{Response, ResponseBody, ResponseBuilder, Result};

use crate::sign_out::SignOutForm;

/// Nothing that read an identity is kept by anybody but the browser, and not by it either.
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
    // Not `same-origin`: under it a browser hides who posts the form that signs out, and Clerk
    // refuses a form from nowhere.
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Seconds after which an answer that could not be given may be asked for again:
/// `GUARD_RETRY_AFTER_S` of `shared::limits`.
pub(crate) const RETRY_AFTER: (&str, &str) = ("retry-after", "5");

/// A page without a form.
pub(crate) fn html(status: u16, page: String, more: &[(&str, &str)]) -> Result<Response> {
    let builder = with_headers(ResponseBuilder::new().with_status(status), &PAGE_HEADERS)?;
    let builder = builder.with_header("content-security-policy", &policy("'none'"))?;
    Ok(with_headers(builder, more)?.fixed(page.into_bytes()))
}

/// A page that shows the way out, if there is one.
pub(crate) fn html_with_form(
    sign_out: Option<&SignOutForm>,
    status: u16,
    page: String,
) -> Result<Response> {
    let mut answer = html(status, page, &[])?;
    if let Some(SignOutForm { origin, .. }) = sign_out {
        // Browsers hold the redirect after a form to it as well, hence this site.
        let policy = policy(&format!("'self' {origin}"));
        answer.headers_mut().set("content-security-policy", &policy)?;
    }
    Ok(answer)
}

/// What a page may load. There is no script anywhere, and no inline style.
fn policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// An answer for a program.
pub(crate) fn json<T: Serialize>(status: u16, body: &T, more: &[(&str, &str)]) -> Result<Response> {
    let headers: Vec<_> = std::iter::once(VARY).chain(more.iter().copied()).collect();
    edge::reply::with_headers(status, body, &headers)
}

/// What is wrong, for a program.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

/// What is wrong, for a program: one word or one sentence, the same for every cause of one status.
pub(crate) fn error_json(status: u16, error: &str, more: &[(&str, &str)]) -> Result<Response> {
    json(status, &ErrorBody { error }, more)
}

/// 503 for a program.
pub(crate) fn unavailable_json() -> Result<Response> {
    error_json(503, "unavailable", &[RETRY_AFTER])
}

/// 302 to `location`, which is not built from anything but the configuration and a checked path.
pub(crate) fn redirect_302(location: &str) -> Result<Response> {
    let builder = ResponseBuilder::new().with_status(302).with_header("location", location)?;
    Ok(with_headers(builder, &[NO_STORE, VARY, NOSNIFF])?.empty())
}

/// 307 to Clerk or back from there, with the cookies that go with it.
pub(crate) fn handshake_redirect(leave: &HandshakeRedirect) -> Result<Response> {
    let builder = ResponseBuilder::new().with_status(307);
    let builder = builder.with_header("location", &leave.location)?;
    let mut answer = with_headers(builder, &[NO_STORE, VARY, NOSNIFF])?.empty();
    for line in &leave.cookies {
        answer.headers_mut().append("set-cookie", line)?;
    }
    Ok(answer)
}

/// The style sheet: the same for everybody, so anyone may keep it.
pub(crate) fn stylesheet(css: &'static str) -> Result<Response> {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("cache-control", "public, max-age=3600"),
        NOSNIFF,
    ];
    Ok(with_headers(ResponseBuilder::new(), &headers)?.fixed(css.into()))
}

/// The answer to `HEAD`: everything but the body.
pub(crate) fn without_body(answer: Response) -> Response {
    let (builder, _) = answer.into_parts();
    builder.body(ResponseBody::Empty)
}

fn with_headers(builder: ResponseBuilder, headers: &[(&str, &str)]) -> Result<ResponseBuilder> {
    headers.iter().try_fold(builder, |builder, (name, value)| builder.with_header(name, value))
}

#[cfg(test)]
mod tests {
    use shared::limits::GUARD_RETRY_AFTER_S;

    #[test]
    fn a_503_asks_for_as_much_patience_as_an_object_may_need() {
        assert_eq!(super::RETRY_AFTER.1, GUARD_RETRY_AFTER_S.to_string());
    }
}
