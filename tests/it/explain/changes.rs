//! Grants and revocations: the plan says what the view says afterwards, and the change and its
//! entry in the audit trail are both written, or neither.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use shared::operators::api::roles::RoleChangeRequest;
use shared::operators::audit::{AuditEntry, AuditHead, HEAD_MOVED};
use shared::operators::grants::{END_MS_MAX, PlannedChange, RoleChangeError, UserRoles};
use shared::sql::grants::{change, read_for_change};
use shared::time::UnixMillis;

use super::agrees::roles_by_the_view;
use super::json_rows;
use crate::support::{Db, START};
use crate::triggers::random::{BEGIN, write};

const NOW: UnixMillis = UnixMillis(START);
const ADA: &str = "user_ada";

fn read(db: &Db, user: &str) -> UserRoles {
    let rows = json_rows(db, &read_for_change(user)[1..]);
    UserRoles::read(&rows[0], &rows[1]).unwrap()
}

fn head(db: &Db) -> AuditHead {
    let rows = db.query(&read_for_change(ADA)[0]);
    let head = rows.first().map(|row| match &row[..] {
        [rusqlite::types::Value::Integer(seq), rusqlite::types::Value::Text(hash)] => {
            AuditHead { seq: *seq, hash: hash.clone() }
        }
        other => panic!("{other:?}"),
    });
    head.unwrap_or_default()
}

fn request(role: &str, granted: bool) -> RoleChangeRequest {
    let (role, reason) = (role.into(), "on call".into());
    RoleChangeRequest { role, granted, reason, ends_at: None, dry_run: false }
}

fn write_change(
    db: &Db,
    planned: &PlannedChange,
    head: &AuditHead,
) -> rusqlite::Result<AuditEntry> {
    let entry = planned.audit_entry(head, "access:1", NOW);
    db.run(&change(planned, &entry, "change_1"))?;
    Ok(entry)
}

/// A database with a live user who has the role `editor`.
fn with_ada() -> Db {
    let db = Db::new();
    db.exec(
        r#"INSERT INTO roles (name) VALUES ('editor');
        INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
        VALUES ('user_ada', '["editor"]', 0, 1, 1, 1, '')"#,
    );
    db
}

#[test]
fn a_plan_says_what_the_guard_is_told_afterwards() {
    let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let db = Db::new();
    db.exec(BEGIN);
    let [planned, changed] = [Cell::new(0), Cell::new(0)];
    let in_turn = |user: &str, role: &str, granted: bool| {
        let before = roles_by_the_view(&db, user);
        let roles = read(&db, user);
        assert_eq!(roles.counted(), before);
        let Ok(plan) = roles.plan(user, &request(role, granted), NOW) else { return };
        assert_eq!(plan.before, before);
        write_change(&db, &plan, &head(&db)).unwrap();
        let after = roles_by_the_view(&db, user);
        assert_eq!(plan.after, after, "{user} {role} {granted}");
        planned.set(planned.get() + 1);
        changed.set(changed.get() + i32::from(before != after));
    };
    let result = TestRunner::new_with_rng(config, rng).run(&vec(write(), 1..40), |writes| {
        db.exec("SAVEPOINT one_case");
        for (_, _, text) in &writes {
            // A constraint may refuse it.
            let _refused = db.sql.execute(text, []);
        }
        for (user, role) in [("u1", "a"), ("u2", "b"), ("u3", "new"), ("u1", "1"), ("u4", "a")] {
            in_turn(user, role, false);
            in_turn(user, role, true);
        }
        db.exec("ROLLBACK TO one_case; RELEASE one_case");
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(300 < planned.get() && 100 < changed.get(), "{planned:?} {changed:?}");
}

#[test]
fn a_change_and_its_audit_entry_are_written_together() {
    let db = with_ada();
    db.register(ADA, 1, 0);
    let before = db.version(ADA);
    let ends_at = Some(UnixMillis(START + 60_000));
    let ask = RoleChangeRequest { ends_at, reason: "  on call ".into(), ..request("admin", true) };
    let planned = read(&db, ADA).plan(ADA, &ask, NOW).unwrap();
    let entry = write_change(&db, &planned, &head(&db)).unwrap();
    assert_eq!((entry.action.as_str(), entry.target.as_str()), ("roles.granted", ADA));
    let want = json!({
        "role": "admin", "reason": "on call", "ends_at": START + 60_000,
        "before": ["editor"], "after": ["admin", "editor"],
    });
    assert_eq!(serde_json::from_str::<Value>(&entry.detail).unwrap(), want);
    assert_eq!(head(&db), entry.head());
    assert!(before < db.version(ADA), "the cache is owed a hint");
    let stored: i64 = db.one("SELECT ends_at FROM role_grants WHERE actor = 'access:1'", []);
    assert_eq!(stored, START + 60_000);
    // Without an end the next one has none.
    let planned = read(&db, ADA).plan(ADA, &request("admin", false), NOW).unwrap();
    assert_eq!(
        (&planned.before[..], &planned.after[..]),
        (&["admin".to_owned(), "editor".into()][..], &["editor".to_owned()][..],)
    );
    write_change(&db, &planned, &head(&db)).unwrap();
    let stored = db.column::<Option<i64>>("SELECT ends_at FROM role_grants", []);
    assert_eq!(stored, [None]);
}

#[test]
fn a_change_on_an_old_head_writes_nothing() {
    let db = with_ada();
    let old = head(&db);
    let planned = read(&db, ADA).plan(ADA, &request("admin", true), NOW).unwrap();
    write_change(&db, &planned, &old).unwrap();
    let other = read(&db, ADA).plan(ADA, &request("owner", true), NOW).unwrap();
    let error = write_change(&db, &other, &old).unwrap_err().to_string();
    assert!(error.contains(HEAD_MOVED), "{error}");
    let names = db.column::<String>("SELECT name FROM roles ORDER BY name", []);
    assert_eq!(names, ["admin", "editor"], "not even the name of the role");
    assert_eq!(roles_by_the_view(&db, ADA), ["admin", "editor"]);
    write_change(&db, &other, &head(&db)).unwrap();
    assert_eq!(roles_by_the_view(&db, ADA), ["admin", "editor", "owner"]);
}

#[test]
fn a_decision_is_later_than_one_of_a_clock_that_is_ahead() {
    let db = with_ada();
    db.exec(&format!(
        "INSERT INTO role_grants (user_id, role_id, granted, at, id)
         SELECT 'user_ada', id, 0, {START} + 99, 'z' FROM roles"
    ));
    assert!(roles_by_the_view(&db, ADA).is_empty());
    let planned = read(&db, ADA).plan(ADA, &request("editor", true), NOW).unwrap();
    write_change(&db, &planned, &head(&db)).unwrap();
    assert_eq!(roles_by_the_view(&db, ADA), ["editor"]);
    let at: i64 = db.one("SELECT at FROM role_grants", []);
    assert_eq!(at, START + 100);
}

#[test]
fn what_is_wrong_is_refused_with_the_next_step() {
    let db = with_ada();
    db.exec(
        "INSERT INTO users (id, banned, deleted, updated_at, event_at, projection, digest)
         VALUES ('user_bob', 0, 1, 0, 0, 0, ''), ('user_eve', 1, 0, 1, 1, 1, '')",
    );
    let check = |user: &str, ask: &RoleChangeRequest, want: RoleChangeError, status: u16| {
        assert_eq!(read(&db, user).plan(user, ask, NOW), Err(want), "{ask:?}");
        let api = want.to_api();
        assert_eq!(want.status(), status);
        assert!(!api.error.is_empty() && api.next.ends_with('.'), "{api:?}");
    };
    let good = request("admin", true);
    check("user_una", &good, RoleChangeError::UnknownUser, 404);
    check("user_bob", &good, RoleChangeError::DeletedUser, 409);
    for name in ["", " admin", "org:admin", "a\nb", &"x".repeat(129)] {
        check(ADA, &request(name, true), RoleChangeError::InvalidRole, 400);
    }
    for reason in ["", "  ", "a\nb", &"ä".repeat(201)] {
        let ask = RoleChangeRequest { reason: reason.into(), ..good.clone() };
        check(ADA, &ask, RoleChangeError::InvalidReason, 400);
    }
    let ending = |at: i64| RoleChangeRequest { ends_at: Some(UnixMillis(at)), ..good.clone() };
    for past in [0, START] {
        check(ADA, &ending(past), RoleChangeError::EndsInThePast, 400);
    }
    check(ADA, &ending(START + END_MS_MAX + 1), RoleChangeError::EndsTooLate, 400);
    for ask in [&good, &ending(START + 1), &ending(START + END_MS_MAX)] {
        assert!(read(&db, ADA).plan(ADA, ask, NOW).is_ok());
    }
    let banned = read(&db, "user_eve").plan("user_eve", &good, NOW).unwrap();
    assert!(banned.after.is_empty(), "a ban outweighs it");
}
