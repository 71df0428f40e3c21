//! The handshake: who is sent to Clerk, where to, and what is believed of the answer.

use serde_json::{Value, json};
use shared::session::candidates::{
    ClerkInstance, ClientUat, InstanceType, TokenCandidate, TokenLocation,
};
use shared::session::cookies::SetCookie;
use shared::session::handshake::{
    self, CandidateOutcome, HandshakeReason, PageRequest, SessionDecision, Unauthenticated,
};
use shared::session::{Session, TOKEN_BYTES_MAX, TokenError};
use shared::time::UnixMillis;
use url::Url;

use super::{ISSUER, NOW, NOW_S, PARTY, SIGNER, claims, header, judge, policy, sign, signature_of};

const FRONTEND: &str = "https://clerk.example.com/";
const SUFFIX: &str = "qReyu04C";

/// What a browser is sent away with, as the platform makes it.
const CHANCE: &str = "0f5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";

fn session(more: &Value) -> Session {
    let mut all = claims();
    for (name, value) in more.as_object().expect("claims") {
        all[name] = value.clone();
    }
    if all["iat"].is_null() {
        all.as_object_mut().expect("claims").remove("iat");
    }
    judge(&sign(&header().to_string(), all.to_string().as_bytes())).expect("a good token")
}

fn visit<'a>(query: &'a str, cookies: &'a str) -> PageRequest<'a> {
    PageRequest { origin: PARTY, path: "/dashboard", query, cookies }
}

fn found(client_uat: Option<ClientUat>) -> TokenCandidate<'static> {
    TokenCandidate { token: Some("t.o.ken"), location: TokenLocation::Cookie, client_uat }
}

const SIGNED_OUT: Option<ClientUat> = Some(ClientUat::SignedOut);

fn since(seconds: i64) -> ClientUat {
    ClientUat::Since(UnixMillis(seconds * 1000))
}

/// What is done for a browser that asks for a page and brings no answer of Clerk's.
fn decided(carried: CandidateOutcome, client_uat: Option<ClientUat>) -> SessionDecision<'static> {
    handshake::decide(carried, &found(client_uat), InstanceType::Production, Some(&visit("", "")))
}

/// What is done for everybody else.
fn told(carried: CandidateOutcome, client_uat: Option<ClientUat>) -> SessionDecision<'static> {
    handshake::decide(carried, &found(client_uat), InstanceType::Production, None)
}

fn refuse(rejection: TokenError) -> SessionDecision<'static> {
    SessionDecision::Unauthenticated(Unauthenticated::Refuse(Some(rejection)))
}

const NOBODY: SessionDecision<'static> =
    SessionDecision::Unauthenticated(Unauthenticated::Refuse(None));

#[test]
fn a_session_is_served_unless_client_uat_is_newer() {
    let good = session(&json!({}));
    let serve = SessionDecision::Serve(good.clone());
    for uat in [None, Some(since(1)), Some(since(NOW_S))] {
        assert_eq!(decided(CandidateOutcome::Session(good.clone()), uat), serve);
        assert_eq!(told(CandidateOutcome::Session(good.clone()), uat), serve);
    }
    for (uat, due, rejection) in [
        (SIGNED_OUT, HandshakeReason::SignedOut, TokenError::SignedOut),
        (Some(since(NOW_S + 1)), HandshakeReason::Outdated, TokenError::OlderThanClientUat),
    ] {
        let carried = || CandidateOutcome::Session(good.clone());
        assert_eq!(
            decided(carried(), uat),
            SessionDecision::Unauthenticated(Unauthenticated::StartHandshake(due))
        );
        assert_eq!(told(carried(), uat), refuse(rejection));
    }
    // A token that does not say when it was made: nothing to compare, as in Clerk's SDK.
    let undated = session(&json!({ "iat": null }));
    assert_eq!(
        decided(CandidateOutcome::Session(undated.clone()), Some(since(NOW_S))),
        SessionDecision::Serve(undated)
    );
}

#[test]
fn only_time_errors_start_a_handshake() {
    for (rejection, due) in [
        (TokenError::Expired, HandshakeReason::Expired),
        (TokenError::NotYetValid, HandshakeReason::NotYetValid),
        (TokenError::IssuedInFuture, HandshakeReason::IssuedInFuture),
    ] {
        assert_eq!(
            decided(CandidateOutcome::Rejected(rejection), None),
            SessionDecision::Unauthenticated(Unauthenticated::StartHandshake(due))
        );
        assert_eq!(told(CandidateOutcome::Rejected(rejection), None), refuse(rejection));
    }
    for rejection in [
        TokenError::Malformed,
        TokenError::BadSignature,
        TokenError::UnknownKey,
        TokenError::WrongIssuer,
        TokenError::WrongAzp,
        TokenError::PendingSession,
        TokenError::BadClaims,
    ] {
        for uat in [None, SIGNED_OUT, Some(since(NOW_S))] {
            assert_eq!(decided(CandidateOutcome::Rejected(rejection), uat), refuse(rejection));
        }
    }
    assert_eq!(decided(CandidateOutcome::NoToken, None), NOBODY);
    assert_eq!(decided(CandidateOutcome::NoToken, SIGNED_OUT), NOBODY);
    assert_eq!(
        decided(CandidateOutcome::NoToken, Some(since(1))),
        SessionDecision::Unauthenticated(Unauthenticated::StartHandshake(HandshakeReason::NoToken))
    );
    assert_eq!(told(CandidateOutcome::NoToken, Some(since(1))), NOBODY);
}

#[test]
fn an_api_client_is_never_redirected() {
    let found = TokenCandidate { location: TokenLocation::AuthorizationHeader, ..found(None) };
    let visit = visit("__clerk_handshake=a.b.c", "");
    let next = handshake::decide(
        CandidateOutcome::Rejected(TokenError::Expired),
        &found,
        InstanceType::Production,
        Some(&visit),
    );
    assert_eq!(next, refuse(TokenError::Expired));
}

#[test]
fn s_9_a_loop_ends_at_the_third_redirect() {
    let with = |cookies: &str| {
        let carried = CandidateOutcome::Rejected(TokenError::Expired);
        let visit = visit("", cookies);
        match handshake::decide(carried, &found(None), InstanceType::Production, Some(&visit)) {
            SessionDecision::Unauthenticated(out) => out,
            other @ (SessionDecision::Serve(_) | SessionDecision::ApplyHandshake { .. }) => {
                panic!("{other:?}")
            }
        }
    };
    for cookies in ["", "__clerk_redirect_count=0", "a=1; __clerk_redirect_count=2"] {
        assert_eq!(
            with(cookies),
            Unauthenticated::StartHandshake(HandshakeReason::Expired),
            "{cookies}"
        );
    }
    for count in ["3", "4", "255", "256", "-1", "x", "1; __clerk_redirect_count=2"] {
        let cookies = format!("__clerk_redirect_count={count}");
        assert_eq!(with(&cookies), Unauthenticated::Refuse(Some(TokenError::Expired)), "{cookies}");
    }
    let instance =
        ClerkInstance { issuer: ISSUER, suffix: None, instance_type: InstanceType::Production };
    let counted = |cookies, origin| {
        let visit = PageRequest { origin, ..visit("", cookies) };
        handshake::redirect_to_clerk(
            HandshakeReason::Expired,
            &found(None),
            &instance,
            &visit,
            FRONTEND,
            CHANCE,
        )
        .cookies
    };
    let line = "Path=/; SameSite=Lax; HttpOnly; Max-Age";
    let first = [
        format!("__Host-rolecall_asked={CHANCE}; {line}=60; Secure"),
        format!("__clerk_redirect_count=1; {line}=2; Secure"),
    ];
    assert_eq!(counted("", PARTY), first);
    let second = [
        format!("rolecall_asked={CHANCE}; {line}=60"),
        format!("__clerk_redirect_count=2; {line}=2"),
    ];
    assert_eq!(counted("__clerk_redirect_count=1", "http://127.0.0.1:8787"), second);
}

/// The address that a browser is sent to, taken apart.
fn asked(
    found: &TokenCandidate<'_>,
    instance: &ClerkInstance<'_>,
    visit: &PageRequest<'_>,
) -> Vec<(String, String)> {
    let leave = handshake::redirect_to_clerk(
        HandshakeReason::Expired,
        found,
        instance,
        visit,
        FRONTEND,
        CHANCE,
    );
    let url = Url::parse(&leave.location).expect("an address");
    assert_eq!(url.origin().ascii_serialization(), "https://clerk.example.com");
    assert_eq!(url.path(), "/v1/client/handshake");
    assert_eq!(url.fragment(), None);
    url.query_pairs().into_owned().collect()
}

#[test]
fn the_redirect_to_clerk_has_clerks_parameters() {
    let live = ClerkInstance {
        issuer: ISSUER,
        suffix: Some(SUFFIX),
        instance_type: InstanceType::Production,
    };
    let visit = visit("tab=2", "__clerk_db_jwt=db");
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let want = |is_suffixed| {
        pairs(&[
            ("redirect_url", &format!("{PARTY}/dashboard?tab=2&rolecall_asked={CHANCE}")),
            ("__clerk_api_version", "2026-05-12"),
            ("suffixed_cookies", is_suffixed),
            ("__clerk_hs_reason", "session-token-expired"),
            ("__session", "t.o.ken"),
        ])
    };
    assert_eq!(asked(&found(None), &live, &visit), want("false"));
    let suffixed = TokenCandidate { location: TokenLocation::SuffixedCookie, ..found(None) };
    assert_eq!(asked(&suffixed, &live, &visit), want("true"));
    // A development instance knows its browsers by another cookie.
    let test = ClerkInstance { instance_type: InstanceType::Development, ..live };
    let with_browser = [want("false"), pairs(&[("__clerk_db_jwt", "db")])].concat();
    assert_eq!(asked(&found(None), &test, &visit), with_browser);
    let own = PageRequest { cookies: "__clerk_db_jwt=db; __clerk_db_jwt_qReyu04C=own", ..visit };
    assert_eq!(asked(&found(None), &test, &own).last().expect("a pair").1, "own");
    let nothing = TokenCandidate { token: None, ..found(None) };
    assert!(asked(&nothing, &live, &visit).iter().all(|(name, _)| name != "__session"));
}

#[test]
fn j_24_unvalidated_values_are_limited_in_the_url() {
    let test =
        ClerkInstance { issuer: ISSUER, suffix: None, instance_type: InstanceType::Development };
    for (length, is_sent) in [(TOKEN_BYTES_MAX, true), (TOKEN_BYTES_MAX + 1, false)] {
        let long = "x".repeat(length);
        let cookies = format!("__clerk_db_jwt={long}");
        let found = TokenCandidate { token: Some(&long), ..found(None) };
        let pairs = asked(&found, &test, &visit("", &cookies));
        for wanted in ["__session", "__clerk_db_jwt"] {
            assert_eq!(pairs.iter().any(|(name, _)| name == wanted), is_sent, "{wanted} {length}");
        }
    }
}

#[test]
fn j_17_s_5_the_request_never_decides_the_redirect_host() {
    let instance = ClerkInstance {
        issuer: ISSUER,
        suffix: Some(SUFFIX),
        instance_type: InstanceType::Development,
    };
    for path in ["//evil.example", "/\\evil.example", "/.//evil.example", "/%2f%2fevil.example"] {
        let visit = PageRequest { path, ..visit("", "") };
        let pairs = asked(&found(None), &instance, &visit);
        assert_eq!(pairs[0].1, format!("{PARTY}/?rolecall_asked={CHANCE}"), "{path}");
        assert_eq!(handshake::redirect_back(&[], &visit).location, "/", "{path}");
    }
    for query in [
        "@evil.example",
        "&redirect_url=https://evil.example",
        "#@evil.example",
        "a=\r\nLocation: https://evil.example",
        "a=%0d%0aSet-Cookie: b=c",
        "\\\\evil.example",
    ] {
        let visit = visit(query, "__clerk_db_jwt=x&redirect_url=https://evil.example");
        let pairs = asked(&found(None), &instance, &visit);
        assert_eq!(pairs.iter().filter(|(name, _)| name == "redirect_url").count(), 1, "{query}");
        assert!(pairs[0].1.starts_with("https://app.example.com/"), "{query}: {}", pairs[0].1);
        let back = handshake::redirect_back(&[], &visit).location;
        assert!(back.starts_with('/') && !back.contains(['\r', '\n']), "{query}: {back}");
    }
    // A frontend behind a path of a proxy, with a slash too many or none.
    for frontend in ["https://app.example.com/__clerk", "https://app.example.com/__clerk/"] {
        let leave = handshake::redirect_to_clerk(
            HandshakeReason::NotYetValid,
            &found(None),
            &instance,
            &visit("", ""),
            frontend,
            CHANCE,
        )
        .location;
        let want = "https://app.example.com/__clerk/v1/client/handshake?";
        assert!(leave.starts_with(want), "{leave}");
    }
}

#[test]
fn an_invalid_url_loses_only_its_query() {
    for query in ["q=\\", &"a".repeat(2_048)] {
        assert_eq!(handshake::clean_path("/dashboard", query), "/dashboard");
    }
    assert_eq!(handshake::clean_path("/dashboard", "q=1"), "/dashboard?q=1");
    assert_eq!(handshake::clean_path("/", "q=\\"), "/");
}

#[test]
fn the_return_url_has_no_handshake_parameters() {
    let clean = |query: &str| handshake::redirect_back(&[], &visit(query, "")).location;
    assert_eq!(clean(""), "/dashboard");
    assert_eq!(clean("__clerk_handshake=a.b.c"), "/dashboard");
    assert_eq!(clean("tab=2&__clerk_handshake=a.b.c&x=%20y"), "/dashboard?tab=2&x=%20y");
    let all = "__clerk_handshake=a&__clerk_handshake_nonce=b&__clerk_help=c&__clerk_db_jwt=d&q=1";
    assert_eq!(clean(all), "/dashboard?q=1");
    assert_eq!(clean("rolecall_asked=a&q=1&rolecall_asked=b"), "/dashboard?q=1");
    assert_eq!(
        clean("__clerk%5Fhandshake=a&a=__clerk_handshake=b"),
        "/dashboard?a=__clerk_handshake=b"
    );
    assert_eq!(clean("__clerk_handshake=a&__clerk_handshake=b"), "/dashboard");
}

/// The query and the cookies of a browser that was sent away and comes back, with these besides.
fn back(query: &str, cookies: &str) -> (String, String) {
    (
        format!("{query}&rolecall_asked={CHANCE}"),
        format!("__Host-rolecall_asked={CHANCE}; {cookies}"),
    )
}

/// What is taken of Clerk's answer, or what is said instead.
type Taken = Option<(Result<String, TokenError>, Unauthenticated)>;

fn answer_of(carried: CandidateOutcome, query: &str, cookies: &str) -> Taken {
    let visit = visit(query, cookies);
    match handshake::decide(carried, &found(None), InstanceType::Production, Some(&visit)) {
        SessionDecision::ApplyHandshake { token: answer, otherwise } => {
            Some((answer.map(Into::into), otherwise))
        }
        SessionDecision::Serve(_) | SessionDecision::Unauthenticated(_) => None,
    }
}

fn expired() -> CandidateOutcome {
    CandidateOutcome::Rejected(TokenError::Expired)
}

#[test]
fn a_handshake_is_applied_without_a_valid_session() {
    let take = |carried, query: &str, cookies: &str| {
        let (query, cookies) = back(query, cookies);
        answer_of(carried, &query, &cookies)
    };
    let by = |answer: &str, otherwise| Some((Ok(answer.to_owned()), otherwise));
    let (ask, out) = (
        Unauthenticated::StartHandshake(HandshakeReason::Expired),
        Unauthenticated::Refuse(Some(TokenError::Expired)),
    );
    let (query, cookie) = ("__clerk_handshake=a.b.c", "__clerk_handshake=d.e.f");
    assert_eq!(take(expired(), query, ""), by("a.b.c", ask));
    assert_eq!(take(expired(), "__clerk_handshake=a%2Eb%2Ec", ""), by("a.b.c", ask));
    assert_eq!(take(expired(), "", cookie), by("d.e.f", ask));
    assert_eq!(take(expired(), query, cookie), by("a.b.c", ask));
    assert_eq!(
        take(CandidateOutcome::NoToken, query, ""),
        by("a.b.c", Unauthenticated::Refuse(None))
    );
    let forged = CandidateOutcome::Rejected(TokenError::BadSignature);
    assert_eq!(
        take(forged, query, ""),
        by("a.b.c", Unauthenticated::Refuse(Some(TokenError::BadSignature)))
    );
    // A good session is not replaced by what somebody else may have put into the address.
    assert_eq!(take(CandidateOutcome::Session(session(&json!({}))), query, cookie), None);
    // An empty one is none, and two are not chosen between.
    assert_eq!(take(expired(), "__clerk_handshake=", "__clerk_handshake="), None);
    assert_eq!(take(expired(), "", "__clerk_handshake=a; __clerk_handshake=b"), None);
    // The answer in the address is gone with it; one in a cookie that stays would come for ever.
    let looped = "__clerk_redirect_count=3";
    assert_eq!(take(expired(), query, looped), by("a.b.c", out));
    assert_eq!(take(expired(), "", &format!("{cookie}; {looped}")), None);
}

#[test]
fn handshake_cookies_are_deleted_afterwards() {
    let come_back = |query, cookies| handshake::redirect_back(&[], &visit(query, cookies)).cookies;
    let line = "Path=/; SameSite=Lax; HttpOnly; Max-Age=0; Secure";
    let asked = format!("__Host-rolecall_asked=; {line}");
    assert_eq!(come_back("__clerk_handshake=a.b.c", ""), [asked.as_str()]);
    let [first, end, count] = &come_back("", "__clerk_handshake=d.e.f")[..] else {
        panic!("three cookies")
    };
    assert_eq!(*first, asked);
    assert_eq!(end, "__clerk_handshake=; Path=/; Max-Age=0");
    assert!(count.starts_with("__clerk_redirect_count=1; "), "{count}");
}

/// Who makes a link with an answer of their own would sign its reader in as themselves.
#[test]
fn a_handshake_is_accepted_only_from_the_browser_that_requested_it() {
    let (query, cookie) = ("__clerk_handshake=a.b.c", "__clerk_handshake=d.e.f");
    let theirs = "rolecall_asked=1e5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";
    let (asked, sent) = back(query, "");
    let long = "a".repeat(65);
    let refused = [
        (query.to_owned(), String::new()),
        (asked.clone(), String::new()),
        (query.to_owned(), sent.clone()),
        (format!("{query}&{theirs}"), sent.clone()),
        (format!("{query}&{theirs}"), String::new()),
        // Of two in the address the first counts, and two cookies are not chosen between.
        (format!("{query}&{theirs}&rolecall_asked={CHANCE}"), sent.clone()),
        (asked.clone(), format!("{sent}; __Host-{theirs}")),
        // A cookie that a sibling domain can set is not ours.
        (asked.clone(), format!("rolecall_asked={CHANCE}")),
        // Nothing is as good as nothing.
        (format!("{query}&rolecall_asked="), "__Host-rolecall_asked=".to_owned()),
        (format!("{query}&rolecall_asked=a%20b"), "__Host-rolecall_asked=a b".to_owned()),
        (format!("{query}&rolecall_asked={long}"), format!("__Host-rolecall_asked={long}")),
        // By the cookie as well.
        (String::new(), cookie.to_owned()),
        (theirs.to_owned(), format!("{sent}; {cookie}")),
    ];
    for (query, cookies) in &refused {
        for carried in [
            CandidateOutcome::NoToken,
            expired(),
            CandidateOutcome::Rejected(TokenError::Malformed),
        ] {
            let (answer, otherwise) = answer_of(carried.clone(), query, cookies).expect("refused");
            assert_eq!(answer, Err(TokenError::UnrequestedHandshake), "{query} {cookies}");
            // It is as if there had been none.
            let alone = handshake::decide(
                carried,
                &found(None),
                InstanceType::Production,
                Some(&visit("", "")),
            );
            assert_eq!(SessionDecision::Unauthenticated(otherwise), alone, "{query} {cookies}");
        }
    }
    let taken = answer_of(expired(), &asked, &sent).expect("an answer");
    assert_eq!(taken.0, Ok("a.b.c".to_owned()));
    // Without https there is no such cookie, and the plain one counts.
    let open = |cookies: &str| {
        let visit = PageRequest { origin: "http://127.0.0.1:8787", ..visit(&asked, cookies) };
        match handshake::decide(expired(), &found(None), InstanceType::Production, Some(&visit)) {
            SessionDecision::ApplyHandshake { token: answer, .. } => answer.map(drop),
            other @ (SessionDecision::Serve(_) | SessionDecision::Unauthenticated(_)) => {
                panic!("{other:?}")
            }
        }
    };
    assert_eq!(open(&format!("rolecall_asked={CHANCE}")), Ok(()));
    assert_eq!(open(&sent), Err(TokenError::UnrequestedHandshake));
}

#[test]
fn parallel_redirects_share_one_state() {
    let instance =
        ClerkInstance { issuer: ISSUER, suffix: None, instance_type: InstanceType::Production };
    let sent = |cookies: &str| asked(&found(None), &instance, &visit("", cookies))[0].1.clone();
    assert_eq!(
        sent("__Host-rolecall_asked=first"),
        format!("{PARTY}/dashboard?rolecall_asked=first")
    );
    // What is not of our making is not sent on.
    let long = format!("__Host-rolecall_asked={}", "a".repeat(65));
    for cookies in ["", "rolecall_asked=first", "__Host-rolecall_asked=a&b=c", &long] {
        assert_eq!(
            sent(cookies),
            format!("{PARTY}/dashboard?rolecall_asked={CHANCE}"),
            "{cookies}"
        );
    }
}

#[test]
fn a_development_instance_sends_its_dev_browser_token() {
    let at = |instance_type, query| {
        handshake::decide(
            CandidateOutcome::NoToken,
            &found(None),
            instance_type,
            Some(&visit(query, "")),
        )
    };
    let sync = SessionDecision::Unauthenticated(Unauthenticated::StartHandshake(
        HandshakeReason::DevBrowser,
    ));
    assert_eq!(at(InstanceType::Development, "__clerk_db_jwt=x"), sync);
    assert_eq!(at(InstanceType::Production, "__clerk_db_jwt=x"), NOBODY);
    assert_eq!(at(InstanceType::Development, ""), NOBODY);
}

/// What comes of an answer with this header and these claims, signed by Clerk.
fn taken(header: &str, claims: &str) -> Result<Vec<String>, TokenError> {
    let token = sign(header, claims.as_bytes());
    let unverified = handshake::parse_handshake(&token)?;
    let check = signature_of(unverified.token(), &SIGNER.keys)?;
    let verified = unverified.with_signature(check)?;
    let cookies = handshake::validate_handshake(&verified, &policy(), Some(SUFFIX), NOW)?;
    Ok(cookies.iter().map(|cookie| cookie.line().to_owned()).collect())
}

/// As Clerk signs an answer: under a session's category.
const HEADER: &str = r#"{"alg":"RS256","cat":"cl_B7d4PD111AAA","kid":"ins_run","typ":"JWT"}"#;

fn lines(lines: &[&str]) -> Result<Vec<String>, TokenError> {
    taken(HEADER, &json!({ "handshake": lines }).to_string())
}

#[test]
fn a_handshake_sets_only_clerks_cookies() {
    let clerks = [
        "__session=t.o.ken; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT; SameSite=Lax",
        "__session_qReyu04C=t.o.ken; Path=/; Secure",
        "__client_uat=1700000000; Path=/; Domain=example.com; Max-Age=315360000; Secure",
        "__client_uat_qReyu04C=0; Path=/",
        "__refresh_qReyu04C=r; Path=/; HttpOnly",
        "__clerk_db_jwt=d; Path=/; SameSite=None; Partitioned",
        "__clerk_handshake=; Path=/; Max-Age=0",
    ];
    assert_eq!(lines(&clerks), Ok(clerks.iter().map(|line| (*line).to_owned()).collect()));
    for foreign in [
        "evil=1; Path=/",
        "session=t",
        "__session_aaaaaaaa=t",
        "__session_=t",
        "__sessions=t",
        "__Session=t",
        "__client=t",
        "__clerk_redirect_count=0",
        "=t",
        "__session",
        "",
        ";",
        " ; __session=t",
        "__session=a b",
        "__session=a,b",
        "__session=\"a\"",
        "__session=a\\b",
        "__session=a\r\nSet-Cookie: evil=1",
        "__session=a\nb",
        "__session=a; Path=/\r\nLocation: https://evil.example",
        "__session=a\u{0}",
        "__session=\u{e9}",
        "__session=a; Path=/\u{85}",
        "__sess\tion=a",
    ] {
        assert_eq!(lines(&[foreign]), Err(TokenError::BadHandshake), "{foreign:?}");
        let beside = lines(&[foreign, "__client_uat=0"]);
        assert_eq!(beside, Ok(vec!["__client_uat=0".to_owned()]), "{foreign:?}");
    }
    let long = format!("__session={}", "a".repeat(5_120));
    assert_eq!(lines(&[&long]), Err(TokenError::BadHandshake));
    // What is unknown behind a cookie is left out, and what is known is kept as it stands.
    let odd = "__session=t;Path=/;Priority=High; evil ;MAX-AGE=1;; SameSite=Lax";
    assert_eq!(lines(&[odd]), Ok(vec!["__session=t; Path=/; MAX-AGE=1; SameSite=Lax".to_owned()]));
    let other = SetCookie::parse("__session_qReyu04C=t", None);
    assert_eq!(other, None, "a suffix that is not known is another's");
}

#[test]
fn session_tokens_in_a_handshake_are_listed() {
    let tokens = |line: &str| {
        let cookie = SetCookie::parse(line, Some(SUFFIX)).expect("a cookie");
        cookie.session_token().map(str::to_owned)
    };
    assert_eq!(tokens("__session=t; Path=/"), Some("t".to_owned()));
    assert_eq!(tokens("__session_qReyu04C=t"), Some("t".to_owned()));
    assert_eq!(tokens("__session=; Max-Age=0"), None);
    assert_eq!(tokens("__client_uat=7"), None);
}

#[test]
fn j_9_handshake_and_session_tokens_are_not_interchangeable() {
    let payload = json!({ "handshake": ["__session=t"] }).to_string();
    let with =
        |extra: &str| taken(&format!(r#"{{"alg":"RS256","kid":"ins_run"{extra}}}"#), &payload);
    assert!(with("").is_ok());
    assert!(with(r#","typ":"JWT""#).is_ok());
    // Clerk signs it under a session's category, or under the one that says nothing.
    for cat in ["cl_B7d4PD111AAA", "cl_I7d4PD111III"] {
        assert!(with(&format!(r#","cat":"{cat}""#)).is_ok(), "{cat}");
    }
    // What users and templates may write into must not become a cookie, and neither must what is
    // not known.
    let others = ["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "cl_B7d4PD444AAA", "cl_I7d4PD222III"];
    for cat in others.into_iter().chain(["cl_b7d4pd111aaa", "cl_X", "x", ""]) {
        assert_eq!(with(&format!(r#","cat":"{cat}""#)), Err(TokenError::WrongCategory), "{cat}");
    }
    assert_eq!(with(r#","typ":"at+jwt""#), Err(TokenError::WrongType));
    assert_eq!(with(r#","crit":[]"#), Err(TokenError::UnsupportedExtension));
    // A session's token that carries the claim is told by its session, whatever its category.
    let mut session = claims();
    session["handshake"] = json!(["__session=t"]);
    for header in [HEADER, r#"{"alg":"RS256","kid":"ins_run"}"#] {
        assert_eq!(taken(header, &session.to_string()), Err(TokenError::WrongCategory));
        assert_eq!(judge(&sign(header, payload.as_bytes())), Err(TokenError::WrongIssuer));
    }
}

#[test]
fn a_handshake_is_parsed_as_strictly_as_a_token() {
    let with = |more: Value| {
        let mut claims = json!({ "handshake": ["__session=t"] });
        for (name, value) in more.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        taken(HEADER, &claims.to_string()).map(drop)
    };
    assert_eq!(with(json!({ "iss": ISSUER, "iat": NOW_S, "exp": NOW_S + 60 })), Ok(()));
    let other = json!({ "iss": "https://clerk.other.example" });
    assert_eq!(with(other), Err(TokenError::WrongIssuer));
    assert_eq!(with(json!({ "exp": NOW_S - 5 })), Err(TokenError::Expired));
    assert_eq!(with(json!({ "exp": NOW_S - 4 })), Ok(()));
    assert_eq!(with(json!({ "nbf": NOW_S + 6 })), Err(TokenError::NotYetValid));
    assert_eq!(with(json!({ "iat": NOW_S + 6 })), Err(TokenError::IssuedInFuture));
    assert_eq!(with(json!({ "exp": "soon" })), Err(TokenError::BadClaims));
    for handshake in [json!(null), json!("__session=t"), json!([]), json!([7]), json!([["x"]])] {
        let want = Err(TokenError::BadHandshake);
        assert_eq!(with(json!({ "handshake": handshake })), want, "{handshake}");
    }
    assert_eq!(with(json!({ "handshake": ["__session=t", 7] })), Err(TokenError::BadHandshake));
    let none = Err(TokenError::WrongAlgorithm);
    assert_eq!(taken(r#"{"alg":"HS256","kid":"ins_run"}"#, "{}"), none);
    assert_eq!(taken(r#"{"alg":"RS256","kid":"x"}"#, "{}"), Err(TokenError::UnknownKey));
    for (answer, want) in [
        ("", TokenError::Malformed),
        ("a.b", TokenError::Malformed),
        (&".".repeat(1_000), TokenError::Malformed),
        (&"a".repeat(16_385), TokenError::TooLong),
    ] {
        assert_eq!(handshake::parse_handshake(answer).map(drop), Err(want));
    }
    let token = sign(HEADER, json!({ "handshake": ["__session=t"] }).to_string().as_bytes());
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", "A".repeat(342));
    let unverified = handshake::parse_handshake(&forged).expect("a form");
    let check = signature_of(unverified.token(), &SIGNER.keys).expect("the key");
    assert_eq!(unverified.with_signature(check).map(drop), Err(TokenError::BadSignature));
}
