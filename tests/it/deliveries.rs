//! What became of each delivery, and of each message that was put aside.

use rusqlite::types::Value;
use serde_json::{Value as Json, json};
use shared::envelope::Envelope;
use shared::event::Payload;
use shared::outbox::{PendingHint, merge_round};
use shared::plan::{DeadLetter, OpenedMessage, plan};
use shared::sql::{Statement, pending, pending_of, statements};
use shared::time::UnixMillis;

use crate::support::clerk::{again, deleted, deliver, event_at, membership, under, user_with};
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

fn other(id: &str, kind: &str, data: &Json) -> OpenedMessage {
    deliver(id, &event_at(kind, START, data), START)
}

/// Commits a batch, with what is put aside in it.
fn commit(db: &Db, messages: &[OpenedMessage], letters: Vec<DeadLetter>, now: i64) {
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
fn check(batches: &[&[&OpenedMessage]], want: &[&str]) {
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
fn of_two_updates_of_one_instant_one_is_applied_and_the_other_superseded() {
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
    // The outcome is that of the commit: it counted until the other came.
    check(&[&[&lost], &[&won]], &["msg_1 applied 1", "msg_2 applied 1"]);
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
    let letter = message.to_dead_letter(EVENTS, "retries-exhausted", "D1 was down");
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
fn what_was_ignored_is_applied_when_a_build_that_syncs_its_type_gets_it_again() {
    let (message, later) = (user("msg_1", 1, "a"), user("msg_2", 2, "b"));
    let unsynced = Envelope { payload: Payload::Ignored, ..message.envelope.clone() };
    let unsynced = OpenedMessage { envelope: unsynced, ..message.clone() };
    let copy = again(&message, 2);
    check(&[&[&unsynced]], &["msg_1 ignored 1"]);
    check(&[&[&unsynced], &[&copy]], &["msg_1 applied 2"]);
    check(&[&[&unsynced], &[&later, &copy]], &["msg_1 superseded 2", "msg_2 applied 1"]);
    check(&[&[&message], &[&unsynced]], &["msg_1 applied 2"]);
}

#[test]
fn what_was_parked_may_turn_out_superseded() {
    let message = user("msg_1", 1, "a");
    let db = Db::new();
    commit(&db, &[], vec![message.to_dead_letter(EVENTS, "retries-exhausted", "")], START);
    commit(&db, &[user("msg_2", 2, "b"), message], vec![], START);
    assert_eq!(account(&db), ["msg_1 superseded 2", "msg_2 applied 1"]);
}

#[test]
fn what_was_left_out_is_said_in_the_deliverys_row() {
    let metadata = json!({ "roles": "admin" });
    let data = json!({ "id": ADA, "updated_at": START, "public_metadata": metadata });
    let odd = other("msg_1", "user.updated", &data);
    let nameless = other("msg_2", "user.deleted", &json!({ "deleted": true }));
    let db = Db::new();
    commit(&db, &[odd, nameless, user("msg_3", 1, "a")], vec![], START);
    let notes = || db.column::<String>("SELECT note FROM deliveries ORDER BY svix_id", []);
    let odd = "data.public_metadata.roles is a string, expected an array: no app roles read";
    assert_eq!(notes(), [odd, "", ""]);
    // The latest copy's, as the reader of today reads it.
    commit(&db, &[user("msg_1", 2, "b")], vec![], START);
    assert_eq!(notes(), ["", "", ""]);
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
    assert_eq!(rows, [want], "the bytes as they came");
}

#[test]
fn every_message_that_is_put_aside_in_one_commit_has_a_row() {
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

/// What a statement over the outbox gives.
fn owed(db: &Db, statement: &Statement) -> Vec<PendingHint> {
    let read = |row: Cells| {
        let Ok([Value::Text(user_id), Value::Integer(owner), Value::Integer(version)]) =
            <[Value; 3]>::try_from(row)
        else {
            panic!("not a row of the outbox")
        };
        PendingHint { user_id, owner, version }
    };
    db.query(statement).into_iter().map(read).collect()
}

#[test]
fn whom_a_batch_touches_is_hinted_before_all_the_older_hints_are_sent() {
    let db = Db::new();
    db.exec(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101)
         INSERT INTO watches (user_id, owner, version, acked)
         SELECT 'user_old_' || i, 1, {START}, {START} - 1 FROM n"
    ));
    db.at(START + 1000);
    let before = [ADA, BOB].map(|user| db.register(user, 1, 0).set.version);
    let joined = membership(["orgmem_1", "org_1", BOB, "org:member"], START, &[]);
    let joined = other("msg_2", "organizationMembership.created", &joined);
    let planned = plan(EVENTS, &[user("msg_1", 1, "a"), joined], vec![]);
    db.run(&statements(&planned, UnixMillis(START))).unwrap();

    let (touched, oldest) = (owed(&db, &pending_of(&planned.touched)), owed(&db, &pending(None)));
    assert_eq!(oldest.len(), 100);
    assert!(oldest.iter().all(|owed| owed.user_id.starts_with("user_old_")), "{oldest:?}");
    let mut round = merge_round(touched, oldest);
    assert_eq!(round.len(), 102);
    round.retain(|owed| !owed.user_id.starts_with("user_old_"));
    let hinted: Vec<_> = round.iter().map(|owed| (&*owed.user_id, owed.version)).collect();
    assert_eq!(hinted, [(ADA, before[0] + 1), (BOB, before[1] + 1)]);
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
