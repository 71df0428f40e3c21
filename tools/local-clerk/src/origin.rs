//! Accepts requests from programs on this machine, from this server's pages and from those of the
//! applications.
//!
//! The server signs in any user without a password. So a page of another site, open in the same
//! browser, must not be able to use it: neither by a post, nor by a host name of its own that
//! resolves to 127.0.0.1.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::SharedState;

/// Answers 421 to a request for another host, and 403 to one from a page of another site.
pub(crate) async fn reject_cross_site(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    if !is_our_host(request.headers()) {
        let text = format!("this server is {}: use that address\n", state.issuer);
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let own: Vec<String> = [state.issuer.clone()].into_iter().chain(state.apps.origins()).collect();
    if !is_safe(request.method()) && !is_from_our_pages(request.headers(), &own) {
        let text =
            "this request came from a page of another site and was refused: use the sign-in page\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// If another host name resolves to 127.0.0.1, the browser sends that name in `Host`.
fn is_our_host(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.split(':').next() == Some("127.0.0.1")
}

/// Programs send neither header. Browsers send at least one with every post.
fn is_from_our_pages(headers: &HeaderMap, own: &[String]) -> bool {
    let allowed = |name: &str, is_allowed: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(is_allowed))
    };
    allowed(ORIGIN.as_str(), &|origin| own.iter().any(|own| own == origin))
        && allowed("sec-fetch-site", &|site| ["same-origin", "same-site", "none"].contains(&site))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{is_from_our_pages, is_our_host};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_own_host_is_accepted() {
        for host in ["127.0.0.1:8790", "127.0.0.1"] {
            assert!(is_our_host(&headers(&[("host", host)])), "{host}");
        }
        for host in ["localhost:8790", "evil.example:8790", "127.0.0.1.evil.example", ""] {
            assert!(!is_our_host(&headers(&[("host", host)])), "{host}");
        }
        assert!(!is_our_host(&headers(&[])));
    }

    #[test]
    fn posts_from_pages_of_other_sites_are_refused() {
        let own = ["http://127.0.0.1:8790", "http://127.0.0.1:8787"].map(str::to_owned);
        let check = |pairs: &[(&'static str, &'static str)], want: bool| {
            assert_eq!(is_from_our_pages(&headers(pairs), &own), want, "{pairs:?}");
        };
        check(&[], true);
        check(&[("origin", "http://127.0.0.1:8790")], true);
        check(&[("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-site")], true);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "none")], true);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("origin", "http://127.0.0.1:8790"), ("sec-fetch-site", "cross-site")], false);
        check(&[("origin", "http://evil.example")], false);
        check(&[("origin", "http://127.0.0.1:9999")], false);
        check(&[("origin", "null")], false);
        check(&[("origin", "")], false);
    }
}
