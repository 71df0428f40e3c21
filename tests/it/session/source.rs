//! The publishable key, and which token of a request counts.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::session::CANDIDATES_MAX;
use shared::session::TokenError;
use shared::session::candidates::{
    self, ClerkInstance, ClientUat, CredentialHeaders, InstanceType, TokenCandidate, TokenLocation,
};
use shared::session::handshake::{
    self, CandidateOutcome, PageRequest, SessionDecision, Unauthenticated,
};
use shared::session::publishable_key::PublishableKey;
use shared::time::UnixMillis;

use super::{ISSUER, NOW, NOW_S, PARTY, claims, header, json_fixture, judge, sign};

#[test]
fn a_publishable_key_identifies_the_instance() {
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
        let instance_type =
            if is_live { InstanceType::Production } else { InstanceType::Development };
        assert_eq!(key.instance_type(), instance_type, "{text}");
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

const SUFFIX: &str = "qReyu04C";

fn instance(instance_type: InstanceType) -> ClerkInstance<'static> {
    ClerkInstance { issuer: ISSUER, suffix: Some(SUFFIX), instance_type }
}

/// All that is to be judged.
fn places<'a>(
    authorization: &'a str,
    cookie: &'a str,
    instance_type: InstanceType,
) -> Result<Vec<TokenCandidate<'a>>, TokenError> {
    let header = |text: &'a str| (!text.is_empty()).then_some(text);
    let presented =
        CredentialHeaders { authorization: header(authorization), cookie: header(cookie) };
    candidates::find_candidates(presented, &instance(instance_type), NOW)
}

/// What counts first.
fn choose<'a>(
    authorization: &'a str,
    cookie: &'a str,
    instance_type: InstanceType,
) -> Result<TokenCandidate<'a>, TokenError> {
    places(authorization, cookie, instance_type).map(|found| *found.first().expect("a place"))
}

#[track_caller]
fn check_choice(authorization: &str, cookie: &str, want: Result<Option<&str>, TokenError>) {
    let got = choose(authorization, cookie, InstanceType::Production).map(|found| found.token);
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
    check_choice(&ada, "__session=a; __session=b", Ok(Some(&ada)));
    // Beside it only what names another user is judged: it may be two people's request.
    let bob = token("user_2", &json!({}));
    let beside = format!("__session={again}; __session_qReyu04C={bob}; __client_uat=0");
    let bearer = format!("Bearer {ada}");
    let found = places(&bearer, &beside, InstanceType::Production).expect("places");
    let tokens: Vec<_> = found.iter().map(|found| found.token.expect("a token")).collect();
    assert_eq!(tokens, [&ada, &bob]);
    let found = choose(&ada, "__client_uat=0", InstanceType::Production).expect("a token");
    assert_eq!((found.location, found.client_uat), (TokenLocation::AuthorizationHeader, None));
    let found = choose("Bearer h", "__client_uat=0", InstanceType::Production).expect("a token");
    assert_eq!((found.location, found.client_uat), (TokenLocation::AuthorizationHeader, None));
}

/// One situation of two pairs of cookies, by the names in Clerk's SDK, and the pair that counts.
#[track_caller]
fn check_pair(instance_type: InstanceType, cookies: &[(&str, &str)], want: TokenLocation) {
    let header: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let header = header.join("; ");
    let found = choose("", &header, instance_type).expect("a choice");
    assert_eq!(found.location, want, "{instance_type:?} {header}");
    let name =
        if want == TokenLocation::SuffixedCookie { "__session_qReyu04C" } else { "__session" };
    let value = cookies.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    assert_eq!(found.token, value, "{instance_type:?} {header}");
}

#[test]
fn j_23_clerks_rules_choose_between_the_cookies() {
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
    let absent = [json!(null), json!(0), json!(0.0), json!(false), json!("")];
    let odd = [json!(7), json!(true), json!([ISSUER]), json!({}), json!("other")];
    let [absent, odd] =
        [absent, odd].map(|all| all.map(|iss| token("user_2", &json!({ "iss": iss }))));
    for instance_type in [InstanceType::Production, InstanceType::Development] {
        let check = |cookies: &[(&str, &str)], want| check_pair(instance_type, cookies, want);
        // A token of no instance counts, and is refused later: no handshake can repair it.
        for bad in ["x.y.z", "garbage", &nobodys].into_iter().chain(absent.iter().map(|it| &**it)) {
            check(&[(PLAIN, bad), (SUFFIXED, &now), (SUFFIXED_UAT, "9")], TokenLocation::Cookie);
        }
        // An issuer that is no text is somebody else's.
        for bad in &odd {
            check(
                &[(PLAIN, bad), (SUFFIXED, &now), (SUFFIXED_UAT, "9")],
                TokenLocation::SuffixedCookie,
            );
        }
        // Another instance's token in the plain cookie leaves the suffixed pair.
        check(
            &[(PLAIN, &theirs), (SUFFIXED, &now), (SUFFIXED_UAT, "9")],
            TokenLocation::SuffixedCookie,
        );
        check(&[(PLAIN, &theirs), (SUFFIXED, &now)], TokenLocation::SuffixedCookie);
        check(&[(PLAIN, &theirs), (SUFFIXED_UAT, "9")], TokenLocation::SuffixedCookie);
        check(&[(PLAIN, &theirs)], TokenLocation::Cookie);
        // No suffixed cookie at all.
        check(&[(PLAIN, &now), (UAT, "9")], TokenLocation::Cookie);
        check(&[(UAT, "9")], TokenLocation::Cookie);
        // Both are signed in: the newer token, the suffixed one where they are of one age.
        let both = |plain: &str, suffixed: &str, want| {
            let cookies = [(PLAIN, plain), (UAT, "9"), (SUFFIXED, suffixed), (SUFFIXED_UAT, "9")];
            check_pair(instance_type, &cookies, want);
        };
        both(&now, &older, TokenLocation::Cookie);
        both(&older, &now, TokenLocation::SuffixedCookie);
        both(&now, &same, TokenLocation::SuffixedCookie);
        both(&now, "garbage", TokenLocation::Cookie);
        // Signed out in the suffixed pair, and not in the plain one, which scripts of every age
        // set.
        check(
            &[(PLAIN, &now), (UAT, "9"), (SUFFIXED, &same), (SUFFIXED_UAT, "0")],
            TokenLocation::Cookie,
        );
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "0")], TokenLocation::Cookie);
        // Signed out in both.
        check(&[(UAT, "0"), (SUFFIXED, &now), (SUFFIXED_UAT, "0")], TokenLocation::SuffixedCookie);
        // A suffixed token whose time is not told: the plain one.
        check(&[(PLAIN, &now), (SUFFIXED, &same)], TokenLocation::Cookie);
        check(&[(SUFFIXED, &now)], TokenLocation::Cookie);
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "9")], TokenLocation::SuffixedCookie);
        check(&[(SUFFIXED, &now), (SUFFIXED_UAT, "9"), (UAT, "0")], TokenLocation::SuffixedCookie);
    }
    // Scripts that do not know of the suffix have signed out; only the token's end shows it.
    let cookies = [(UAT, "0"), (SUFFIXED, over.as_str()), (SUFFIXED_UAT, "9")];
    check_pair(InstanceType::Development, &cookies, TokenLocation::Cookie);
    check_pair(InstanceType::Production, &cookies, TokenLocation::SuffixedCookie);
    let unended = token("user_1", &json!({ "exp": NOW_S + 1 }));
    let cookies = [(UAT, "0"), (SUFFIXED, unended.as_str()), (SUFFIXED_UAT, "9")];
    check_pair(InstanceType::Development, &cookies, TokenLocation::SuffixedCookie);
}

#[test]
fn client_uat_belongs_to_its_cookie_pair() {
    let uat =
        |cookies: &str| choose("", cookies, InstanceType::Production).expect("a choice").client_uat;
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
fn s_17_cookies_are_parsed_by_rfc_6265() {
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

/// A session's token, signed.
fn signed(sub: &str, more: &Value) -> String {
    let mut all = claims();
    all["sub"] = json!(sub);
    for (name, value) in more.as_object().expect("claims") {
        all[name] = value.clone();
    }
    sign(&header().to_string(), all.to_string().as_bytes())
}

/// Who is served, or what is done instead for a browser that opens a page.
fn settled(instance_type: InstanceType, authorization: &str, cookie: &str) -> String {
    let places = match places(authorization, cookie, instance_type) {
        Ok(places) => places,
        Err(rejection) => return rejection.to_string(),
    };
    let carried = |found: TokenCandidate<'_>| match found.token.map(judge) {
        None => CandidateOutcome::NoToken,
        Some(Ok(session)) => CandidateOutcome::Session(session),
        Some(Err(rejection)) => CandidateOutcome::Rejected(rejection),
    };
    let judged = places.into_iter().map(|found| (found, carried(found))).collect();
    let (found, carried) = match candidates::pick_candidate(judged) {
        Ok(settled) => settled,
        Err(rejection) => return rejection.to_string(),
    };
    let visit = PageRequest { origin: PARTY, path: "/dashboard", query: "", cookies: "" };
    match handshake::decide(carried, &found, instance_type, Some(&visit)) {
        SessionDecision::Serve(session) => session.user_id().to_string(),
        SessionDecision::Unauthenticated(Unauthenticated::Refuse(None)) => "nobody".to_owned(),
        SessionDecision::Unauthenticated(Unauthenticated::Refuse(Some(rejection))) => {
            rejection.to_string()
        }
        SessionDecision::Unauthenticated(Unauthenticated::StartHandshake(due)) => {
            format!("asks: {due:?}")
        }
        SessionDecision::ApplyHandshake { .. } => "takes".to_owned(),
    }
}

/// Cookies by their short names: `p` and `s` for the tokens, `u` and `v` for their times.
fn cookies(list: &[(&str, &str)]) -> String {
    let name = |short: &str| match short {
        "p" => "__session",
        "u" => "__client_uat",
        "s" => "__session_qReyu04C",
        "v" => "__client_uat_qReyu04C",
        other => panic!("{other}"),
    };
    let pairs: Vec<_> =
        list.iter().map(|(short, value)| format!("{}={value}", name(short))).collect();
    pairs.join("; ")
}

#[track_caller]
fn check_settled(list: &[(&str, &str)], want: &str) {
    for instance_type in [InstanceType::Production, InstanceType::Development] {
        assert_eq!(settled(instance_type, "", &cookies(list)), want, "{instance_type:?} {list:?}");
    }
}

#[test]
fn j_23_s_17_each_value_of_a_cookie_is_verified() {
    let (ada, again) =
        (signed("user_1", &json!({})), signed("user_1", &json!({ "sid": "sess_2" })));
    let bob = signed("user_2", &json!({}));
    let times = json!({ "iat": NOW_S - 120, "nbf": NOW_S - 120, "exp": NOW_S - 60 });
    let (stale, bobs_stale) = (signed("user_1", &times), signed("user_2", &times));
    let (uat, before, later) =
        ((NOW_S - 9).to_string(), (NOW_S - 16).to_string(), (NOW_S + 9).to_string());
    let (uat, before, later) = (&*uat, &*before, &*later);
    // Two instances on one domain: the times of both, and a whole suffixed pair.
    check_settled(&[("u", "0"), ("u", uat), ("s", &ada), ("v", uat)], "user_1");
    check_settled(&[("p", &ada), ("u", uat), ("u", before)], "user_1");
    // A time that somebody else has set refuses nobody.
    check_settled(&[("p", &ada), ("u", "0"), ("u", uat)], "user_1");
    check_settled(&[("p", &ada), ("u", later), ("u", uat)], "user_1");
    check_settled(&[("s", &ada), ("v", later), ("v", uat)], "user_1");
    check_settled(&[("p", &ada), ("u", "0"), ("u", later)], "asks: Outdated");
    check_settled(&[("u", "0"), ("u", uat)], "asks: NoToken");
    check_settled(&[("p", &ada), ("u", "0")], "asks: SignedOut");
    // Twins, in either order.
    for twins in [[&stale, &ada], [&ada, &stale], [&bobs_stale, &ada], [&ada, &again]] {
        let [one, other] = twins.map(|it| &**it);
        check_settled(&[("p", one), ("p", other), ("u", uat)], "user_1");
        check_settled(&[("s", one), ("s", other), ("v", uat)], "user_1");
        check_settled(&[("p", one), ("p", other), ("u", uat), ("s", &ada), ("v", uat)], "user_1");
        check_settled(&[("p", one), ("s", other), ("u", uat), ("v", uat)], "user_1");
    }
    for junk in ["x", "x.y.z", "7", &ada[..ada.len() - 4], &token("user_2", &json!({ "iss": 7 }))] {
        check_settled(&[("p", junk), ("p", &ada), ("u", uat)], "user_1");
        check_settled(&[("p", junk), ("s", &ada), ("u", uat), ("v", uat)], "user_1");
        check_settled(&[("p", junk), ("s", &ada), ("v", uat)], "user_1");
        check_settled(&[("s", junk), ("s", &ada), ("v", uat)], "user_1");
        // And where the good one has lapsed, Clerk renews it.
        check_settled(&[("p", junk), ("s", &stale), ("u", uat), ("v", uat)], "asks: Expired");
        check_settled(&[("p", junk), ("p", &stale), ("u", uat)], "asks: Expired");
    }
    check_settled(&[("p", "x")], "not a compact JWS");
    check_settled(&[("p", "x"), ("p", "y.z")], "not a compact JWS");
    check_settled(&[("s", "x")], "not a compact JWS");
    check_settled(&[("s", "x"), ("u", uat)], "asks: NoToken");
    check_settled(&[("s", "x"), ("u", "0")], "nobody");
    // Live ones of two users, wherever they stand.
    let two = "valid tokens of different users in one request";
    check_settled(&[("p", &ada), ("p", &bob)], two);
    check_settled(&[("p", &ada), ("p", &bob), ("u", uat)], two);
    check_settled(&[("p", &ada), ("s", &bob)], two);
    check_settled(&[("p", &ada), ("u", uat), ("s", &bob), ("v", uat)], two);
    check_settled(&[("s", &ada), ("s", &bob), ("v", uat)], two);
    // What was left behind when its user signed out is nobody's.
    check_settled(&[("p", &ada), ("u", uat), ("s", &bob), ("v", "0")], "user_1");
    check_settled(&[("p", &bob), ("u", "0"), ("s", &ada), ("v", uat)], "user_1");
    // A whole suffixed pair decides, against its own token too.
    for plain in [&ada, &bob] {
        check_settled(&[("p", plain), ("u", uat), ("s", &bob), ("v", later)], "asks: Outdated");
    }
    check_settled(&[("s", &ada), ("u", "0")], "nobody");
    check_settled(&[("s", &ada), ("v", "0")], "nobody");
}

#[test]
fn j_23_with_a_header_only_a_valid_token_of_another_user_counts() {
    let (ada, bob) = (signed("user_1", &json!({})), signed("user_2", &json!({})));
    let stale = signed("user_2", &json!({ "iat": NOW_S - 120, "exp": NOW_S - 60 }));
    let forged = format!("{}AAAA", &bob[..bob.len() - 4]);
    let beside = |list: &[(&str, &str)]| {
        settled(InstanceType::Production, &format!("Bearer {ada}"), &cookies(list))
    };
    let two = "valid tokens of different users in one request";
    assert_eq!(beside(&[("p", &bob)]), two);
    assert_eq!(beside(&[("s", &bob)]), two);
    assert_eq!(beside(&[("p", "x"), ("p", &bob)]), two);
    for list in [
        &[("p", &*ada), ("p", "x"), ("u", "0"), ("u", "7")][..],
        &[("p", &stale)],
        &[("p", &stale), ("p", &ada)],
        &[("p", &forged), ("p", "x")],
        &[("p", &bob), ("u", "0")],
    ] {
        assert_eq!(beside(list), "user_1", "{list:?}");
    }
    // Nothing falls back from a header that is none.
    let good = cookies(&[("p", &ada)]);
    let refused = settled(InstanceType::Production, "Bearer x.y.z", &good);
    assert_eq!(refused, "not a compact JWS");
    assert_eq!(
        settled(InstanceType::Production, &format!("Bearer {stale}"), &good),
        "the token has expired"
    );
}

#[test]
fn j_24_too_many_tokens_are_rejected() {
    let of = |count: usize| -> String {
        let tokens = (0..count).map(|at| token("user_1", &json!({ "jti": at })));
        tokens.fold(String::new(), |cookie, token| cookie + "__session=" + &token + "; ")
    };
    let cookie = of(CANDIDATES_MAX);
    let found = places("", &cookie, InstanceType::Production).expect("places");
    assert_eq!(found.len(), CANDIDATES_MAX);
    assert_eq!(
        places("", &of(CANDIDATES_MAX + 1), InstanceType::Production),
        Err(TokenError::TooManyTokens)
    );
    let own = token("user_2", &json!({}));
    assert_eq!(
        places(&own, &of(CANDIDATES_MAX), InstanceType::Production),
        Err(TokenError::TooManyTokens)
    );
    // What does not claim to be ours is passed over, however much there is of it.
    let junk = (0..60).fold(String::new(), |junk, at| junk + &format!("__session=x{at}; "));
    let cookie = format!("{junk}__session={own}");
    check_choice("", &cookie, Ok(Some(&own)));
}
