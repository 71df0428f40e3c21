//! What became of each delivery, and of each message that was put aside.

use crate::support::clerk::{again, deleted, deliver, event_at, membership, under, user_with};
use crate::support::{Db, START};
use rusqlite::types::Value;
use serde_json::{Value as Json, json};
use shared::plan::{DeadLetter, Message, plan};
use shared::sql::statements;
use shared::time::UnixMillis;

const EVENTS: &str = "rolecall-events";
const ADA: &str = "user_ada";

fn user(id: &str, seconds: i64, role: &str) -> Message {
    let at = START + seconds * 1000;
    deliver(id, &event_at("user.updated", at, &user_with(ADA, at, &[role])), START)
}

fn delete(id: &str) -> Message {
    deliver(id, &event_at("user.deleted", START, &deleted("user", ADA)), START)
}

fn other(id: &str, kind: &str, data: &Json) -> Message {
    deliver(id, &event_at(kind, START, data), START)
}

/// Commits a batch, with what is put aside in it.
fn commit(db: &Db, messages: &[Message], letters: Vec<DeadLetter>, now: i64) {
    let planned = plan(EVENTS, messages, letters);
    db.run(&statements(&planned, UnixMillis(now))).unwrap();
}

/// `svix_id outcome copies` of every delivery, and `reused` where the id came with other bytes.
fn account(db: &Db) -> Vec<String> {
    db.column(
        "SELECT svix_id || ' ' || outcome || ' ' || copies || iif(id_reused, ' reused', '')
         FROM deliveries ORDER BY svix_id",
        [],
    )
}

/// Commits each batch in turn and compares the account.
#[track_caller]
fn check(batches: &[&[&Message]], want: &[&str]) {
    let db = Db::new();
    for batch in batches {
        let batch: Vec<_> = batch.iter().copied().cloned().collect();
        commit(&db, &batch, vec![], START);
    }
    assert_eq!(account(&db), want);
}

#[test]
fn a_delivery_that_stands_is_applied_and_one_that_lost_is_superseded() {
    let (old, new) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    check(&[&[&old, &new]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&new], &[&old]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&old], &[&new]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_late_update_of_the_dead_is_superseded() {
    let (late, end) = (user("msg_1", 9, "a"), delete("msg_2"));
    check(&[&[&end], &[&late]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&late, &end]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&delete("msg_1")], &[&delete("msg_2")]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_copy_is_counted_and_changes_no_outcome() {
    let (old, new) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    let (second, third) = (again(&old, 2), again(&old, 3));
    check(&[&[&old], &[&new], &[&second, &third]], &["msg_1 applied 3", "msg_2 applied 1"]);
    check(&[&[&old, &second]], &["msg_1 applied 2"]);
}

#[test]
fn the_same_event_under_two_ids_is_applied_under_both() {
    let first = user("msg_1", 1, "a");
    let second = under(&first, "msg_2");
    check(&[&[&first], &[&second]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn what_a_later_event_has_told_already_is_a_duplicate() {
    let at = |id: &str, seconds: i64| {
        let body = event_at("user.updated", START + seconds * 1000, &user_with(ADA, START, &["a"]));
        deliver(id, &body, START)
    };
    let (early, late) = (at("msg_1", 1), at("msg_2", 2));
    check(&[&[&late], &[&early]], &["msg_1 duplicate 1", "msg_2 applied 1"]);
    check(&[&[&early, &late]], &["msg_1 duplicate 1", "msg_2 applied 1"]);
}

#[test]
fn an_id_that_comes_with_other_bytes_is_marked_and_applied_all_the_same() {
    let db = Db::new();
    commit(&db, &[user("msg_1", 1, "a")], vec![], START);
    commit(&db, &[user("msg_1", 2, "b")], vec![], START);
    commit(&db, &[user("msg_1", 1, "a")], vec![], START);
    assert_eq!(account(&db), ["msg_1 applied 3 reused"]);
    assert_eq!(db.one::<String>("SELECT app_roles FROM users", []), r#"["b"]"#);
}

#[test]
fn a_type_that_is_not_synced_is_ignored_and_what_cannot_be_read_is_parked() {
    let session = other("msg_1", "session.created", &json!({ "id": "sess_1" }));
    let nameless = other("msg_2", "user.deleted", &json!({ "deleted": true }));
    let good = user("msg_3", 1, "a");
    let db = Db::new();
    commit(&db, &[session, nameless, good], vec![], START + 7);
    assert_eq!(account(&db), ["msg_1 ignored 1", "msg_2 parked 1", "msg_3 applied 1"]);
    let row = "SELECT type, subject, event_at, attempted_at, received_at, applied_at FROM deliveries WHERE svix_id = 'msg_3'";
    let (kind, subject) = (Value::Text("user.updated".into()), Value::Text(ADA.into()));
    let times = [START + 1000, START, START, START + 7].map(Value::Integer);
    assert_eq!(db.rows(row, []), [[&[kind, subject][..], &times].concat()]);
    let reasons: Vec<String> =
        db.column("SELECT svix_id || ' ' || type || ' ' || reason FROM dead_letters", []);
    assert_eq!(reasons, ["msg_2 user.deleted no-subject"]);
}

#[test]
fn what_was_parked_is_applied_when_it_comes_again() {
    let message = user("msg_1", 1, "a");
    let letter = message.park(EVENTS, "retries-exhausted", "D1 was down");
    let db = Db::new();
    commit(&db, &[], vec![letter.clone()], START);
    assert_eq!(account(&db), ["msg_1 parked 1"]);
    assert_eq!(db.one::<i64>("SELECT count(*) FROM users", []), 0);
    commit(&db, &[again(&message, 2)], vec![], START);
    assert_eq!(account(&db), ["msg_1 applied 2"]);
    commit(&db, &[], vec![letter], START);
    assert_eq!(account(&db), ["msg_1 applied 3"], "what was applied is not unsaid");
}

#[test]
fn what_was_parked_may_turn_out_superseded() {
    let message = user("msg_1", 1, "a");
    let db = Db::new();
    commit(&db, &[], vec![message.park(EVENTS, "retries-exhausted", "")], START);
    commit(&db, &[user("msg_2", 2, "b"), message], vec![], START);
    assert_eq!(account(&db), ["msg_1 superseded 2", "msg_2 applied 1"]);
}

#[test]
fn a_memberships_outcome_is_its_own_and_not_its_organizations() {
    let late = membership(["orgmem_1", "org_1", ADA, "org:member"], START, &[]);
    let gone = deleted("organization", "org_1");
    let gone = other("msg_1", "organization.deleted", &gone);
    let late = other("msg_2", "organizationMembership.created", &late);
    check(&[&[&gone, &late]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_message_is_put_aside_once_however_often_it_comes() {
    let message = user("msg_1", 1, "a");
    let db = Db::new();
    let letter = |attempts, reason: &str, seen| DeadLetter {
        attempts,
        first_seen_at: UnixMillis(seen),
        ..message.park(EVENTS, reason, "detail")
    };
    commit(&db, &[], vec![letter(9, "overloaded", START)], START + 1);
    commit(&db, &[], vec![letter(3, "retries-exhausted", START + 5)], START + 9);
    let rows = db.rows(
        "SELECT message_id, svix_id, type, subject, reason, attempts, first_seen_at, last_seen_at, envelope FROM dead_letters",
        [],
    );
    let text = |text: &str| Value::Text(text.into());
    let want = [
        text("queue-msg_1"),
        text("msg_1"),
        text("user.updated"),
        text(ADA),
        text("retries-exhausted"),
        Value::Integer(9),
        Value::Integer(START),
        Value::Integer(START + 9),
        text(&message.text),
    ];
    assert_eq!(rows, [want], "the bytes as they came");
}

#[test]
fn what_is_no_envelope_is_put_aside_as_it_came() {
    let text = "not { json \u{0}\u{1} \" ' \u{1f980}";
    let letter = DeadLetter {
        message_id: "queue-1".into(),
        queue: EVENTS.into(),
        reason: "malformed".into(),
        detail: "expected ident at line 1 column 2".into(),
        attempts: 1,
        first_seen_at: UnixMillis(START),
        text: text.into(),
        envelope: None,
    };
    let db = Db::new();
    commit(&db, &[user("msg_1", 1, "a")], vec![letter], START);
    assert_eq!(account(&db), ["msg_1 applied 1"], "no row without a svix-id");
    let rows = db.rows("SELECT svix_id, type, subject, envelope FROM dead_letters", []);
    let want = [Value::Null, Value::Null, Value::Null, Value::Text(text.into())];
    assert_eq!(rows, [want]);
}

#[test]
fn the_audit_is_append_only() {
    let db = Db::new();
    db.exec("INSERT INTO audit (id, at, actor, action) VALUES ('1', 1, 'ops', 'replay')");
    for text in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let error = db.sql.execute_batch(text).unwrap_err().to_string();
        assert_eq!(error, "audit is append only");
    }
}
