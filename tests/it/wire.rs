//! The role cache's wire contract. `packages/guard` is tested with the same samples, so neither side
//! can change a name, a type or an order alone.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::role_cache::{
    self, CachePeek, CompactRoleAnswer, Hint, HintReply, RoleAnswer, RoleQuery, RoleQueryRefused,
    RoleSource,
};
use shared::roles::{Membership, RoleSet, UserStatus};

const USER: &str = "user_2vX11zP5ojq7cTRY58xT6oJaaaa";

/// Every sample, so that no sample is tested on one side only.
const SAMPLES: [&str; 12] = [
    "answer.banned",
    "answer.compact",
    "answer.dead",
    "answer.live",
    "answer.unknown",
    "ask.fresh",
    "ask.min-version",
    "ask.plain",
    "contract",
    "malformed-answers",
    "refusal.misdirected",
    "refusal.unreachable",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire")
}

fn sample(name: &str) -> String {
    let path = folder().join(format!("{name}.json"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asserts that `value` is written as the sample, and that the sample is read as `value`.
#[track_caller]
fn check_sample<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let text = sample(name);
    assert_eq!(serde_json::to_string(value).unwrap(), text.trim_end(), "{name}");
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{name}");
}

fn query(fresh: bool, min_version: i64) -> RoleQuery {
    RoleQuery { user_id: USER.into(), fresh, min_version, compact: true }
}

fn without_roles(version: i64, status: UserStatus) -> RoleSet {
    RoleSet { version, status, roles: vec![], organizations: vec![] }
}

fn membership(id: &str, role: &str, permissions: &[&str]) -> Membership {
    let permissions: Vec<String> = permissions.iter().map(|&key| key.into()).collect();
    Membership { org_id: id.into(), role: role.into(), permissions: permissions.into() }
}

#[test]
fn each_sample_is_pinned() {
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = SAMPLES.iter().map(|name| format!("{name}.json")).collect();
    assert_eq!(found, known);
}

#[test]
fn the_contract_says_where_objects_are_found() {
    let want = json!({
        "binding": role_cache::ROLE_CACHE_BINDING,
        "class": "RoleCache",
        "script": "rolecall-durable",
        "ask_url": role_cache::QUERY_URL,
        "method": "GET",
    });
    let contract: serde_json::Value = serde_json::from_str(&sample("contract")).unwrap();
    assert_eq!(contract, want);
}

/// Asserts that a sample, percent-encoded after the `?`, is read as the query, and so is the URL
/// that this side writes.
#[track_caller]
fn check_url(name: &str, ask: &RoleQuery) {
    let percents: Vec<_> = sample(name).trim_end().bytes().map(|b| format!("%{b:02x}")).collect();
    let url = format!("{}?{}", role_cache::QUERY_URL, percents.concat());
    assert_eq!(RoleQuery::from_url(&url).as_ref(), Some(ask));
    assert_eq!(RoleQuery::from_url(&ask.to_url().unwrap()).as_ref(), Some(ask));
}

#[test]
fn a_query_is_encoded_in_its_url() {
    check_url("ask.plain", &query(false, 0));
    check_url("ask.fresh", &query(true, 0));
    check_url("ask.min-version", &query(false, 1_764_000_000_123));
    let odd = RoleQuery { user_id: "user_ü&=+ %?#\"".into(), ..query(true, -1) };
    assert_eq!(RoleQuery::from_url(&odd.to_url().unwrap()), Some(odd));
    for none in ["", "?", "?{}", "?user_id=user_1", "?%22user_1%22", "?%7B%22user_id%22%3A7%7D"] {
        assert_eq!(
            RoleQuery::from_url(&format!("{}{none}", role_cache::QUERY_URL)),
            None,
            "{none}"
        );
    }
}

#[test]
fn a_query_is_written_as_its_sample() {
    // A query that does not ask for the compact form does not get it.
    let old = format!(r#"{{"user_id":"{USER}"}}"#);
    assert!(!serde_json::from_str::<RoleQuery>(&old).unwrap().compact);
    check_sample("ask.plain", &query(false, 0));
    check_sample("ask.fresh", &query(true, 0));
    check_sample("ask.min-version", &query(false, 1_764_000_000_123));
}

#[test]
fn an_answer_is_written_as_its_sample() {
    let organizations = vec![
        membership(
            "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
            "org:admin",
            &["org:posts:read", "org:posts:write"],
        ),
        membership("org_2h8op3Isl1QR7tKu5FGNfaLKEoU", "org:member", &[]),
    ];
    let roles = vec!["admin".into(), "member".into()];
    let set = without_roles(1_764_000_000_123, UserStatus::Active);
    let set = RoleSet { roles, organizations, ..set };
    let answer = |set, source, age_ms, good_for_ms| RoleAnswer { set, source, age_ms, good_for_ms };
    let live = answer(set, RoleSource::Object, 1_250, 58_750);
    check_sample("answer.live", &live);
    let compact = sample("answer.compact");
    let written = serde_json::to_string(&CompactRoleAnswer::from(&live)).unwrap();
    assert_eq!(written, compact.trim_end(), "the answer to a query with `compact`");
    assert_eq!(serde_json::from_str::<RoleAnswer>(&compact).unwrap(), live);
    let unknown = without_roles(1_764_000_000_001, UserStatus::Unknown);
    check_sample("answer.unknown", &answer(unknown, RoleSource::Fill, 0, 60_000));
    let banned = without_roles(1_764_000_000_124, UserStatus::Banned);
    check_sample("answer.banned", &answer(banned, RoleSource::Object, 10, 59_990));
    let dead = without_roles(1_764_000_000_125, UserStatus::Deleted);
    check_sample("answer.dead", &answer(dead, RoleSource::Isolate, 10, 0));
}

#[test]
fn a_refusal_is_written_as_its_sample() {
    for reason in ["unreachable", "misdirected"] {
        check_sample(&format!("refusal.{reason}"), &RoleQueryRefused { reason: reason.into() });
    }
}

/// The console alone sends it, so no sample pins it for guards.
#[test]
fn a_peek_is_written_in_one_form() {
    assert_eq!(role_cache::PEEK_URL, "https://role-cache/peek");
    let text = r#"{"owner":3,"floor":7,"version":7,"standing":"live","age_ms":9,"serves":true}"#;
    let (version, status) = (Some(7), Some(UserStatus::Active));
    let peek = CachePeek { owner: 3, floor: 7, version, status, age_ms: Some(9), serves: true };
    assert_eq!(serde_json::to_string(&peek).unwrap(), text);
    assert_eq!(serde_json::from_str::<CachePeek>(text).unwrap(), peek);
}

/// The consumer alone sends it, so no sample pins it for guards. During a deployment either side
/// may be the older one, whose hints have no trace.
#[test]
fn a_hint_is_read_with_and_without_its_trace() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct OlderHint {
        user_id: String,
        owner: i64,
        version: i64,
    }
    let plain = r#"{"user_id":"user_1","owner":1,"version":2}"#;
    let traced = r#"{"user_id":"user_1","owner":1,"version":2,"trace_id":"msg_1"}"#;
    let hint = |trace_id: Option<&str>| Hint {
        user_id: "user_1".into(),
        owner: 1,
        version: 2,
        trace_id: trace_id.map(str::to_owned),
    };
    for (text, hint) in [(plain, hint(None)), (traced, hint(Some("msg_1")))] {
        assert_eq!(serde_json::to_string(&hint).unwrap(), text);
        assert_eq!(serde_json::from_str::<Hint>(text).unwrap(), hint);
        let older = OlderHint { user_id: "user_1".into(), owner: 1, version: 2 };
        assert_eq!(serde_json::from_str::<OlderHint>(text).unwrap(), older);
    }
    assert!(serde_json::from_str::<Hint>(&traced.replace("\"msg_1\"", "7")).is_err());
}

/// A reader that fills structs by position would accept an array, or an object for a unit variant.
#[test]
fn queries_and_answers_are_read_by_field_name() {
    let ask = |json: &str| {
        let percents: Vec<_> = json.bytes().map(|byte| format!("%{byte:02x}")).collect();
        RoleQuery::from_url(&format!("{}?{}", role_cache::QUERY_URL, percents.concat()))
    };
    assert!(ask(r#"{"user_id":"user_1"}"#).is_some());
    assert_eq!(ask(r#"["user_1",true,0]"#), None);
    assert!(serde_json::from_str::<Hint>(r#"{"user_id":"user_1","owner":1,"version":2}"#).is_ok());
    assert!(serde_json::from_str::<Hint>(r#"["user_1",1,2]"#).is_err());
    assert!(serde_json::from_str::<HintReply>(r#""acked""#).is_ok());
    assert!(serde_json::from_str::<HintReply>(r#"{"acked":null}"#).is_err());
    let text = sample("answer.live");
    let set = text.find(r#"{"version""#).unwrap()..text.find(r#","source""#).unwrap();
    let organization =
        r#"{"id":"org_2h8op3Isl1QR7tKu5FGNfaLKEoU","role":"org:member","permissions":[]}"#;
    for (find, put) in [
        (&text[set], r#"[1,"live",["admin"],[]]"#),
        (organization, r#"["org_2h8op3Isl1QR7tKu5FGNfaLKEoU","org:member",[]]"#),
        (r#""live""#, r#"{"live":null}"#),
        (r#""object""#, r#"{"object":null}"#),
    ] {
        assert!(text.contains(find), "{find}");
        assert!(serde_json::from_str::<RoleAnswer>(&text.replace(find, put)).is_err(), "{put}");
    }
    assert!(serde_json::from_str::<RoleAnswer>(&text).is_ok());
}

#[test]
fn a_malformed_answer_is_refused() {
    let cases: serde_json::Value = serde_json::from_str(&sample("malformed-answers")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 70);
    for case in cases {
        let body = case["body"].as_str().unwrap();
        assert!(serde_json::from_str::<RoleAnswer>(body).is_err(), "{}: {body}", case["why"]);
    }
}
