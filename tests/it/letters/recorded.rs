//! What the consumer and its sweep record beside the letters: batches, flow, heartbeats, the return
//! of lost letters and the end of grants.

use rusqlite::types::Value;
use shared::operators::audit::AuditHead;
use shared::operators::audit::{AuditEntry, verify};
use shared::operators::letter::{LetterState, is_lost};
use shared::operators::settle::{EndedGrant, ended_acts};
use shared::plan::BatchPlan;
use shared::sql::{GRANT, Statement, audit, letters, operations};
use shared::time::UnixMillis;

use super::{GENERATION, NOW, commit, park, planned, replayed, user, with_letter};
use crate::support::{Db, START, statement};

#[test]
fn a_delivery_names_the_batch_of_its_outcome() {
    let db = Db::new();
    let message = user("msg_1", 5, "a");
    let at = |batch: &str, messages: &[_], letters| BatchPlan {
        batch: batch.into(),
        ..planned(messages, letters)
    };
    let row = || {
        db.one::<String>(
            "SELECT outcome || ' ' || batch || ' ' || (applied_at - 1) FROM deliveries",
            [],
        )
    };
    commit(&db, &at("b1", &[], vec![park(&message)]), 1);
    assert_eq!(row(), "parked b1 0");
    commit(&db, &at("b9", &[], vec![park(&message)]), 9);
    assert_eq!(row(), "parked b1 0", "a copy is no new outcome");
    commit(&db, &at("b2", &[replayed(&message, 0)], vec![]), 2);
    assert_eq!(row(), "applied b2 1");
    commit(&db, &at("b3", &[message], vec![]), 3);
    assert_eq!(row(), "applied b2 1", "a copy is no new outcome");
}

#[test]
fn the_flow_of_an_hour_adds_up_its_batches() {
    let db = Db::new();
    let hour = START.div_euclid(3_600_000);
    let flow = |plan: &BatchPlan, now: i64| {
        db.run(&[operations::flow(plan, UnixMillis(now))]).unwrap();
    };
    let [one, two] = [user("msg_1", 1, "a"), user("msg_2", 2, "b")];
    flow(&planned(&[one.clone(), two], vec![]), START + 7);
    flow(&planned(&[], vec![park(&one)]), START + 9);
    // A replayed message arrived long ago: it has no lag.
    flow(&planned(&[replayed(&one, 0)], vec![]), START + 1_000_000);
    flow(&planned(&[one], vec![]), START - 5);
    assert_eq!(START % 3_600_000, 0, "that was an hour before");
    let text = "SELECT hour, batches, messages, ignored, parked, lag_ms_max, lag_ms_sum, last_at FROM flow";
    let want = [hour, 3, 4, 0, 1, 9, 16, START + 1_000_000].map(Value::Integer);
    let rows = db.rows(text, []);
    assert_eq!(rows.last().unwrap(), &want[..], "{rows:?}");
    assert_eq!(db.run(&[operations::flow(&planned(&[], vec![]), UnixMillis(START))]), Ok(vec![1]));
}

#[test]
fn a_heartbeat_is_the_last_one() {
    let db = Db::new();
    for (at, detail) in [(5, r#"{"a":1}"#), (9, r#"{"a":2}"#), (7, "{}")] {
        db.run(&[operations::heartbeat("sweep", UnixMillis(at), detail)]).unwrap();
    }
    let rows = db.rows("SELECT name, at, detail FROM heartbeats", []);
    assert_eq!(
        rows,
        [[Value::Text("sweep".into()), Value::Integer(9), Value::Text(r#"{"a":2}"#.into())]]
    );
}

#[test]
fn letters_are_lost_when_the_rust_code_says_so() {
    let minute = 60_000;
    for state in LetterState::ALL {
        let db = with_letter(state);
        for (sent_at, now) in [
            (None, NOW),
            (None, START + 10 + 5 * minute),
            (None, START + 11 + 5 * minute),
            (Some(NOW), NOW + 9 * minute),
            (Some(NOW), NOW + 1440 * minute),
            (Some(NOW), NOW + 1440 * minute + 1),
        ] {
            db.sql.execute("UPDATE dead_letters SET sent_at = ?1", [sent_at]).unwrap();
            let read = db.query(&letters::lost(UnixMillis(now)));
            let since = UnixMillis(START + 10);
            let is_lost = is_lost(since, sent_at.map(UnixMillis), UnixMillis(now));
            let want = is_lost && state == LetterState::Replaying;
            assert_eq!(read.len(), usize::from(want), "{state} {sent_at:?} {now}");
            if want {
                let id = Value::Text("queue-msg_1".into());
                let replay = Value::Text("r1".into());
                assert_eq!(read[0], [id, Value::Integer(GENERATION.into()), replay]);
            }
        }
    }
}

#[test]
fn a_returned_letter_of_a_replay_at_its_end_is_left() {
    let db = with_letter(LetterState::Replaying);
    db.exec("UPDATE replays SET state = 'canceled', is_open = 0");
    let lost = shared::operators::settle::LostLetter {
        message_id: "queue-msg_1".into(),
        generation: GENERATION,
        replay_id: Some("r1".into()),
    };
    db.run(&[letters::returned(&[lost], UnixMillis(NOW))]).unwrap();
    assert_eq!(db.column::<String>("SELECT became FROM replay_letters", []), ["left"]);
    assert_eq!(
        db.one::<i64>("SELECT generation FROM replay_letters", []),
        i64::from(GENERATION) + 1
    );
}

fn grant(role: i64, id: &str, ends_at: i64) -> Statement {
    statement(GRANT, &[&"user_ada", &role, &1, &START, &id, &"ops", &"", &ends_at])
}

/// What the sweep reads of grants that end.
fn ending(db: &Db, now: i64) -> Vec<EndedGrant> {
    let grant = |row: Vec<Value>| {
        let [
            Value::Text(user_id),
            Value::Integer(role_id),
            Value::Text(id),
            Value::Integer(granted),
            Value::Integer(ends_at),
            role,
        ] = row.as_slice()
        else {
            panic!("{row:?}")
        };
        let role = match role {
            Value::Text(name) => Some(name.clone()),
            Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => None,
        };
        EndedGrant {
            user_id: user_id.clone(),
            role_id: *role_id,
            id: id.clone(),
            granted: *granted,
            ends_at: UnixMillis(*ends_at),
            role,
        }
    };
    db.query(&operations::grants_ending(UnixMillis(now))).into_iter().map(grant).collect()
}

#[test]
fn a_grant_ends_at_its_time_and_bumps_its_user() {
    let db = Db::new();
    db.exec("INSERT INTO roles (id, name) VALUES (1, 'admin'), (2, 'guest')");
    commit(&db, &planned(&[user("msg_1", 1, "x")], vec![]), START);
    db.run(&[grant(1, "g1", NOW), grant(2, "g2", 0), grant(9, "g3", NOW + 1)]).unwrap();
    let ends = "SELECT role_id FROM role_grants WHERE ends_at IS NULL";
    assert_eq!(db.column::<i64>(ends, []), [2], "0 is no end");
    db.register("user_ada", 1, 0);
    assert!(ending(&db, NOW - 1).is_empty());
    let ended = ending(&db, NOW);
    assert_eq!(ended.iter().map(|it| it.role.as_deref()).collect::<Vec<_>>(), [Some("admin")]);
    let before = db.version("user_ada");
    let mut batch = vec![operations::grants_ended(&ended, UnixMillis(NOW))];
    let mut head = AuditHead::default();
    let mut entries = Vec::new();
    for act in ended_acts(&ended, UnixMillis(NOW)) {
        let entry = AuditEntry::after(&head, act);
        head = entry.head();
        batch.push(audit::append(&entry));
        entries.push(entry);
    }
    db.run(&batch).unwrap();
    assert_eq!(db.column::<i64>("SELECT role_id FROM role_grants", []), [2, 9]);
    assert!(before < db.version("user_ada"), "its role cache is owed a hint");
    assert_eq!(verify(AuditHead::default(), &entries), Ok(crate::audit::head(&db)));
    assert_eq!(entries[0].target, "user_ada");
    let detail = format!(r#"{{"ends_at":{NOW},"role":"admin","role_id":1,"was":"granted"}}"#);
    assert_eq!(entries[0].detail, detail);
}

#[test]
fn a_later_word_has_its_own_end() {
    let db = Db::new();
    db.run(&[grant(1, "g1", NOW)]).unwrap();
    let ended = ending(&db, NOW);
    db.run(&[grant(1, "g2", 0)]).unwrap();
    db.run(&[operations::grants_ended(&ended, UnixMillis(NOW))]).unwrap();
    assert_eq!(db.column::<String>("SELECT id FROM role_grants", []), ["g2"]);
    // Also the tutorial's own writes.
    db.run(&[grant(1, "g3", NOW)]).unwrap();
    db.exec("INSERT INTO user_roles (user_id, role_id) VALUES ('user_ada', 1)");
    assert!(ending(&db, NOW).is_empty());
}
