//! An odd value in each place of each synced event: where it is not read it changes nothing, an
//! optional member is skipped, and a required member makes the delivery unreadable.

use serde_json::{Value, json};

use super::{
    EntityState, Event, ParsedDelivery, Payload, bytes, event, fields, fixture, parse_bytes,
};
use crate::event::UnreadableReason;
use crate::merge::EntityKind;
use crate::projection::{ContentDigest, EntityFields};

/// The required members of `data`, by the noun of the type, for a deletion or another event.
fn required(noun: &str, deletes: bool) -> &'static [&'static str] {
    match noun {
        _ if deletes => &["id"],
        "user" => &["id", "banned", "updated_at"],
        "organization" => &["id", "updated_at"],
        "organizationMembership" => &[
            "id",
            "role",
            "updated_at",
            "organization",
            "organization.id",
            "public_user_data",
            "public_user_data.user_id",
        ],
        "role" | "permission" => &["id", "key", "updated_at"],
        other => panic!("{other} is not synced"),
    }
}

/// The optional members that are synced, with all that they hold.
fn optional(noun: &str, deletes: bool) -> &'static [&'static str] {
    match (noun, deletes) {
        ("organizationMembership", true) => &["organization", "public_user_data"],
        (_, true) | ("permission", _) => &[],
        ("user", _) => {
            &["primary_email_address_id", "email_addresses", "public_metadata", "created_at"]
        }
        ("organization", _) => &["name", "slug"],
        ("organizationMembership", _) => {
            &["permissions", "organization.name", "organization.slug", "organization.updated_at"]
        }
        ("role", _) => &["permissions"],
        other => panic!("{other:?} is not synced"),
    }
}

/// Values that some JSON parsers reject, and shapes that others misread.
fn odd() -> Vec<Vec<u8>> {
    let deep = |open: &str, core: &str, close: &str, levels: usize| {
        format!("{}{core}{}", open.repeat(levels), close.repeat(levels)).into_bytes()
    };
    let texts = [
        "1e400",
        "-1e400",
        "-0.0",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#"{"\ud800":1}"#,
        "[[]]",
        r#"["user_9","org_9",true,7]"#,
        r#"{"id":"user_9","id":"user_8"}"#,
        "[{}]",
        "{}",
    ];
    let mut odd: Vec<Vec<u8>> = texts.map(Into::into).into();
    odd.push(deep("[", "", "]", 130));
    odd.push(deep("[", "", "]", 10_000));
    odd.push(deep(r#"{"a":"#, "1", "}", 130));
    odd.push("9".repeat(1_000).into());
    odd.push(b"\"\xff\xfe\"".into());
    odd
}

/// Every member of the data below objects, as a path.
fn paths(value: &Value, above: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = format!("{above}{name}");
        paths(value, &format!("{path}."), found);
        found.push(path);
    }
}

const MARK: &str = "placeholder";

/// The event with `odd` in this place of its data.
fn with(event: &Value, path: &str, odd: &[u8]) -> Vec<u8> {
    let mut changed = event.clone();
    let place = format!("/data/{}", path.replace('.', "/"));
    match changed.pointer_mut(&place) {
        Some(value) => *value = json!(MARK),
        None => changed["data"][path] = json!(MARK),
    }
    let text = changed.to_string();
    let (before, after) = text.split_once(&json!(MARK).to_string()).expect("the mark");
    [before.as_bytes(), odd, after.as_bytes()].concat()
}

/// A delivery without the digest of its body.
fn without_body_digest(incoming: ParsedDelivery) -> ParsedDelivery {
    ParsedDelivery { body_digest: ContentDigest::of(b""), ..incoming }
}

/// The synced fields that come from required members.
const REQUIRED: [&str; 5] = ["banned", "org_id", "user_id", "role", "key"];

/// The event with only the fields that affect access.
fn access_of(mut event: Event) -> Event {
    event.changes.truncate(1);
    event.users.clear();
    for change in &mut event.changes {
        let EntityState::Live(live) = &mut change.state else { continue };
        live.rank.digest = ContentDigest::of(b"");
        for (name, field) in live.fields.fields_mut() {
            if !REQUIRED.contains(&name) {
                field.clear();
            }
        }
    }
    event
}

/// Calls `check` for each place of each synced event and each odd value.
fn for_each_odd_value(mut check: impl FnMut(&str, &str, bool, &Value, &str, &[u8])) {
    let folder = "openapi-2025-04-15/";
    let mut tried = 0;
    for noun in ["user", "organization", "organizationMembership", "role", "permission"] {
        for verb in ["created", "updated", "deleted"] {
            let name = format!("{folder}{noun}.{verb}");
            let whole: Value = serde_json::from_slice(&fixture(&name)).unwrap();
            let mut places = vec!["unknown_member".to_owned()];
            paths(&whole["data"], "", &mut places);
            let odd = odd();
            for (place, odd) in
                places.iter().flat_map(|place| odd.iter().map(move |it| (place, it)))
            {
                check(&name, noun, verb == "deleted", &whole, place, odd);
                tried += 1;
            }
        }
    }
    assert!(1_000 < tried, "{tried}");
}

fn is_optional(noun: &str, deletes: bool, place: &str) -> bool {
    optional(noun, deletes)
        .iter()
        .any(|it| place == *it || place.strip_prefix(it).is_some_and(|rest| rest.starts_with('.')))
}

#[test]
fn a_member_that_is_not_synced_changes_nothing() {
    for_each_odd_value(|name, noun, deletes, whole, place, odd| {
        if required(noun, deletes).contains(&place) || is_optional(noun, deletes, place) {
            return;
        }
        let plain = without_body_digest(parse_bytes(whole.to_string().as_bytes()));
        let found = without_body_digest(parse_bytes(&with(whole, place, odd)));
        assert_eq!(found, plain, "{name}: {place}: {}", String::from_utf8_lossy(odd));
    });
}

#[test]
fn a_malformed_optional_member_is_skipped() {
    for_each_odd_value(|name, noun, deletes, whole, place, odd| {
        if !is_optional(noun, deletes, place) || required(noun, deletes).contains(&place) {
            return;
        }
        let at = || format!("{name}: {place}: {}", String::from_utf8_lossy(odd));
        let plain = event(parse_bytes(whole.to_string().as_bytes()));
        let found = parse_bytes(&with(whole, place, odd));
        let Payload::Event(found) = found.payload else { panic!("{}: {found:?}", at()) };
        assert_eq!(access_of(found), access_of(plain), "{}", at());
    });
}

#[test]
fn a_malformed_required_member_parks_the_delivery() {
    for_each_odd_value(|name, noun, deletes, whole, place, odd| {
        if !required(noun, deletes).contains(&place) || odd == b"-0.0" {
            return;
        }
        let found = parse_bytes(&with(whole, place, odd));
        let at = || format!("{name}: {place}: {}", String::from_utf8_lossy(odd));
        let Payload::Unreadable(found) = found.payload else { panic!("{}: {found:?}", at()) };
        assert!(
            [UnreadableReason::Shape, UnreadableReason::Id].contains(&found.reason),
            "{}: {found:?}",
            at()
        );
        assert!(found.detail.contains(place) || place == "organization", "{}: {found:?}", at());
    });
}

/// The same beside the data.
#[test]
fn a_member_beside_the_data_that_is_not_read_changes_nothing() {
    let text = String::from_utf8(bytes("user.deleted", r#"{"id":"user_1"}"#)).unwrap();
    let plain = without_body_digest(parse_bytes(text.as_bytes()));
    for odd in odd() {
        let member = [br#"{"event_attributes":"#, odd.as_slice(), b",\"\\ud800\":1,"].concat();
        let body = [member.as_slice(), &text.as_bytes()[1..]].concat();
        assert_eq!(
            without_body_digest(parse_bytes(&body)),
            plain,
            "{}",
            String::from_utf8_lossy(&odd)
        );
    }
}

#[test]
fn a_deletion_applies_whatever_its_timestamp() {
    for timestamp in ["-1", "\"x\"", "1e400", "[1]", "9223372036854775808", "null"] {
        let kind = "organizationMembership.deleted";
        let body =
            format!(r#"{{"type":"{kind}","data":{{"id":"orgmem_1"}},"timestamp":{timestamp}}}"#);
        let incoming = parse_bytes(body.as_bytes());
        assert_eq!(incoming.event_at, None);
        assert_eq!(incoming.note.is_empty(), timestamp == "null", "{}", incoming.note);
        assert_eq!(event(incoming).changes[0].state, EntityState::Deleted);
    }
}

#[test]
fn a_malformed_instance_id_makes_only_a_synced_event_unreadable() {
    let body = |instance: &str, kind: &str| {
        let text = format!(r#"{{"type":"{kind}","data":{{"id":"user_1"}},{instance}}}"#);
        parse_bytes(text.as_bytes())
    };
    for odd in [r#""instance_id":7"#, r#""instance_id":"ins_1","instance_id":"ins_2""#] {
        let Payload::Unreadable(found) = body(odd, "user.deleted").payload else { panic!("{odd}") };
        assert_eq!(
            (found.reason, &*found.detail),
            (UnreadableReason::Shape, "instance_id is malformed")
        );
        assert_eq!(body(odd, "email.created").payload, Payload::Ignored);
    }
}

#[track_caller]
fn noted(kind: &str, data: &str) -> (Event, String) {
    let incoming = parse_bytes(&bytes(kind, data));
    let note = incoming.note.clone();
    (event(incoming), note)
}

#[test]
fn notes_say_what_was_skipped_without_values() {
    let secret = "\"secret\"";
    for (kind, data, want) in [
        (
            "user.updated",
            r#""email_addresses":[["a"],{"id":7}],"primary_email_address_id":"a""#,
            "data.email_addresses: 2 of 2 items are malformed, skipped",
        ),
        (
            "user.updated",
            r#""primary_email_address_id":7,"created_at":-1"#,
            "data.primary_email_address_id is malformed; data.created_at is malformed",
        ),
        (
            "organization.updated",
            r#""name":{"n":"secret"},"slug":"a","slug":"secret""#,
            "data.name is malformed; data.slug is malformed",
        ),
        (
            "role.updated",
            r#""key":"a","permissions":[7,["perm_1","secret"],{"id":"perm_2","key":"k"}]"#,
            "data.permissions: 2 of 3 items are malformed, skipped",
        ),
        (
            "organizationMembership.deleted",
            r#""organization":["secret"],"public_user_data":7"#,
            "data.public_user_data is malformed; data.organization is malformed",
        ),
        (
            "organizationMembership.deleted",
            r#""organization":{"id":"org_1","updated_at":5,"name":["secret"]}"#,
            "data.organization is malformed: the organization's own events will sync it",
        ),
    ] {
        let noun = kind.split('.').next().unwrap();
        let id = if noun == "organization" { "org_1" } else { "user_1" };
        let (_, note) = noted(kind, &format!(r#"{{"id":"{id}","updated_at":5,{data}}}"#));
        assert_eq!(note, want, "{data}");
        assert!(!note.contains(secret.trim_matches('"')));
    }
    let (_, note) = noted("user.deleted", r#"{"id":"user_1","name":7}"#);
    assert_eq!(note, "", "members that are not read are not noted");
}

/// An incomplete organization could overwrite the data from its own events.
#[test]
fn a_nested_organization_is_synced_only_if_it_is_complete() {
    let membership = |organization: &str| {
        let data = format!(
            r#"{{"id":"orgmem_1","role":"org:member","organization":{organization},
            "public_user_data":{{"user_id":"user_1"}},"updated_at":5}}"#
        );
        noted("organizationMembership.updated", &data)
    };
    let (event, note) = membership(r#"{"id":"org_1","updated_at":5,"name":"A"}"#);
    assert_eq!(
        (event.changes.len(), event.changes[1].kind, &*note),
        (2, EntityKind::Organization, "")
    );
    for odd in [r#""name":["A"]"#, r#""name":"A","slug":7"#, r#""name":"A","name":"A""#] {
        let (event, note) = membership(&format!(r#"{{"id":"org_1","updated_at":5,{odd}}}"#));
        assert_eq!((event.changes.len(), note.is_empty()), (1, false), "{odd}");
    }
    let (event, note) = membership(r#"{"id":"org_1"}"#);
    assert_eq!((event.changes.len(), &*note), (1, ""), "only a reference");
}

#[test]
fn an_id_or_key_with_invalid_utf_8_is_malformed() {
    let membership = |role: &[u8]| {
        let data = [
            br#"{"type":"organizationMembership.updated","data":{"id":"orgmem_1","role":""#,
            role,
            br#"","organization":{"id":"org_1"},"public_user_data":{"user_id":"user_1"},"#,
            br#""updated_at":5}}"#,
        ];
        parse_bytes(&data.concat()).payload
    };
    assert!(matches!(membership(b"org:admin"), Payload::Event(_)));
    let Payload::Unreadable(found) = membership(b"org:admin\xff") else { panic!() };
    assert_eq!((found.reason, &*found.detail), (UnreadableReason::Shape, "data.role is malformed"));
}

#[track_caller]
fn roles(metadata: &str) -> (Vec<String>, String) {
    let data =
        format!(r#"{{"id":"user_1","updated_at":5,"banned":true,"public_metadata":{metadata}}}"#);
    let (event, note) = noted("user.updated", &data);
    let EntityFields::User(user) = fields(&event) else { panic!() };
    assert!(user.banned, "the ban is kept: {metadata}");
    (user.app_roles.clone(), note)
}

#[test]
fn skipped_role_shapes_are_noted() {
    let rule = "an app role is a string of 1 to 128 bytes without leading or trailing spaces, \
                without control characters, and not starting with org:";
    let metadata = "data.public_metadata";
    for (given, want, note) in [
        (
            r#"{"roles":"admin"}"#,
            vec![],
            format!("{metadata}.roles is a string, expected an array: no app roles read"),
        ),
        (
            r#"{"role":["admin"]}"#,
            vec![],
            format!("{metadata}.role is an array, expected a string: no app roles read"),
        ),
        (
            r#"{"roles":"admin,editor"}"#,
            vec![],
            format!("{metadata}.roles is a string, expected an array: no app roles read"),
        ),
        (
            r#"{"roles":{"admin":true}}"#,
            vec![],
            format!("{metadata}.roles is an object, expected an array: no app roles read"),
        ),
        (
            r#"{"role":true}"#,
            vec![],
            format!("{metadata}.role is a boolean, expected a string: no app roles read"),
        ),
        (r#"{"role":" admin "}"#, vec![], format!("{metadata}.role was skipped: {rule}")),
        (
            r#"{"role":"\ud800","roles":["a"]}"#,
            vec!["a"],
            format!("{metadata}.role was skipped: {rule}"),
        ),
        (
            r#"{"roles":["a",7,"org:b"],"role":"c"}"#,
            vec!["a", "c"],
            format!("{metadata}.roles: 2 of 3 were skipped: {rule}"),
        ),
        (
            r#"{"roles":["a"],"roles":["b"],"role":"c"}"#,
            vec!["c"],
            format!("{metadata}.roles is malformed"),
        ),
        ("1e400", vec![], format!("{metadata} is a number, expected an object: no app roles read")),
        (
            r#""\ud800""#,
            vec![],
            format!("{metadata} is a string, expected an object: no app roles read"),
        ),
        // Names are compared as they are, and every other key is the app's own.
        (r#"{"role":"Admin"}"#, vec!["Admin"], String::new()),
        (r#"{"admin":"true","\ud800":1e400}"#, vec![], String::new()),
        (r#"{"roles":[],"role":null}"#, vec![], String::new()),
        ("null", vec![], String::new()),
    ] {
        assert_eq!(roles(given), (want.into_iter().map(String::from).collect(), note), "{given}");
    }
}

#[test]
fn the_app_roles_of_a_user_are_limited_and_the_rest_is_noted() {
    let list = |count: u32| {
        let names: Vec<_> = (0..count).rev().map(|i| format!(r#""r{i:03}""#)).collect();
        format!(r#"{{"roles":[{}],"role":"a"}}"#, names.join(","))
    };
    let (names, note) = roles(&list(99));
    assert_eq!((names.len(), &*note), (100, ""));
    let (names, note) = roles(&list(150));
    assert_eq!((names.len(), &*names[0], &*names[1], &*names[99]), (100, "a", "r000", "r098"));
    let want = "data.public_metadata lists 151 app roles: \
                only the first 100 in byte order are kept";
    assert_eq!(note, want);
    let (fits, over) = ("x".repeat(128), "y".repeat(129));
    let (names, note) = roles(&format!(r#"{{"roles":["{fits}","{over}"]}}"#));
    assert_eq!((names, note.is_empty()), (vec![fits], false));
}
