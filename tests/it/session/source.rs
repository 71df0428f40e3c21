//! The publishable key, and which token of a request counts.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use shared::session::Rejection;
use shared::session::publishable_key::PublishableKey;
use shared::session::source::{self, Presented};

use super::{claims, json_fixture};

#[test]
fn a_publishable_key_names_the_instance() {
    let file = json_fixture("publishable-keys.json");
    let valid = file["valid"].as_array().expect("valid");
    assert_eq!(valid.len(), 6);
    for case in valid {
        let text = case["publishable_key"].as_str().expect("a key");
        let key = PublishableKey::parse(text).expect(text);
        assert_eq!(key.frontend_api(), case["frontend_api"], "{text}");
        assert_eq!(key.issuer(), case["issuer"].as_str().expect("an issuer"), "{text}");
        assert_eq!(key.jwks_url(), case["jwks_url"].as_str().expect("a URL"), "{text}");
        assert_eq!(key.cookie_suffix(), case["cookie_suffix"], "{text}");
    }
    let invalid = file["invalid"].as_array().expect("invalid");
    assert_eq!(invalid.len(), 7);
    for case in invalid {
        let text = case["key"].as_str().expect("a key");
        assert!(PublishableKey::parse(text).is_err(), "{text}: {}", case["why"]);
    }
    for host in ["evil.example/path", "evil.example@x.dev", "a b.dev", "a.dev\n", ".dev?x"] {
        let text = format!("pk_test_{}", STANDARD.encode(format!("{host}$")));
        assert!(PublishableKey::parse(&text).is_err(), "{host:?}");
    }
}

#[track_caller]
fn check_choice(authorization: &str, cookie: &str, want: Result<Option<&str>, Rejection>) {
    let header = |text: &'static str| (!text.is_empty()).then_some(text);
    let (authorization, cookie): (&'static str, &'static str) =
        (authorization.to_owned().leak(), cookie.to_owned().leak());
    let presented = Presented { authorization: header(authorization), cookie: header(cookie) };
    assert_eq!(source::choose(presented, Some("qReyu04C")), want, "{authorization:?} {cookie:?}");
}

#[test]
fn the_header_comes_before_the_suffixed_cookie_and_that_before_the_plain_one() {
    check_choice("", "", Ok(None));
    check_choice("", "__session=a", Ok(Some("a")));
    check_choice("", "__session=a; __session_qReyu04C=b", Ok(Some("b")));
    check_choice("", "__session_qReyu04C=b;__session=a", Ok(Some("b")));
    check_choice("", "__session_qReyu04C=; __session=a", Ok(Some("a")));
    check_choice("", "__session_other000=b", Ok(None));
    check_choice("Bearer h", "__session=a; __session_qReyu04C=b", Ok(Some("h")));
    check_choice("Bearer ", "__session=a", Ok(Some("")));
    for other in ["bearer h", "BEARER h", "Bearer", "Basic aDpo", "h", "Token h"] {
        check_choice(other, "__session=a", Ok(Some("a")));
        check_choice(other, "", Ok(None));
    }
}

#[test]
fn cookies_are_told_apart_as_rfc_6265_says() {
    check_choice("", "a=1; ;=x; b; __session=t; c=\"q\"", Ok(Some("t")));
    check_choice("", "x__session=t; __sessions=t; __SESSION=t", Ok(None));
    check_choice("", "a=__session=t", Ok(None));
    check_choice("", "__session = t ", Ok(Some("t")));
    check_choice("", "__session=t==", Ok(Some("t==")));
    check_choice("", "a=%3B__session%3Dt", Ok(None));
    check_choice("", "__session=\"t\"", Ok(Some("\"t\"")));
    check_choice("", "__session=t; __session=t", Ok(Some("t")));
    check_choice("", &format!("{}__session=t", "x=y; ".repeat(6_000)), Ok(Some("t")));
}

#[test]
fn two_tokens_that_disagree_are_refused() {
    check_choice("", "__session=a; __session=b", Err(Rejection::Ambiguous));
    check_choice("", "__session_qReyu04C=a; __session_qReyu04C=b", Err(Rejection::Ambiguous));
    check_choice("Bearer h", "__session=a; __session=b", Err(Rejection::Ambiguous));
    let of = |sub: &str| {
        let mut claims = claims();
        claims["sub"] = json!(sub);
        format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let (one, two) = (of("user_1"), of("user_2"));
    let bearer = format!("Bearer {one}");
    check_choice(&bearer, &format!("__session={one}"), Ok(Some(&one)));
    check_choice(&bearer, &format!("__session={two}"), Err(Rejection::Ambiguous));
    check_choice(&bearer, "__session=unreadable", Ok(Some(&one)));
}
