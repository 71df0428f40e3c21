//! Who may ask: programs on this machine, this server's own pages and the application's.
//!
//! The server signs anyone in as anyone, so a page of another site that is open in the same browser
//! must not be able to drive it: neither by posting to it, nor by a name of its own that resolves
//! to 127.0.0.1.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::SharedState;

/// Answers 421 to a request for another host, 403 to one that another site's page made.
pub(crate) async fn refuse_strangers(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    if !addressed_to_us(request.headers()) {
        let text = format!("this server is {}: open that address\n", state.issuer);
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let own: Vec<String> = [state.issuer.clone()].into_iter().chain(state.apps.origins()).collect();
    if !is_safe(request.method()) && !from_our_pages(request.headers(), &own) {
        let text = "this request came from another site's page and was refused\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A browser that was sent here by a foreign name that resolves to 127.0.0.1 says so in `Host`.
fn addressed_to_us(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.split(':').next() == Some("127.0.0.1")
}

/// Programs send neither header; browsers send at least one with every post.
fn from_our_pages(headers: &HeaderMap, own: &[String]) -> bool {
    let allowed = |name: &str, is_allowed: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(is_allowed))
    };
    allowed(ORIGIN.as_str(), &|origin| own.iter().any(|own| own == origin))
        && allowed("sec-fetch-site", &|site| ["same-origin", "same-site", "none"].contains(&site))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{addressed_to_us, from_our_pages};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_address_is_answered() {
        for host in ["127.0.0.1:8790", "127.0.0.1"] {
            assert!(addressed_to_us(&headers(&[("host", host)])), "{host}");
        }
        for host in ["localhost:8790", "evil.example:8790", "127.0.0.1.evil.example", ""] {
            assert!(!addressed_to_us(&headers(&[("host", host)])), "{host}");
        }
        assert!(!addressed_to_us(&headers(&[])));
    }

    #[test]
    fn pages_of_other_sites_are_strangers() {
        let own = ["http://127.0.0.1:8790", "http://127.0.0.1:8787"].map(str::to_owned);
        let check = |pairs: &[(&'static str, &'static str)], want: bool| {
            assert_eq!(from_our_pages(&headers(pairs), &own), want, "{pairs:?}");
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
