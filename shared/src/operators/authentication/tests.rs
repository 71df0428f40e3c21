//! Each credential, alone and beside others, and each origin of a change.

use super::{
    Caller, Credential, CredentialHeaders, FORM_COOKIE, FoundCredential, OriginHeaders, Refusal,
    access_caller, check_form_token, check_origin, find_credential, may_read_metrics,
    permit_change,
};
use crate::operators::access::AccessUser;
use crate::operators::sign_in_cookie::sign_in;
use crate::settings::RawSetting;
use crate::settings::console::ConsoleSettings;
use crate::time::UnixMillis;

const TOKEN: &str = "one-0123456789-0123456789-0123456789";
const METRICS: &str = "met-0123456789-0123456789-0123456789";
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const HERE: &str = "https://console.example.com";

fn settings(names: &[&str]) -> ConsoleSettings {
    let all = [
        ("ACCESS_TEAM_DOMAIN", "team.cloudflareaccess.com"),
        ("ACCESS_AUD", "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2"),
        ("OPERATORS", "ada@example.com"),
        ("OPERATOR_TOKEN", TOKEN),
        ("METRICS_TOKEN", METRICS),
    ];
    ConsoleSettings::from_env(&|name| {
        let found = all.iter().find(|(known, _)| *known == name && names.contains(&name));
        found.map_or(RawSetting::Absent, |(_, value)| RawSetting::Text((*value).to_owned()))
    })
}

const ACCESS: [&str; 3] = ["ACCESS_TEAM_DOMAIN", "ACCESS_AUD", "OPERATORS"];

fn find<'a>(
    names: &[&str],
    headers: CredentialHeaders<'a>,
) -> Result<FoundCredential<'a>, Refusal> {
    find_credential(headers, &settings(names), NOW)
}

#[test]
fn nothing_configured_is_closed() {
    let bearer = format!("Bearer {TOKEN}");
    let headers = CredentialHeaders {
        authorization: Some(&bearer),
        assertion: Some("x"),
        ..CredentialHeaders::default()
    };
    for names in [&[][..], &["METRICS_TOKEN"], &["OPERATORS"], &["ACCESS_AUD"]] {
        assert_eq!(find(names, headers), Err(Refusal::NotConfigured), "{names:?}");
    }
    assert_eq!(Refusal::NotConfigured.status(), 503);
}

#[test]
fn a_token_opens_and_the_first_credential_decides_alone() {
    let names = [&ACCESS[..], &["OPERATOR_TOKEN", "METRICS_TOKEN"]].concat();
    let settings = settings(&names);
    let cookie = sign_in(settings.operator_tokens.find(TOKEN).unwrap(), NOW);
    let cookie = format!("a=b; {}; __session=x", cookie.split(';').next().unwrap());
    let bearer = format!("bearer {TOKEN}");
    let all = CredentialHeaders {
        authorization: Some(&bearer),
        assertion: Some("assertion"),
        cookie: Some(&cookie),
    };
    let credential = |headers| match find(&names, headers) {
        Ok(FoundCredential::Caller(caller)) => Ok(caller.credential),
        Ok(FoundCredential::Assertion(_)) => Ok(Credential::Access),
        Err(refusal) => Err(refusal),
    };
    assert_eq!(credential(all), Ok(Credential::Bearer));
    let metrics = format!("Bearer {METRICS}");
    for wrong in ["Bearer x", "Bearer", metrics.as_str()] {
        let headers = CredentialHeaders { authorization: Some(wrong), ..all };
        assert_eq!(credential(headers), Err(Refusal::InvalidToken), "{wrong}");
    }
    // Another scheme is no credential of ours.
    for authorization in [None, Some("Basic x"), Some("Bearers x"), Some("")] {
        let headers = CredentialHeaders { authorization, ..all };
        assert_eq!(credential(headers), Ok(Credential::Access), "{authorization:?}");
    }
    let only = CredentialHeaders { cookie: Some(&cookie), ..CredentialHeaders::default() };
    assert_eq!(credential(only), Ok(Credential::Cookie));
    let doubled = format!("{cookie}; __Host-rolecall-operator=v1.1.a.b");
    let doubled = CredentialHeaders { cookie: Some(&doubled), ..only };
    assert_eq!(credential(doubled), Err(Refusal::InvalidToken));
    // Neither the cookie of Access nor those of Clerk count.
    let foreign = CredentialHeaders { cookie: Some("CF_Authorization=x; __session=y"), ..only };
    assert_eq!(credential(foreign), Err(Refusal::SignedOut));
}

#[test]
fn an_assertion_counts_only_where_access_is_set_up() {
    let headers = CredentialHeaders { assertion: Some("x"), ..CredentialHeaders::default() };
    assert_eq!(find(&["OPERATOR_TOKEN"], headers), Err(Refusal::SignedOut));
    assert_eq!(find(&ACCESS, headers), Ok(FoundCredential::Assertion("x")));
}

#[test]
fn only_operators_may_change_things() {
    let caller = |email: &str| {
        let user = AccessUser { sub: "7335d417".into(), email: email.into() };
        access_caller(user, &settings(&ACCESS))
    };
    let headers = OriginHeaders { fetch_site: Some("same-origin"), origin: Some(HERE) };
    let (ada, eve) = (caller("ada@example.com"), caller("eve@example.com"));
    assert_eq!(ada.actor, "access:7335d417");
    assert_eq!(permit_change(&ada, headers, HERE), Ok(()));
    assert_eq!(permit_change(&eve, headers, HERE), Err(Refusal::MayNotChange));
}

#[test]
fn a_change_comes_from_this_site_or_from_a_program_with_a_token() {
    let caller =
        |credential| Caller { actor: "a".into(), name: "a".into(), may_change: true, credential };
    let cases = [
        (Some("same-origin"), Some(HERE), true, true),
        (Some("same-origin"), None, false, true),
        (None, Some(HERE), false, true),
        (None, None, false, true),
        (Some("same-site"), Some(HERE), false, false),
        (Some("cross-site"), Some(HERE), false, false),
        (Some("none"), Some(HERE), false, false),
        (Some(""), Some(HERE), false, false),
        (Some("same-origin"), Some("null"), false, false),
        (Some("same-origin"), Some("https://evil.example"), false, false),
        (Some("same-origin"), Some("http://console.example.com"), false, false),
        (Some("same-origin"), Some("https://console.example.com:8443"), false, false),
        (None, Some("https://evil.example"), false, false),
    ];
    for (fetch_site, origin, by_browser, by_program) in cases {
        let headers = OriginHeaders { fetch_site, origin };
        for credential in [Credential::Access, Credential::Cookie, Credential::Bearer] {
            let want = if credential == Credential::Bearer { by_program } else { by_browser };
            let found = permit_change(&caller(credential), headers, HERE).is_ok();
            assert_eq!(found, want, "{headers:?} {credential:?}");
        }
        assert_eq!(check_origin(None, headers, HERE).is_ok(), by_browser, "{headers:?}");
    }
}

#[test]
fn a_form_needs_the_token_of_its_page() {
    let token = "2f1d5a3c-7d0b-4c57-9c1f-5a0f6a4f2b11";
    let cookie = format!("x=y; {FORM_COOKIE}={token}");
    assert_eq!(check_form_token(Some(&cookie), Some(token)), Ok(()));
    let doubled = format!("{cookie}; {FORM_COOKIE}=other");
    let short = format!("{FORM_COOKIE}=a");
    let cases = [
        (None, None),
        (None, Some(token)),
        (Some(cookie.as_str()), None),
        (Some(cookie.as_str()), Some("")),
        (Some(cookie.as_str()), Some(&token[1..])),
        (Some(doubled.as_str()), Some(token)),
        (Some(short.as_str()), Some("a")),
    ];
    for (cookie, field) in cases {
        assert_eq!(check_form_token(cookie, field), Err(Refusal::FormToken), "{cookie:?}");
    }
}

#[test]
fn the_metrics_are_opened_by_their_own_token_alone() {
    let settings = settings(&["OPERATOR_TOKEN", "METRICS_TOKEN"]);
    let may = |header: &str| may_read_metrics(Some(header), &settings.metrics_tokens);
    assert!(may(&format!("Bearer {METRICS}")));
    assert!(!may(&format!("Bearer {TOKEN}")) && !may(METRICS) && !may(""));
    assert!(!may_read_metrics(None, &settings.metrics_tokens));
}

#[test]
fn each_refusal_says_what_to_do() {
    for refusal in Refusal::ALL {
        assert!(refusal.message().ends_with('.') && refusal.next().ends_with('.'), "{refusal:?}");
        assert!(refusal.code().bytes().all(|it| it.is_ascii_lowercase() || it == b'-'));
        assert!([401, 403, 503].contains(&refusal.status()));
    }
}
