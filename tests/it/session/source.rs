//! The publishable key, and which token of a request counts.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::session::Rejection;
use shared::session::publishable_key::PublishableKey;
use shared::session::source::{self, Carrier, ClientUat, Found, Instance, Presented, Stage};
use shared::time::UnixMillis;

use super::{ISSUER, NOW, NOW_S, json_fixture};

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
        let is_live = case["instance_type"] == "production";
        let stage = if is_live { Stage::Production } else { Stage::Development };
        assert_eq!(key.stage(), stage, "{text}");
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

/// What is written of a token: nobody looks at more before it is verified.
fn token(sub: &str, more: &Value) -> String {
    let mut claims = json!({ "iss": ISSUER, "sub": sub, "iat": NOW_S, "exp": NOW_S + 60 });
    for (name, value) in more.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn choose<'a>(
    authorization: &'a str,
    cookie: &'a str,
    stage: Stage,
) -> Result<Found<'a>, Rejection> {
    let header = |text: &'a str| (!text.is_empty()).then_some(text);
    let presented = Presented { authorization: header(authorization), cookie: header(cookie) };
    source::choose(presented, &Instance { issuer: ISSUER, suffix: Some("qReyu04C"), stage }, NOW)
}

#[track_caller]
fn check_choice(authorization: &str, cookie: &str, want: Result<Option<&str>, Rejection>) {
    let got = choose(authorization, cookie, Stage::Production).map(|found| found.token);
    assert_eq!(got, want, "{authorization:?} {cookie:?}");
}

#[test]
fn j_23_the_header_comes_before_the_cookies() {
    let (ada, again) = (token("user_1", &json!({})), token("user_1", &json!({ "sid": "sess_2" })));
    check_choice("", "", Ok(None));
    check_choice("", "__session=a", Ok(Some("a")));
    check_choice("Bearer h", "__session=a; __session_qReyu04C=b", Ok(Some("h")));
    check_choice("Bearer ", "__session=a", Ok(Some("")));
    check_choice(&format!("Bearer {ada}"), &format!("__session={again}"), Ok(Some(&ada)));
    for other in [
        "bearer h",
        "BEARER h",
        "Bearer",
        "Basic aDpo",
        "h",
        "Token h",
        "",
        "a.b",
        "a.b.c.d",
        "Token a.b.c",
        "bearer a.b.c",
        "a.b.c d",
        "a.b. c",
        "a.b.c, a.b.c",
        "a.b\t.c",
    ] {
        check_choice(other, "__session=a", Ok(Some("a")));
        check_choice(other, "", Ok(None));
    }
    // Without a scheme, by the rules of the others.
    check_choice("a.b.c", "__session=a", Ok(Some("a.b.c")));
    check_choice("..", "__session=a", Ok(Some("..")));
    check_choice(&ada, &format!("__session={again}"), Ok(Some(&ada)));
    let bob = token("user_2", &json!({}));
    check_choice(&ada, &format!("__session={bob}"), Err(Rejection::Ambiguous));
    check_choice(&ada, "__session=a; __session=b", Err(Rejection::Ambiguous));
    let found = choose(&ada, "__client_uat=0", Stage::Production).expect("a token");
    assert_eq!((found.carrier, found.client_uat), (Carrier::Header, None));
    let found = choose("Bearer h", "__client_uat=0", Stage::Production).expect("a token");
    assert_eq!((found.carrier, found.client_uat), (Carrier::Header, None));
}

/// One situation of two pairs of cookies, by the names in Clerk's SDK, and the pair that counts.
#[track_caller]
fn check_pair(stage: Stage, cookies: &[(&str, &str)], want: Carrier) {
    let header: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let header = header.join("; ");
    let found = choose("", &header, stage).expect("a choice");
    assert_eq!(found.carrier, want, "{stage:?} {header}");
    let name = if want == Carrier::Suffixed { "__session_qReyu04C" } else { "__session" };
    let value = cookies.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    assert_eq!(found.token, value, "{stage:?} {header}");
}

#[test]
fn j_23_between_the_cookies_clerks_rules_decide() {
    const PLAIN: &str = "__session";
    const UAT: &str = "__client_uat";
    const SUFFIXED: &str = "__session_qReyu04C";
    const SUFFIXED_UAT: &str = "__client_uat_qReyu04C";
    let now = token("user_1", &json!({ "sid": "sess_now" }));
    let same = token("user_1", &json!({ "sid": "sess_same" }));
    let older = token("user_1", &json!({ "iat": NOW_S - 1 }));
    let over = token("user_1", &json!({ "iat": NOW_S - 60, "exp": NOW_S }));
    let theirs = token("user_2", &json!({ "iss": "https://clerk.other.example" }));
    let nobodys = token("user_2", &json!({ "iss": null }));
    let odd = token("user_2", &json!({ "iss": 7 }));
    for stage in [Stage::Production, Stage::Development] {
        let check = |cookies: &[(&str, &str)], want| check_pair(stage, cookies, want);
        // What is no token of anybody's counts, and is refused later: no handshake mends it.
        for bad in ["x.y.z", "garbage", &nobodys, &odd] {
            check(&[(PLAIN, bad), (SUFFIXED, &now), (SUFFIXED_UAT, "9")], Carrier::Plain);
        }
        // Another instance's token in the plain cookie leaves the suffixed pair.
        check(&[(PLAIN, &theirs), (SUFFIXED, &now), (SUFFIXED_UAT, "9")], Carrier::Suffixed);
        check(&[(PLAIN, &theirs), (SUFFIXED, &now)], Carrier::Suffixed);
        check(&[(PLAIN, &theirs), (SUFFIXED_UAT, "9")], Carrier::Suffixed);
        check(&[(PLAIN, &theirs)], Carrier::Plain);
        // No suffixed cookie at all.
        check(&[(PLAIN, &now), (UAT, "9")], Carrier::Plain);
        check(&[(UAT, "9")], Carrier::Plain);
        // Both are signed in: the newer token, the suffixed one where they are of one age.
        let both = |plain: &str, suffixed: &str, want| {
            let cookies = [(PLAIN, plain), (UAT, "9"), (SUFFIXED, suffixed), (SUFFIXED_UAT, "9")];
            check_pair(stage, &cookies, want);
        };
        both(&now, &older, Carrier::Plain);
        both(&older, &now, Carrier::Suffixed);
        both(&now, &same, Carrier::Suffixed);
        both(&now, "garbage", Carrier::Plain);
        // Signed out in the suffixed pair, and not in the plain one, which scripts of every age set.
        check(&[(PLAIN, &now), (UAT, "9"), (SUFFIXED, &same), (SUFFIXED_UAT, "0")], Carrier::Plain);
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "0")], Carrier::Plain);
        // Signed out in both.
        check(&[(UAT, "0"), (SUFFIXED, &now), (SUFFIXED_UAT, "0")], Carrier::Suffixed);
        // A suffixed token whose time is not told: the plain one, and where there is none, it.
        check(&[(PLAIN, &now), (SUFFIXED, &same)], Carrier::Plain);
        check(&[(SUFFIXED, &now)], Carrier::Suffixed);
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "9")], Carrier::Suffixed);
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "9"), (UAT, "0")], Carrier::Suffixed);
    }
    // Scripts that do not know of the suffix have signed out; only the token's end shows it.
    let cookies = [(UAT, "0"), (SUFFIXED, over.as_str()), (SUFFIXED_UAT, "9")];
    check_pair(Stage::Development, &cookies, Carrier::Plain);
    check_pair(Stage::Production, &cookies, Carrier::Suffixed);
    let unended = token("user_1", &json!({ "exp": NOW_S + 1 }));
    let cookies = [(UAT, "0"), (SUFFIXED, unended.as_str()), (SUFFIXED_UAT, "9")];
    check_pair(Stage::Development, &cookies, Carrier::Suffixed);
}

#[test]
fn the_cookie_of_the_last_change_goes_with_its_pair() {
    let uat = |cookies: &str| choose("", cookies, Stage::Production).expect("a choice").client_uat;
    let at = |seconds: i64| Some(ClientUat::Since(UnixMillis(seconds * 1000)));
    assert_eq!(uat("__session=a"), None);
    assert_eq!(uat("__session=a; __client_uat="), None);
    assert_eq!(uat("__client_uat=1700000000"), at(1_700_000_000));
    assert_eq!(uat("__client_uat=7; __client_uat_qReyu04C=8"), at(8));
    assert_eq!(uat("__client_uat_other000=8"), None);
    for out in ["0", "00", "-1", "x", "1.5", "1e9", "99999999999999999999"] {
        assert_eq!(uat(&format!("__client_uat={out}")), Some(ClientUat::SignedOut), "{out}");
    }
}

#[test]
fn s_17_cookies_are_told_apart_as_rfc_6265_says() {
    check_choice("", "a=1; ;=x; b; __session=t; c=\"q\"", Ok(Some("t")));
    check_choice("", "x__session=t; __sessions=t; __SESSION=t", Ok(None));
    check_choice("", "a=__session=t", Ok(None));
    check_choice("", "\t__session = t ", Ok(Some("t")));
    check_choice("", "\u{a0}__session=t;\u{b}__session=t; __session\u{c}=t", Ok(None));
    check_choice("", "__session=t==", Ok(Some("t==")));
    check_choice("", "a=%3B__session%3Dt", Ok(None));
    check_choice("", "__session=\"t\"", Ok(Some("\"t\"")));
    check_choice("", "__session=t; __session=t", Ok(Some("t")));
    check_choice("", "__session=; __session=t", Ok(Some("t")));
}

#[test]
fn j_24_a_cookie_header_of_32_kb_is_read_and_a_token_in_it_is_found() {
    check_choice("", &format!("{}__session=t", "x=y; ".repeat(6_600)), Ok(Some("t")));
    check_choice("", &";".repeat(32_768), Ok(None));
    check_choice("", &"=".repeat(32_768), Ok(None));
    check_choice("", &"__session=;".repeat(3_000), Ok(None));
    let dots = format!("__session={}", ".".repeat(32_768));
    check_choice("", &dots, Ok(Some(&dots[10..])));
}

#[test]
fn j_23_s_17_two_tokens_that_disagree_are_refused() {
    check_choice("", "__session=a; __session=b", Err(Rejection::Ambiguous));
    check_choice("", "__session_qReyu04C=a; __session_qReyu04C=b", Err(Rejection::Ambiguous));
    check_choice("", "__session=a; __client_uat=1; __client_uat=2", Err(Rejection::Ambiguous));
    check_choice("Bearer h", "__session=a; __session=b", Err(Rejection::Ambiguous));
    let [ada, bob] = ["user_1", "user_2"].map(|sub| token(sub, &json!({})));
    let bearer = format!("Bearer {ada}");
    check_choice(&bearer, &format!("__session={ada}"), Ok(Some(&ada)));
    check_choice(&bearer, &format!("__session={bob}"), Err(Rejection::Ambiguous));
    check_choice(&bearer, &format!("__session_qReyu04C={bob}"), Err(Rejection::Ambiguous));
    check_choice(&bearer, "__session=unreadable", Ok(Some(&ada)));
    let both = format!("__session={ada}; __session_qReyu04C={bob}");
    check_choice("", &both, Err(Rejection::Ambiguous));
    check_choice("", &format!("{both}; __client_uat_qReyu04C=9"), Err(Rejection::Ambiguous));
    // What was left behind when its user signed out is nobody's.
    check_choice("", &format!("{both}; __client_uat_qReyu04C=0"), Ok(Some(&ada)));
}
