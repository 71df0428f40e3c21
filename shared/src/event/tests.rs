//! Clerk's deliveries, as published, captured and broken.

mod odd;

use super::{Event, ParsedDelivery, Payload, UnreadableReason, parse_bytes, parse_type};
use crate::merge::{EntityKind, EntityState};
use crate::metrics::labels::{EVENT_TYPE, OTHER};
use crate::projection::EntityFields;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/clerk-events/");
    std::fs::read(format!("{root}{name}.json")).unwrap()
}

#[track_caller]
fn event(incoming: ParsedDelivery) -> Event {
    let Payload::Event(event) = incoming.payload else { panic!("{incoming:?}") };
    event
}

#[track_caller]
fn read(name: &str) -> Event {
    event(parse_bytes(&fixture(name)))
}

#[track_caller]
fn fields(event: &Event) -> &EntityFields {
    let EntityState::Live(live) = &event.changes[0].state else { panic!("{event:?}") };
    &live.fields
}

/// An event of `kind` with this data and a time, as bytes.
fn bytes(kind: &str, data: &str) -> Vec<u8> {
    format!(r#"{{"object":"event","type":"{kind}","timestamp":1744276393644,"data":{data}}}"#)
        .into()
}

#[track_caller]
fn check_unreadable(body: &[u8], want: UnreadableReason) {
    let incoming = parse_bytes(body);
    let Payload::Unreadable(unreadable) = &incoming.payload else { panic!("{incoming:?}") };
    assert_eq!(unreadable.reason, want, "{incoming:?}");
}

#[test]
fn the_captured_user_is_read() {
    let incoming = parse_bytes(&fixture("captured/user.created.2025-04.anonymised"));
    assert_eq!(incoming.instance_id.as_deref(), Some("ins_2vU3fBhx47yeddqKhd5taTbaaaa"));
    assert_eq!(incoming.event_at.unwrap().0, 1_744_276_393_644);
    let event = event(incoming);
    let EntityFields::User(user) = fields(&event) else { panic!() };
    assert_eq!(user.email.as_deref(), Some("person@example.com"));
    assert_eq!((user.banned, user.app_roles.len(), user.created_at), (false, 0, 1_744_276_393_608));
    assert_eq!(event.users[0].as_str(), "user_2vX11zP5ojq7cTRY58xT6oJaaaa");
}

#[test]
fn the_primary_address_is_found_by_its_id() {
    let event = read("derived/user.updated.primary-not-first");
    let EntityFields::User(user) = fields(&event) else { panic!() };
    let text = String::from_utf8(fixture("derived/user.updated.primary-not-first")).unwrap();
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let first = data["data"]["email_addresses"][0]["email_address"].as_str();
    assert!(user.email.is_some() && user.email.as_deref() != first);
}

#[test]
fn a_user_may_have_no_address() {
    for name in ["derived/user.created.no-email", "openapi-2025-04-15/user.created"] {
        let event = read(name);
        let EntityFields::User(user) = fields(&event) else { panic!() };
        assert_eq!(user.email, None);
    }
}

#[test]
fn a_ban_is_read() {
    let event = read("derived/user.updated.banned");
    let EntityFields::User(user) = fields(&event) else { panic!() };
    assert!(user.banned);
}

#[test]
fn seconds_and_a_missing_envelope_time_are_read() {
    let seconds = parse_bytes(&fixture("derived/user.created.seconds-timestamp"));
    assert!(seconds.event_at.unwrap().0 > 1_000_000_000_000);
    let minimal = parse_bytes(&fixture("derived/user.created.minimal-envelope"));
    assert_eq!((minimal.event_at, &minimal.instance_id), (None, &None));
    let event = event(minimal);
    let EntityState::Live(live) = &event.changes[0].state else { panic!() };
    assert_eq!(live.rank.event_at, live.rank.updated_at);
}

#[test]
fn every_synced_example_is_read_and_every_other_ignored() {
    let dir =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/clerk-events/openapi-2025-04-15");
    let (mut synced, mut ignored) = (0, 0);
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with('_') {
            continue;
        }
        match parse_bytes(&std::fs::read(&path).unwrap()).payload {
            Payload::Event(_) => synced += 1,
            Payload::Ignored => ignored += 1,
            Payload::Unreadable(unreadable) => panic!("{}: {unreadable:?}", path.display()),
        }
    }
    assert_eq!((synced, ignored), (15, 30));
}

#[test]
fn a_membership_brings_its_organization() {
    let event = read("openapi-2025-04-15/organizationMembership.created");
    let entities: Vec<_> = event.changes.iter().map(|change| change.kind).collect();
    assert_eq!(entities, [EntityKind::Membership, EntityKind::Organization]);
    let EntityFields::Membership(membership) = fields(&event) else { panic!() };
    assert_eq!(membership.role, "org:member");
    assert_eq!(membership.permissions, ["org:posts:read", "org:posts:write"]);
    assert_eq!(event.users[0].as_str(), membership.user_id);
}

#[test]
fn a_deleted_membership_leaves_its_organization() {
    let event = read("openapi-2025-04-15/organizationMembership.deleted");
    assert_eq!(event.changes[0].state, EntityState::Deleted);
    assert!(matches!(event.changes[1].state, EntityState::Live(_)));
}

#[test]
fn a_deletion_needs_only_its_id() {
    let data = r#"{"id":"orgmem_1","deleted":true,"organization":7,"public_user_data":"x"}"#;
    let event = event(parse_bytes(&bytes("organizationMembership.deleted", data)));
    assert_eq!((event.changes.len(), event.users.len()), (1, 0));
}

#[test]
fn a_deletion_without_an_id_is_unreadable() {
    check_unreadable(&fixture("derived/user.deleted.no-id"), UnreadableReason::NoSubject);
}

#[test]
fn legacy_role_names_are_normalised() {
    for (raw, want) in
        [("admin", "org:admin"), ("basic_member", "org:member"), ("org:x", "org:x"), ("y", "org:y")]
    {
        let data = format!(
            r#"{{"id":"orgmem_1","role":"{raw}","organization":{{"id":"org_1"}},
            "public_user_data":{{"user_id":"user_1"}},"updated_at":5}}"#
        );
        let event = event(parse_bytes(&bytes("organizationMembership.created", &data)));
        let EntityFields::Membership(membership) = fields(&event) else { panic!() };
        assert_eq!(membership.role, want);
        assert_eq!(
            event.changes.len(),
            1,
            "an organization without times is left to its own events"
        );
    }
}

#[test]
fn app_roles_come_from_roles_and_role_together() {
    let data = r#"{"id":"user_1","updated_at":5,"public_metadata":
        {"roles":["editor","admin",7,null,"org:admin","","editor"],"role":"author"}}"#;
    let event = event(parse_bytes(&bytes("user.updated", data)));
    let EntityFields::User(user) = fields(&event) else { panic!() };
    assert_eq!(user.app_roles, ["admin", "author", "editor"]);
}

#[test]
fn malformed_metadata_gives_no_roles() {
    for metadata in ["null", "7", "[]", r#"{"roles":"admin","role":["admin"]}"#, r#"{"roles":{}}"#]
    {
        let data = format!(r#"{{"id":"user_1","updated_at":5,"public_metadata":{metadata}}}"#);
        let event = event(parse_bytes(&bytes("user.updated", &data)));
        let EntityFields::User(user) = fields(&event) else { panic!() };
        assert!(user.app_roles.is_empty(), "{metadata}");
    }
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let a = r#"{"id":"user_1","updated_at":5,"banned":true,"public_metadata":{"role":"a","roles":["b"]}}"#;
    let b = r#"{"public_metadata":{"roles":["b"],"role":"a"},"banned":true,"updated_at":5,"id":"user_1"}"#;
    let read = |data| event(parse_bytes(&bytes("user.updated", data)));
    assert_eq!(read(a), read(b));
}

#[test]
fn malformed_bodies_give_the_right_reason() {
    check_unreadable(b"", UnreadableReason::NotJson);
    check_unreadable(b"{", UnreadableReason::NotJson);
    check_unreadable(b"\xff\xfe", UnreadableReason::NotJson);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    check_unreadable(&bytes("user.created", &deep), UnreadableReason::Shape);
    check_unreadable(deep.as_bytes(), UnreadableReason::Shape);
    check_unreadable(b"[]", UnreadableReason::Shape);
    check_unreadable(br#"{"data":{}}"#, UnreadableReason::Shape);
    check_unreadable(
        br#"{"type":"user.created","type":"user.deleted","data":{}}"#,
        UnreadableReason::Shape,
    );
    // serde reads a struct from an array as well, by the order of its fields.
    let user = r#"["user_1",null,null,null,null,null,1744276393644]"#;
    check_unreadable(&bytes("user.created", user), UnreadableReason::Shape);
    let array = format!(r#"["user.deleted",{},1744276393644,null]"#, r#"{"id":"user_1"}"#);
    check_unreadable(array.as_bytes(), UnreadableReason::Shape);
    check_unreadable(&bytes("user.created", "null"), UnreadableReason::Shape);
    check_unreadable(
        &bytes("user.created", r#"{"id":"user_1","id":"user_2","updated_at":5}"#),
        UnreadableReason::Shape,
    );
    check_unreadable(&bytes("user.created", r#"{"id":"user_1"}"#), UnreadableReason::Shape);
    check_unreadable(
        &bytes("user.created", r#"{"id":"mch_1","updated_at":5}"#),
        UnreadableReason::Id,
    );
    check_unreadable(
        &bytes("user.created", r#"{"id":"user_1","updated_at":-5}"#),
        UnreadableReason::Time,
    );
    check_unreadable(
        br#"{"type":"user.created","data":{"id":"user_1","updated_at":5},"timestamp":-1}"#,
        UnreadableReason::Time,
    );
}

#[test]
fn an_update_more_than_an_hour_after_its_event_is_rejected() {
    let data = |ahead: i64| {
        let updated_at = 1_744_276_393_644 + ahead;
        bytes("user.updated", &format!(r#"{{"id":"user_1","updated_at":{updated_at}}}"#))
    };
    assert!(matches!(parse_bytes(&data(3_600_000)).payload, Payload::Event(_)));
    check_unreadable(&data(3_600_001), UnreadableReason::Time);
}

#[test]
fn an_unreadable_delivery_still_has_its_object_id() {
    let incoming = parse_bytes(&bytes("user.updated", r#"{"id":"user_1","updated_at":"x"}"#));
    assert_eq!(incoming.event_type.as_deref(), Some("user.updated"));
    let Payload::Unreadable(unreadable) = incoming.payload else { panic!() };
    assert_eq!(unreadable.object_id.as_deref(), Some("user_1"));
}

#[test]
fn a_number_of_a_million_digits_is_unreadable() {
    let data = format!(r#"{{"id":"user_1","updated_at":{}}}"#, "9".repeat(1_000_000));
    check_unreadable(&bytes("user.updated", &data), UnreadableReason::Shape);
}

#[test]
fn each_synced_type_is_in_the_table_of_metrics_and_no_other() {
    let (types, other) = EVENT_TYPE.values.split_at(EVENT_TYPE.values.len() - 1);
    assert_eq!(other, [OTHER]);
    assert!(types.iter().all(|name| parse_type(name).is_some()), "{types:?}");
    for kind in EntityKind::ALL {
        for verb in ["created", "updated", "deleted"] {
            let name = format!("{}.{verb}", kind.clerk_noun());
            assert!(types.contains(&name.as_str()), "{name}");
        }
    }
}
