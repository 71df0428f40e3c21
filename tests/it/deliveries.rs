//! The outcome recorded for each delivery, and the row for each dead letter.

use rusqlite::types::Value;
use serde_json::{Value as Json, json};
use shared::envelope::Envelope;
use shared::event::Payload;
use shared::outbox::{PendingHint, merge_round};
use shared::plan::{DeadLetter, OpenedMessage, plan};
use shared::sql::{Statement, pending, pending_of, statements};
use shared::time::UnixMillis;

use crate::support::clerk::{
    deleted, deliver, event_at, membership, redelivered, user_with, with_svix_id,
};
use crate::support::{Cells, Db, START};

const EVENTS: &str = "rolecall-events";
const DEAD: &str = "rolecall-dead";
const ADA: &str = "user_ada";
const BOB: &str = "user_bob";

fn user(id: &str, seconds: i64, role: &str) -> OpenedMessage {
    let at = START + seconds * 1000;
    deliver(id, &event_at("user.updated", at, &user_with(ADA, at, &[role])), START)
}

fn delete(id: &str) -> OpenedMessage {
    deliver(id, &event_at("user.deleted", START, &deleted("user", ADA)), START)
}

fn delivery(id: &str, kind: &str, data: &Json) -> OpenedMessage {
    deliver(id, &event_at(kind, START, data), START)
}

/// Commits a batch of messages and dead letters.
fn commit(db: &Db, messages: &[OpenedMessage], letters: Vec<DeadLetter>, now: i64) {
    let planned = plan(EVENTS, messages, letters);
    db.run(&statements(&planned, UnixMillis(now))).unwrap();
}

/// `svix_id outcome copies` of every delivery; `reused` where the id came with another body.
fn outcomes(db: &Db) -> Vec<String> {
    db.column(
        "SELECT svix_id || ' ' || outcome || ' ' || copies || iif(id_reused, ' reused', '')
         FROM deliveries ORDER BY svix_id",
        [],
    )
}

/// Commits each batch in turn and compares the outcomes.
#[track_caller]
fn check(batches: &[&[&OpenedMessage]], want: &[&str]) {
    let db = Db::new();
    for batch in batches {
        let batch: Vec<_> = batch.iter().copied().cloned().collect();
        commit(&db, &batch, vec![], START);
    }
    assert_eq!(outcomes(&db), want);
}

#[test]
fn the_greater_delivery_is_applied_and_the_lesser_superseded() {
    let (old, new) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    check(&[&[&old, &new]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&new], &[&old]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&old], &[&new]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn of_two_updates_at_one_time_one_is_applied_and_one_superseded() {
    let db = Db::new();
    commit(&db, &[user("msg_1", 1, "a"), user("msg_2", 1, "b")], vec![], START);
    let row: String = db.one("SELECT app_roles FROM users", []);
    let (won, lost) = if row == r#"["a"]"# { ("a", "b") } else { ("b", "a") };
    assert_eq!(row, format!(r#"["{won}"]"#));
    let (won, lost) = (user("msg_1", 1, won), user("msg_2", 1, lost));
    let want = ["msg_1 applied 1", "msg_2 superseded 1"];
    check(&[&[&won, &lost]], &want);
    check(&[&[&lost, &won]], &want);
    check(&[&[&won], &[&lost]], &want);
    // The outcome is the one at the time of the commit: the lesser counted until the greater came.
    check(&[&[&lost], &[&won]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_late_update_of_a_deleted_user_is_superseded() {
    let (late, end) = (user("msg_1", 9, "a"), delete("msg_2"));
    check(&[&[&end], &[&late]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&late, &end]], &["msg_1 superseded 1", "msg_2 applied 1"]);
    check(&[&[&delete("msg_1")], &[&delete("msg_2")]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_copy_is_counted_and_changes_no_outcome() {
    let (old, new) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    let (second, third) = (redelivered(&old, 2), redelivered(&old, 3));
    check(&[&[&old], &[&new], &[&second, &third]], &["msg_1 applied 3", "msg_2 applied 1"]);
    check(&[&[&old, &second]], &["msg_1 applied 2"]);
}

#[test]
fn the_same_event_under_two_ids_is_applied_under_both() {
    let first = user("msg_1", 1, "a");
    let second = with_svix_id(&first, "msg_2");
    check(&[&[&first], &[&second]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn content_that_a_later_event_already_brought_is_a_duplicate() {
    let at = |id: &str, seconds: i64| {
        let body = event_at("user.updated", START + seconds * 1000, &user_with(ADA, START, &["a"]));
        deliver(id, &body, START)
    };
    let (early, late) = (at("msg_1", 1), at("msg_2", 2));
    check(&[&[&late], &[&early]], &["msg_1 duplicate 1", "msg_2 applied 1"]);
    check(&[&[&early, &late]], &["msg_1 duplicate 1", "msg_2 applied 1"]);
}

#[test]
fn a_reused_id_with_another_body_is_flagged_and_applied() {
    let db = Db::new();
    commit(&db, &[user("msg_1", 1, "a")], vec![], START);
    commit(&db, &[user("msg_1", 2, "b")], vec![], START);
    commit(&db, &[user("msg_1", 1, "a")], vec![], START);
    assert_eq!(outcomes(&db), ["msg_1 applied 3 reused"]);
    assert_eq!(db.one::<String>("SELECT app_roles FROM users", []), r#"["b"]"#);
}

#[test]
fn an_unsynced_type_is_ignored_and_an_unreadable_delivery_is_parked() {
    let session = delivery("msg_1", "session.created", &json!({ "id": "sess_1" }));
    let nameless = delivery("msg_2", "user.deleted", &json!({ "deleted": true }));
    let good = user("msg_3", 1, "a");
    let db = Db::new();
    commit(&db, &[session, nameless, good], vec![], START + 7);
    assert_eq!(outcomes(&db), ["msg_1 ignored 1", "msg_2 parked 1", "msg_3 applied 1"]);
    let row = "SELECT type, subject, event_at, attempted_at, received_at, applied_at FROM deliveries WHERE svix_id = 'msg_3'";
    let (kind, subject) = (Value::Text("user.updated".into()), Value::Text(ADA.into()));
    let times = [START + 1000, START, START, START + 7].map(Value::Integer);
    assert_eq!(db.rows(row, []), [[&[kind, subject][..], &times].concat()]);
    let reasons: Vec<String> =
        db.column("SELECT svix_id || ' ' || type || ' ' || reason FROM dead_letters", []);
    assert_eq!(reasons, ["msg_2 user.deleted no-subject"]);
}

#[test]
fn a_parked_delivery_is_applied_when_redelivered() {
    let message = user("msg_1", 1, "a");
    let letter = message.to_dead_letter(EVENTS, "retries-exhausted", "D1 was down");
    let db = Db::new();
    commit(&db, &[], vec![letter.clone()], START);
    assert_eq!(outcomes(&db), ["msg_1 parked 1"]);
    assert_eq!(db.one::<i64>("SELECT count(*) FROM users", []), 0);
    commit(&db, &[redelivered(&message, 2)], vec![], START);
    assert_eq!(outcomes(&db), ["msg_1 applied 2"]);
    commit(&db, &[], vec![letter], START);
    assert_eq!(outcomes(&db), ["msg_1 applied 3"], "an applied delivery stays applied");
}

#[test]
fn an_ignored_delivery_is_applied_by_a_build_that_syncs_its_type() {
    let (message, later) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    let unsynced = Envelope { payload: Payload::Ignored, ..message.envelope.clone() };
    let unsynced = OpenedMessage { envelope: unsynced, ..message.clone() };
    let copy = redelivered(&message, 2);
    check(&[&[&unsynced]], &["msg_1 ignored 1"]);
    check(&[&[&unsynced], &[&copy]], &["msg_1 applied 2"]);
    check(&[&[&unsynced], &[&later, &copy]], &["msg_1 superseded 2", "msg_2 applied 1"]);
    check(&[&[&message], &[&unsynced]], &["msg_1 applied 2"]);
}

#[test]
fn a_parked_delivery_may_become_superseded() {
    let message = user("msg_1", 1, "a");
    let db = Db::new();
    commit(&db, &[], vec![message.to_dead_letter(EVENTS, "retries-exhausted", "")], START);
    commit(&db, &[user("msg_2", 2, "b"), message], vec![], START);
    assert_eq!(outcomes(&db), ["msg_1 superseded 2", "msg_2 applied 1"]);
}

#[test]
fn the_note_names_fields_that_were_left_out() {
    let metadata = json!({ "roles": "admin" });
    let data = json!({ "id": ADA, "updated_at": START, "public_metadata": metadata });
    let odd = delivery("msg_1", "user.updated", &data);
    let nameless = delivery("msg_2", "user.deleted", &json!({ "deleted": true }));
    let db = Db::new();
    commit(&db, &[odd, nameless, user("msg_3", 1, "a")], vec![], START);
    let notes = || db.column::<String>("SELECT note FROM deliveries ORDER BY svix_id", []);
    let odd = "data.public_metadata.roles is a string, expected an array: no app roles read";
    assert_eq!(notes(), [odd, "", ""]);
    // The note is that of the latest copy.
    commit(&db, &[user("msg_1", 2, "b")], vec![], START);
    assert_eq!(notes(), ["", "", ""]);
}

#[test]
fn a_memberships_outcome_does_not_depend_on_its_organization() {
    let late = membership(["orgmem_1", "org_1", ADA, "org:member"], START, &[]);
    let gone = deleted("organization", "org_1");
    let gone = delivery("msg_1", "organization.deleted", &gone);
    let late = delivery("msg_2", "organizationMembership.created", &late);
    check(&[&[&gone, &late]], &["msg_1 applied 1", "msg_2 applied 1"]);
}

#[test]
fn a_message_has_one_dead_letter_however_often_it_is_parked() {
    let message = user("msg_1", 1, "a");
    let db = Db::new();
    let letter = |attempts, [queue, reason, detail]: [&str; 3], seen| DeadLetter {
        attempts,
        first_seen_at: UnixMillis(seen),
        ..message.to_dead_letter(queue, reason, detail)
    };
    let (first, second) = ([EVENTS, "overloaded", "full"], [DEAD, "retries-exhausted", "lost"]);
    commit(&db, &[], vec![letter(9, first, START)], START + 1);
    let why = "SELECT queue, reason, detail FROM dead_letters";
    assert_eq!(db.rows(why, []), [first.map(|text| Value::Text(text.into()))]);
    commit(&db, &[], vec![letter(3, second, START + 5)], START + 9);
    assert_eq!(db.rows(why, []), [second.map(|text| Value::Text(text.into()))]);
    let rows = db.rows(
        "SELECT message_id, svix_id, type, subject, attempts, first_seen_at, last_seen_at, envelope FROM dead_letters",
        [],
    );
    let text = |text: &str| Value::Text(text.into());
    let want = [
        text("queue-msg_1"),
        text("msg_1"),
        text("user.updated"),
        text(ADA),
        Value::Integer(9),
        Value::Integer(START),
        Value::Integer(START + 9),
        text(&message.text),
    ];
    assert_eq!(rows, [want], "the envelope is stored unchanged");
}

#[test]
fn every_message_parked_in_one_commit_has_a_dead_letter() {
    let queues = [EVENTS, DEAD, EVENTS];
    let messages = ["msg_1", "msg_2", "msg_3"].map(|id| user(id, 1, "a"));
    let letters = messages.iter().zip(queues);
    let letters =
        letters.map(|(message, queue)| message.to_dead_letter(queue, "overloaded", "")).collect();
    let db = Db::new();
    commit(&db, &[], letters, START);
    assert_eq!(db.one::<i64>("SELECT count(*) FROM dead_letters", []), 3);
    let rows: Vec<String> =
        db.column("SELECT svix_id || ' ' || queue FROM dead_letters ORDER BY svix_id", []);
    let want = [("msg_1", EVENTS), ("msg_2", DEAD), ("msg_3", EVENTS)];
    assert_eq!(rows, want.map(|(id, queue)| format!("{id} {queue}")));
}

#[test]
fn a_message_that_is_no_envelope_is_parked_unchanged() {
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
        replay: None,
    };
    let db = Db::new();
    commit(&db, &[user("msg_1", 1, "a")], vec![letter], START);
    assert_eq!(outcomes(&db), ["msg_1 applied 1"], "no row without a svix-id");
    let rows = db.rows("SELECT svix_id, type, subject, envelope FROM dead_letters", []);
    let want = [Value::Null, Value::Null, Value::Null, Value::Text(text.into())];
    assert_eq!(rows, [want]);
}

/// The pending hints that a statement over the outbox returns.
fn pending_hints(db: &Db, statement: &Statement) -> Vec<PendingHint> {
    let to_pending_hint = |row: Cells| {
        let Ok([Value::Text(user_id), Value::Integer(owner), Value::Integer(version)]) =
            <[Value; 3]>::try_from(row)
        else {
            panic!("not a row of the outbox")
        };
        PendingHint { user_id, owner, version }
    };
    db.query(statement).into_iter().map(to_pending_hint).collect()
}

#[test]
fn users_touched_by_a_batch_do_not_wait_for_older_hints() {
    let db = Db::new();
    db.exec(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101)
         INSERT INTO watches (user_id, owner, version, acked)
         SELECT 'user_old_' || i, 1, {START}, {START} - 1 FROM n"
    ));
    db.at(START + 1000);
    let before = [ADA, BOB].map(|user| db.register(user, 1, 0).set.version);
    let joined = membership(["orgmem_1", "org_1", BOB, "org:member"], START, &[]);
    let joined = delivery("msg_2", "organizationMembership.created", &joined);
    let planned = plan(EVENTS, &[user("msg_1", 1, "a"), joined], vec![]);
    db.run(&statements(&planned, UnixMillis(START))).unwrap();

    let (touched, oldest) =
        (pending_hints(&db, &pending_of(&planned.touched)), pending_hints(&db, &pending(None)));
    assert_eq!(oldest.len(), 100);
    assert!(oldest.iter().all(|hint| hint.user_id.starts_with("user_old_")), "{oldest:?}");
    let mut round = merge_round(touched, oldest);
    assert_eq!(round.len(), 102);
    round.retain(|hint| !hint.user_id.starts_with("user_old_"));
    let hinted: Vec<_> = round.iter().map(|hint| (&*hint.user_id, hint.version)).collect();
    assert_eq!(hinted, [(ADA, before[0] + 1), (BOB, before[1] + 1)]);
}
