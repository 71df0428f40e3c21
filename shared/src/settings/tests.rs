//! Each setting: absent, of each wrong type, in accepted and in rejected spellings.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::console::ConsoleSettings;
use super::consumer::{CanarySetting, ConsumerSettings};
use super::ingest::IngestSettings;
use super::ssr::SsrSettings;
use super::table::{SETTINGS, SettingKind, WorkerName};
use super::{NumberSetting, RawSetting, durable};
use crate::cache::AgeLimits;
use crate::session::keys::KeySource;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";
const ISSUER: &str = "https://clerk.example.com";
const TEAM: &str = "team.cloudflareaccess.com";
const AUD: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const TOKEN: &str = "one-0123456789-0123456789-0123456789";
const PARTY: &str = "https://app.example.com";
const PEM: &str = include_str!("../../../tests/fixtures/clerk-sessions/other-public-key.pem");
const PUBLISHED: &str = include_str!("../../../tests/fixtures/clerk-sessions/public-key.pem");

/// A value that no response and no log may contain.
const CANARY: &str = "canary7Xq";

fn text(text: &str) -> RawSetting {
    RawSetting::Text(text.to_owned())
}

fn list(items: &[&str]) -> RawSetting {
    RawSetting::List(items.iter().map(|&item| item.to_owned()).collect())
}

/// Valid settings with one of them changed.
fn with(worker: WorkerName, name: &str, value: RawSetting) -> impl Fn(&str) -> RawSetting {
    let good: &[(&str, &str)] = match worker {
        WorkerName::Ingest => &[("CLERK_WEBHOOK_SECRET", SECRET)],
        WorkerName::Consumer => &[("EVENTS_QUEUE", "events"), ("DEAD_QUEUE", "dead")],
        WorkerName::Durable => &[],
        WorkerName::Ssr => &[("CLERK_ISSUER", ISSUER), ("AUTHORIZED_PARTIES", PARTY)],
        WorkerName::Console => {
            &[("OPERATOR_TOKEN", TOKEN), ("ACCESS_TEAM_DOMAIN", TEAM), ("ACCESS_AUD", AUD)]
        }
    };
    let name = name.to_owned();
    move |asked| {
        let known = good.iter().find(|(known, _)| *known == asked);
        match known {
            _ if asked == name => value.clone(),
            Some((_, value)) => text(value),
            None => RawSetting::Absent,
        }
    }
}

/// The errors of this setting; there may be no others.
#[track_caller]
fn error_texts(worker: WorkerName, name: &str, value: &RawSetting) -> Vec<String> {
    let found = worker.setting_errors(&with(worker, name, value.clone()));
    let texts = found.iter().map(|mistake| {
        assert_eq!(mistake.name, name, "{mistake} of {value:?}");
        mistake.to_string()
    });
    texts.collect()
}

#[track_caller]
fn good(worker: WorkerName, name: &str, value: &RawSetting) {
    assert_eq!(error_texts(worker, name, value), [""; 0], "{name} {value:?}");
}

#[track_caller]
fn bad(worker: WorkerName, name: &str, value: RawSetting, part: &str) {
    let texts = error_texts(worker, name, &value);
    assert!(texts.len() == 1 && texts[0].contains(part), "{part} is missing in {texts:?}");
    assert!(texts[0].starts_with(name) && texts[0].contains(':'), "{texts:?} has no next step");
    let found = worker.setting_errors(&with(worker, name, value));
    assert!(found.iter().all(|mistake| !mistake.is_missing()), "{texts:?}");
}

#[test]
fn each_worker_reads_exactly_its_settings() {
    for worker in WorkerName::ALL {
        let asked = RefCell::new(BTreeSet::new());
        let found = worker.setting_errors(&|name| {
            asked.borrow_mut().insert(name.to_owned());
            RawSetting::Absent
        });
        let rows = SETTINGS.iter().filter(|row| row.worker == worker);
        let rows: BTreeSet<String> = rows.map(|row| row.name.to_owned()).collect();
        assert_eq!(asked.into_inner(), rows, "{worker:?}");
        // What is absent and has no default is missing, and only that.
        assert!(found.iter().all(super::SettingError::is_missing), "{found:?}");
        let missing: Vec<&str> = found.iter().map(|mistake| mistake.name).collect();
        let want: &[&str] = match worker {
            WorkerName::Ingest => &["CLERK_WEBHOOK_SECRET"],
            WorkerName::Consumer => &["EVENTS_QUEUE", "DEAD_QUEUE"],
            WorkerName::Durable => &[],
            WorkerName::Ssr => &["AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY"],
            WorkerName::Console => &["OPERATOR_TOKEN"],
        };
        assert_eq!(missing, want);
    }
}

#[test]
fn a_wrong_type_is_an_error_not_absent() {
    for row in SETTINGS {
        let is = |value| bad(row.worker, row.name, value, row.name);
        is(RawSetting::Other);
        match row.kind {
            SettingKind::Number(_) => is(list(&["1"])),
            SettingKind::Text(_) | SettingKind::Secret => is(RawSetting::Number("5".to_owned())),
        }
        if !["AUTHORIZED_PARTIES", "OPERATORS"].contains(&row.name) {
            is(list(&["https://a.example"]));
            is(list(&[]));
        }
    }
}

#[test]
fn numbers_are_accepted_within_their_limits() {
    for row in SETTINGS {
        let SettingKind::Number(NumberSetting { min, max, .. }) = row.kind else { continue };
        for (least, most) in [(min - 1, max + 1)] {
            for number in [least, most] {
                bad(row.worker, row.name, text(&number.to_string()), "is not a whole number");
                bad(row.worker, row.name, RawSetting::Number(number.to_string()), "is not a whole");
            }
        }
        // ROLES_SOFT_MS is also limited by ROLES_HARD_MS.
        if row.name != "ROLES_SOFT_MS" {
            good(row.worker, row.name, &text(&max.to_string()));
            good(row.worker, row.name, &RawSetting::Number(max.to_string()));
            good(row.worker, row.name, &text(&format!(" \"{min}\" ")));
        }
        good(row.worker, row.name, &text(""));
        good(row.worker, row.name, &text(" \t"));
        for other in ["many", "1.5", "1e3", "0x10", "1_000", "1 000", "99999999999999999999"] {
            bad(row.worker, row.name, text(other), "is not a whole number");
        }
        bad(row.worker, row.name, RawSetting::Number("1.5".to_owned()), "is not a whole number");
    }
}

#[test]
fn toml_numbers_are_accepted() {
    let number = |text: &str| RawSetting::Number(text.to_owned());
    let ages = durable::age_limits_from_env(&|name| match name {
        "ROLES_SOFT_MS" => number("5000"),
        "ROLES_HARD_MS" => number("10000"),
        _ => RawSetting::Absent,
    });
    assert_eq!(ages, Ok(AgeLimits { soft_ms: 5_000, hard_ms: 10_000, ..AgeLimits::default() }));
    let settings =
        IngestSettings::from_env(&with(WorkerName::Ingest, "BODY_BYTES_MAX", number("65536")));
    assert_eq!(settings.expect("valid settings").body_bytes_max, 65_536);
    let app = SsrSettings::from_env(&with(WorkerName::Ssr, "ROLES_ISOLATE_MS", number("5000")));
    assert_eq!(app.isolate_ms, Some(5_000));
}

#[test]
fn a_soft_age_is_at_most_the_hard_one() {
    let read = |soft: Option<&str>, hard: Option<&str>| {
        durable::age_limits_from_env(&|name| match name {
            "ROLES_SOFT_MS" => soft.map_or(RawSetting::Absent, text),
            "ROLES_HARD_MS" => hard.map_or(RawSetting::Absent, text),
            _ => RawSetting::Absent,
        })
    };
    let ages = |soft, hard| read(soft, hard).map(|ages| (ages.soft_ms, ages.hard_ms)).ok();
    assert_eq!(read(None, None), Ok(AgeLimits::default()));
    assert_eq!(ages(Some("500"), Some("500")), Some((500, 500)));
    assert_eq!(ages(Some("0"), Some("1")), Some((0, 1)));
    assert_eq!(ages(None, Some("500")), Some((500, 500)), "the soft age is the default");
    for (soft, hard) in [(Some("501"), Some("500")), (Some("60001"), None)] {
        let errors = read(soft, hard).expect_err("refused");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().starts_with("ROLES_SOFT_MS is greater than ROLES_HARD_MS: "));
    }
}

fn issuer(spelling: &str) -> Option<String> {
    let app = SsrSettings::from_env(&with(WorkerName::Ssr, "CLERK_ISSUER", text(spelling)));
    app.sessions.map(|sessions| sessions.policy.issuer().to_owned())
}

#[test]
fn issuer_spellings_are_normalized() {
    for spelling in [
        ISSUER,
        "https://clerk.example.com/",
        "clerk.example.com",
        "clerk.example.com/",
        " \"https://clerk.example.com\" ",
        "'https://clerk.example.com'",
        "HTTPS://Clerk.Example.com",
        "https://clerk.example.com:443",
    ] {
        assert_eq!(issuer(spelling).as_deref(), Some(ISSUER), "{spelling}");
    }
    for (spelling, want) in [
        ("https://app.example.com/__clerk/", "https://app.example.com/__clerk"),
        ("https://app.example.com/__clerk//", "https://app.example.com/__clerk"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("http://localhost:8790/", "http://localhost:8790"),
    ] {
        assert_eq!(issuer(spelling).as_deref(), Some(want), "{spelling}");
    }
    for (spelling, part) in [
        ("https://clerk.example.com/.well-known/jwks.json", "contains /.well-known"),
        ("https://clerk.example.com/?", "contains ? or #"),
        ("https://clerk.example.com/#", "contains ? or #"),
        ("http://clerk.example.com", "neither an https URL nor a loopback URL"),
        ("clerk", "neither an https URL"),
        ("localhost:8790", "neither an https URL"),
        ("https://u:p@clerk.example.com", "neither an https URL"),
        ("https://clerk.example.com, https://b.example", "neither an https URL"),
        ("https://*.example.com", "neither an https URL"),
        ("pk_live_x", "neither an https URL"),
    ] {
        bad(WorkerName::Ssr, "CLERK_ISSUER", text(spelling), part);
        assert_eq!(issuer(spelling), None, "{spelling}");
    }
}

fn parties(value: RawSetting) -> Option<Vec<String>> {
    let app = SsrSettings::from_env(&with(WorkerName::Ssr, "AUTHORIZED_PARTIES", value));
    app.sessions.map(|sessions| sessions.policy.parties().map(str::to_owned).collect())
}

#[test]
fn origin_spellings_are_normalized() {
    for spelling in [
        PARTY,
        "https://app.example.com/",
        "https://App.Example.com",
        "HTTPS://app.example.com:443/",
        "app.example.com",
        "app.example.com/",
        "\"https://app.example.com\"",
        " , https://app.example.com ,",
    ] {
        assert_eq!(parties(text(spelling)), Some(vec![PARTY.to_owned()]), "{spelling}");
    }
    let both = Some(vec![PARTY.to_owned(), "https://www.example.com".to_owned()]);
    for spelling in [
        "https://app.example.com,https://www.example.com",
        "https://app.example.com, https://www.example.com/",
        "https://app.example.com https://www.example.com",
        "https://app.example.com\nhttps://www.example.com\n",
    ] {
        assert_eq!(parties(text(spelling)), both, "{spelling}");
    }
    assert_eq!(parties(list(&["https://app.example.com/", " www.example.com"])), both);
    for other in [
        "http://localhost:3000",
        "http://[::1]:3000",
        "http://app.local:8080",
        "https://my_app.example.com",
        "chrome-extension://kfbhbnkpbkdnhpgpjgdmibnbfkjdchlc",
        "capacitor://localhost",
    ] {
        assert_eq!(parties(text(other)), Some(vec![other.to_owned()]), "{other}");
    }
}

#[test]
fn invalid_origins_are_errors() {
    for (spelling, part) in [
        ("https://app.example.com/dashboard", "write only scheme, host and port"),
        ("app.example.com/dashboard", "write only scheme, host and port"),
        ("https://app.example.com?", "write only scheme, host and port"),
        ("https://app.example.com#a", "write only scheme, host and port"),
        ("https://u@app.example.com", "write only scheme, host and port"),
        ("https://app.example.com//", "write only scheme, host and port"),
        ("https://", "write only scheme, host and port"),
        ("https://app.example.com:x", "invalid host or port"),
        ("https://app.example.com;https://www.example.com", "separate origins by commas"),
        ("[\"https://app.example.com\"]", "contains quotes"),
        ("\"https://a.example\",\"https://b.example\"", "contains quotes"),
        ("https://*.example.com", "list each origin"),
        ("*", "list each origin"),
        ("localhost:3000", "without a scheme"),
        ("app.example.com:3000", "without a scheme"),
        ("app", "without a scheme"),
        ("https://app.example.com app", "without a scheme"),
    ] {
        bad(WorkerName::Ssr, "AUTHORIZED_PARTIES", text(spelling), part);
        assert_eq!(parties(text(spelling)), None, "{spelling}");
    }
    bad(
        WorkerName::Ssr,
        "AUTHORIZED_PARTIES",
        list(&[PARTY, "https://a.example/b"]),
        "scheme, host",
    );
    // An empty list is a missing setting, which is only a warning in a deployment.
    for value in [RawSetting::Absent, text(""), text(" , ,"), list(&[]), list(&[" "])] {
        let found =
            WorkerName::Ssr.setting_errors(&with(WorkerName::Ssr, "AUTHORIZED_PARTIES", value));
        assert!(found.len() == 1 && found[0].is_missing(), "{found:?}");
        assert!(found[0].to_string().starts_with("AUTHORIZED_PARTIES is empty: "));
    }
}

#[test]
fn ingest_accepts_one_instance_by_its_id() {
    let read =
        |value| IngestSettings::from_env(&with(WorkerName::Ingest, "CLERK_INSTANCE_ID", value));
    let instance = |value| read(value).expect("valid settings").instance_id;
    assert_eq!(instance(RawSetting::Absent), None);
    assert_eq!(instance(text(" ")), None);
    assert_eq!(instance(text(" \"ins_2Abc\"\n")).as_deref(), Some("ins_2Abc"));
    for other in ["ins_", "2Abc", "my-app", "ins_2Abc,ins_2Def", "pk_live_abc", "ins 2Abc"] {
        bad(WorkerName::Ingest, "CLERK_INSTANCE_ID", text(other), "is not a Clerk instance id");
    }
}

#[test]
fn secret_errors_reveal_no_secret() {
    let name = "CLERK_WEBHOOK_SECRET";
    good(WorkerName::Ingest, name, &text(&format!("'{SECRET}'")));
    good(WorkerName::Ingest, name, &text(&format!("{SECRET}, {SECRET}\n")));
    for (value, part) in [
        ("whsec_!!!!", "secret number 1 is not base64"),
        ("whsec_", "secret number 1 is too short"),
        ("whsec_MfKQ9r8G whsec_MfKQ9r8G", "secret number 1 is too short"),
        ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "is an asymmetric key"),
    ] {
        bad(WorkerName::Ingest, name, text(value), part);
    }
    bad(WorkerName::Ingest, name, text(&format!("{SECRET} whsec_!")), "secret number 2");
    for value in [RawSetting::Absent, text(""), text(" , ,")] {
        let found = WorkerName::Ingest.setting_errors(&with(WorkerName::Ingest, name, value));
        assert!(found.len() == 1 && found[0].is_missing(), "{found:?}");
        assert!(found[0].to_string().starts_with("CLERK_WEBHOOK_SECRET is not set: "));
    }
}

#[test]
fn a_default_role_is_an_app_role_or_none() {
    let read = |value| {
        ConsumerSettings::from_env(&with(WorkerName::Consumer, "DEFAULT_ROLE", value)).default_role
    };
    assert_eq!(read(RawSetting::Absent).as_deref(), Some("member"));
    assert_eq!(read(text(" ")).as_deref(), Some(""));
    assert_eq!(read(text(" reader\n")).as_deref(), Some("reader"));
    for other in ["org:member", "a\tb", &"a".repeat(129)] {
        assert_eq!(read(text(other)), None, "{other}");
        bad(WorkerName::Consumer, "DEFAULT_ROLE", text(other), "DEFAULT_ROLE");
    }
    assert_eq!(read(RawSetting::Other), None);
}

#[test]
fn the_canary_needs_a_user_and_a_key() {
    const USER: &str = "user_2canary";
    const KEY: &str = "sk_test_abc_1";
    let read = |user: RawSetting, key: RawSetting, api: RawSetting| {
        ConsumerSettings::from_env(&move |name| match name {
            "CANARY_USER_ID" => user.clone(),
            "CLERK_SECRET_KEY" => key.clone(),
            "CLERK_API_URL" => api.clone(),
            _ => text("queue"),
        })
    };
    let on = read(text(" user_2canary\n"), text(KEY), RawSetting::Absent);
    assert_eq!(on.errors, []);
    let CanarySetting::On(canary) = &on.canary else { panic!("{on:?}") };
    assert_eq!(canary.user_id.as_str(), USER);
    assert_eq!(canary.api_url.as_str(), "https://api.clerk.com/v1");
    assert_eq!(canary.secret_key.bearer(), "Bearer sk_test_abc_1");
    assert!(!format!("{on:?}").contains("abc_1"));
    let none = read(text(" "), RawSetting::Absent, RawSetting::Absent);
    assert_eq!((none.canary, none.errors), (CanarySetting::Off, vec![]));
    for (user, key, api, name) in [
        (text(USER), RawSetting::Absent, RawSetting::Absent, "CLERK_SECRET_KEY is not set, and "),
        (RawSetting::Absent, text(KEY), RawSetting::Absent, "CANARY_USER_ID is not set, and "),
        (text("ada"), text(KEY), RawSetting::Absent, "CANARY_USER_ID is not the id"),
        (text("user_a/../b"), text(KEY), RawSetting::Absent, "CANARY_USER_ID is not the id"),
        (text(USER), text("pk_test_a"), RawSetting::Absent, "CLERK_SECRET_KEY is not a secret"),
        (text(USER), text("sk_test_a\r\nb"), RawSetting::Absent, "CLERK_SECRET_KEY is not a"),
        (text(USER), text(KEY), text("http://clerk.example"), "CLERK_API_URL is neither"),
    ] {
        let found = read(user, key, api);
        assert_eq!(found.canary, CanarySetting::Invalid);
        let texts: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        assert!(texts.len() == 1 && texts[0].starts_with(name), "{texts:?}");
        assert_eq!(found.events_queue, "queue", "the rest works");
    }
}

#[test]
fn queue_names_are_trimmed_and_may_be_unknown() {
    let read = |name, value| ConsumerSettings::from_env(&with(WorkerName::Consumer, name, value));
    let consumer = read("EVENTS_QUEUE", text(" events-staging "));
    assert_eq!((&*consumer.events_queue, &*consumer.dead_queue), ("events-staging", "dead"));
    for blank in [RawSetting::Absent, text(" "), RawSetting::Other] {
        assert_eq!(read("DEAD_QUEUE", blank).dead_queue, "");
    }
}

#[test]
fn cookies_without_azp_has_two_values() {
    for taken in ["refuse", "take", ""] {
        good(WorkerName::Ssr, "COOKIES_WITHOUT_AZP", &text(taken));
    }
    for other in ["1", "yes", "TAKE"] {
        bad(WorkerName::Ssr, "COOKIES_WITHOUT_AZP", text(other), "is neither");
    }
}

fn ssr(vars: &[(&str, &str)]) -> SsrSettings {
    SsrSettings::from_env(&|name| {
        vars.iter()
            .find(|(known, _)| *known == name)
            .map_or(RawSetting::Absent, |(_, value)| text(value))
    })
}

#[track_caller]
fn key_url(vars: &[(&str, &str)], want: &str) {
    let sessions = ssr(vars).sessions.expect("sessions");
    assert!(matches!(&sessions.keys, KeySource::Jwks(url) if url.as_str() == want), "{sessions:?}");
}

#[test]
fn a_publishable_key_and_the_parties_are_enough() {
    let app = ssr(&[("CLERK_PUBLISHABLE_KEY", KEY), ("AUTHORIZED_PARTIES", PARTY)]);
    assert_eq!(app.errors, []);
    let sessions = app.sessions.expect("complete");
    assert_eq!(sessions.policy.issuer(), "https://foo-bar-13.clerk.accounts.dev");
    assert_eq!(sessions.cookie_suffix.as_deref(), Some("nx2hSE6I"));
    let sign_in = app.clerk_sign_in.expect("known");
    assert_eq!(sign_in.as_str(), "https://foo-bar-13.accounts.dev/sign-in");
    assert_eq!(app.sign_in_url.as_deref(), Some("/sign-in"));
    assert_eq!((app.sign_out_url, app.isolate_ms), (None, Some(0)));
}

#[test]
fn the_first_configured_key_source_is_used() {
    let parties = ("AUTHORIZED_PARTIES", PARTY);
    let key = ("CLERK_PUBLISHABLE_KEY", KEY);
    let of_key = "https://foo-bar-13.clerk.accounts.dev/.well-known/jwks.json";
    key_url(&[parties, key], of_key);
    key_url(&[parties, key, ("CLERK_ISSUER", "https://proxy.example.com")], of_key);
    let said = ("CLERK_JWKS_URL", "keys.example.com/jwks");
    key_url(&[parties, key, said], "https://keys.example.com/jwks");
    for (issuer, want) in [
        (ISSUER, "https://clerk.example.com/.well-known/jwks.json"),
        ("https://clerk.example.com/", "https://clerk.example.com/.well-known/jwks.json"),
        ("https://a.example/clerk", "https://a.example/clerk/.well-known/jwks.json"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790/.well-known/jwks.json"),
    ] {
        key_url(&[("CLERK_ISSUER", issuer), parties], want);
    }
    let pem = ssr(&[parties, key, said, ("CLERK_JWT_KEY", PEM)]).sessions.expect("sessions");
    assert!(matches!(pem.keys, KeySource::Pem(_)));
}

#[test]
fn invalid_keys_and_urls_are_errors() {
    let ssr = WorkerName::Ssr;
    for url in ["http://clerk.example.com/jwks", "ftp://x", "x", "https://u:p@x.example/", "a b"] {
        bad(ssr, "CLERK_JWKS_URL", text(url), "neither an https URL nor a loopback URL");
        bad(ssr, "SIGN_OUT_URL", text(url), "neither an https URL nor a loopback URL");
    }
    bad(ssr, "CLERK_JWT_KEY", text("x"), "is not the PEM");
    bad(ssr, "CLERK_JWT_KEY", text(PUBLISHED), "Clerk's published test key");
    for key in ["pk_x", "sk_live_abc", "pk_live_YS5iOjk5OTk5JA=="] {
        bad(ssr, "CLERK_PUBLISHABLE_KEY", text(key), "is not a publishable key");
    }
    let api = "CLERK_FRONTEND_API_URL";
    for (url, want) in [
        ("https://clerk.example.com", "https://accounts.example.com/sign-in"),
        ("clerk.example.com/", "https://accounts.example.com/sign-in"),
        ("https://x.clerk.accounts.dev", "https://x.accounts.dev/sign-in"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790/sign-in"),
        ("http://localhost:8790/", "http://localhost:8790/sign-in"),
    ] {
        let app = SsrSettings::from_env(&with(ssr, api, text(url)));
        assert_eq!(app.clerk_sign_in.expect("known").as_str(), want);
    }
    for url in ["http://clerk.example.com", "clerk", "https://clerk.example.com?a=b"] {
        let app = SsrSettings::from_env(&with(ssr, api, text(url)));
        assert!(app.clerk_sign_in.is_none() && app.sessions.is_some(), "{url}");
        assert_eq!(error_texts(ssr, api, &text(url)).len(), 1);
    }
    good(ssr, api, &RawSetting::Absent);
}

#[test]
fn the_sign_in_page_is_a_path_or_a_url() {
    let read = |value| {
        SsrSettings::from_env(&with(WorkerName::Ssr, "SIGN_IN_URL", text(value))).sign_in_url
    };
    for (spelling, want) in [
        ("/sign-in", "/sign-in"),
        ("\"/in?theme=dark\"", "/in?theme=dark"),
        (
            "https://accounts.example.com/in?theme=dark",
            "https://accounts.example.com/in?theme=dark",
        ),
        ("HTTPS://Accounts.example.com/in", "https://accounts.example.com/in"),
        ("", "/sign-in"),
    ] {
        assert_eq!(read(spelling).as_deref(), Some(want), "{spelling}");
    }
    for url in [
        "//evil.example",
        "javascript:alert(1)",
        "sign-in",
        "/a\\b",
        "/sign-in#part",
        "https://accounts.example.com/#/sign-in",
        "/sign\tin",
        "https://accounts.example.com/sign\tin",
        "/sign in",
        "https:accounts.example.com",
        "https://u@accounts.example.com/",
    ] {
        assert_eq!(read(url), None, "{url}");
        bad(WorkerName::Ssr, "SIGN_IN_URL", text(url), "SIGN_IN_URL");
    }
}

#[test]
fn an_invalid_sign_out_url_disables_no_page() {
    let plain = ["http://x.example/out", "/out", "javascript:alert(1)", "https://u@x.example/"];
    // In a Content-Security-Policy these would add a directive, and allow forms to any target.
    let policy = ["https://a;script-src/x", "https://*/", "https://a,b/"];
    for url in plain.into_iter().chain(policy) {
        let app = SsrSettings::from_env(&with(WorkerName::Ssr, "SIGN_OUT_URL", text(url)));
        assert!(app.sign_out_url.is_none() && app.sessions.is_some(), "{url}");
        bad(WorkerName::Ssr, "SIGN_OUT_URL", text(url), "neither an https URL nor a loopback URL");
    }
    for url in ["https://accounts.example.com/out", "http://127.0.0.1:8790/sign-out"] {
        let app = SsrSettings::from_env(&with(WorkerName::Ssr, "SIGN_OUT_URL", text(url)));
        assert_eq!(app.sign_out_url.expect("known").as_str(), url);
    }
}

/// If sessions are disabled an error says why, and no error contains a value.
#[test]
fn every_disabled_feature_has_an_error_without_values() {
    let spellings = [
        String::new(),
        format!("https://{CANARY}"),
        format!("https://{CANARY}.example/{CANARY}"),
        format!("{CANARY}.example"),
        CANARY.to_owned(),
        format!("pk_live_{CANARY}"),
        format!("whsec_{CANARY}"),
        format!("-----{CANARY}"),
        format!("https://{CANARY}:99999"),
        format!("\"{CANARY}"),
        format!("https://a.example/#{CANARY}"),
        format!("org:{CANARY}\t"),
    ];
    let values = spellings.iter().map(|spelling| text(spelling));
    let values: Vec<RawSetting> = values
        .chain([
            RawSetting::Number(CANARY.to_owned()),
            list(&[CANARY]),
            RawSetting::Other,
            RawSetting::Absent,
        ])
        .collect();
    let mut closed = 0;
    for row in SETTINGS {
        for value in &values {
            assert!(!format!("{value:?}").contains(CANARY));
            let raw = with(row.worker, row.name, value.clone());
            let found = row.worker.setting_errors(&raw);
            for mistake in &found {
                assert!(!mistake.to_string().contains(CANARY), "{mistake}");
                assert!(!format!("{mistake:?}").contains(CANARY), "{mistake:?}");
            }
            if row.worker == WorkerName::Ssr {
                let app = SsrSettings::from_env(&raw);
                let is_open =
                    app.sessions.is_some() && app.sign_in_url.is_some() && app.isolate_ms.is_some();
                assert!(is_open || !found.is_empty(), "{} {value:?}", row.name);
                closed += usize::from(!is_open);
            }
        }
    }
    assert!(20 < closed, "{closed}");
}

fn console(vars: &[(&str, &str)]) -> ConsoleSettings {
    ConsoleSettings::from_env(&|name| {
        let known = vars.iter().find(|(known, _)| *known == name);
        known.map_or(RawSetting::Absent, |(_, value)| text(value))
    })
}

#[test]
fn access_needs_a_team_and_a_tag() {
    for spelling in
        [TEAM, "https://team.cloudflareaccess.com/", "HTTPS://Team.cloudflareaccess.com"]
    {
        let found = console(&[("ACCESS_TEAM_DOMAIN", spelling), ("ACCESS_AUD", AUD)]);
        assert_eq!(found.errors, [], "{spelling}");
        let access = found.access.expect("access");
        assert_eq!(access.policy.issuer, "https://team.cloudflareaccess.com");
        let want = "https://team.cloudflareaccess.com/cdn-cgi/access/certs";
        assert!(matches!(access.keys, KeySource::Jwks(url) if url.as_str() == want));
    }
    for half in [("ACCESS_TEAM_DOMAIN", TEAM), ("ACCESS_AUD", AUD)] {
        let found = console(&[half, ("OPERATOR_TOKEN", TOKEN)]);
        assert!(found.access.is_none() && !found.operator_tokens.is_empty());
        assert!(found.errors.len() == 1 && found.errors[0].is_missing(), "{:?}", found.errors);
    }
    for team in ["http://team.cloudflareaccess.com", "https://team.cloudflareaccess.com/x", "team"]
    {
        bad(WorkerName::Console, "ACCESS_TEAM_DOMAIN", text(team), "is not the domain of a team");
    }
    for aud in ["x", &AUD[1..], &format!("{AUD}0"), &AUD.replace('4', "g")] {
        bad(WorkerName::Console, "ACCESS_AUD", text(aud), "is not the tag of an application");
    }
}

#[test]
fn operators_are_addresses_in_any_case() {
    let list = |value| ConsoleSettings::from_env(&with(WorkerName::Console, "OPERATORS", value));
    for value in [text("Ada@Example.com, eve@b.c\n"), list_of_operators()] {
        let found = list(value);
        assert!(found.operators.contains("ada@example.com") && found.operators.contains("eve@b.c"));
        assert!(!found.operators.contains("") && !found.operators.contains("bob@b.c"));
    }
    for value in ["ada", "*@example.com", "ada@b.c;eve@b.c", "@", "\"ada@b.c\" eve@b.c"] {
        bad(WorkerName::Console, "OPERATORS", text(value), "something else than e-mail addresses");
        assert!(!list(text(value)).operators.contains("ada@b.c"), "nobody may change anything");
    }
}

fn list_of_operators() -> RawSetting {
    list(&["ADA@example.com", "eve@b.c"])
}

#[test]
fn tokens_are_long_and_not_shared() {
    for name in ["OPERATOR_TOKEN", "METRICS_TOKEN"] {
        good(WorkerName::Console, name, &text(&format!("{CANARY}{TOKEN}, x{TOKEN}")));
        bad(WorkerName::Console, name, text(&TOKEN[5..]), "secret number 1 is too short");
        bad(WorkerName::Console, name, text(&format!("x{TOKEN} short")), "secret number 2 is too");
        bad(WorkerName::Console, name, text(&"é".repeat(40)), "has quotes or no ASCII letters");
        bad(WorkerName::Console, name, text(&format!("{TOKEN} ").repeat(17)), "more than 16");
    }
    let both = format!("x{TOKEN} {TOKEN}");
    bad(WorkerName::Console, "METRICS_TOKEN", text(&both), "has a token of OPERATOR_TOKEN");
    let found = console(&[("OPERATOR_TOKEN", TOKEN), ("METRICS_TOKEN", &both)]);
    assert!(found.metrics_tokens.is_empty() && !found.operator_tokens.is_empty());
}

proptest! {
    /// An accepted value is already in the browser's form: parsing it again changes nothing.
    #[test]
    fn normalizing_twice_changes_nothing(
        spelling in "(https?://|HTTPS://|[a-z]{1,4}://|)[a-zA-Z0-9.:/?#@*;,_ \"'\\[\\]-]{0,24}"
    ) {
        for party in parties(text(&spelling)).unwrap_or_default() {
            let (_, host) = party.split_once("://").expect("a scheme");
            prop_assert!(!host.contains(['/', '?', '#', '@', '*', ';', ',', ' ', '"']), "{party}");
            prop_assert_eq!(parties(text(&party)), Some(vec![party]));
        }
        if let Some(taken) = issuer(&spelling) {
            prop_assert!(taken.starts_with("http") && !taken.contains(['?', '#', ' ']));
            prop_assert_eq!(issuer(&taken), Some(taken));
        }
    }
}
