//! The contract with the tutorial (`docs/tutorial-contract.md`): its guard's query, its writes, and
//! its database.

use rusqlite::StatementStatus;
use rusqlite::types::Value;
use serde_json::Value as Json;
use shared::plan::plan;
use shared::sql::{GRANT, default_role, statements};
use shared::time::UnixMillis;

use crate::support::clerk::{banned, deleted, deliver, event_at, user_with};
use crate::support::{Db, START, TUTORIAL, statement};

/// The query exactly as in the tutorial.
const REQUIRE_ROLE: &str =
    "select 1 from user_roles ur join roles r on r.id=ur.role_id where ur.user_id=? and r.name=?";

const ADA: &str = "user_ada";
const BOB: &str = "user_bob";

/// Whether the tutorial's guard lets this user in.
fn passes(db: &Db, user: &str, role: &str) -> bool {
    let rows = db.rows(REQUIRE_ROLE, [user, role]);
    assert!(rows.iter().all(|row| *row == [Value::Integer(1)]));
    !rows.is_empty()
}

/// The roles for which the tutorial's guard lets this user in.
fn roles_passed<'a>(db: &Db, user: &str, asked: &[&'a str]) -> Vec<&'a str> {
    asked.iter().copied().filter(|role| passes(db, user, role)).collect()
}

fn deliver_event(db: &Db, kind: &str, data: &Json, at: i64) {
    let body = event_at(kind, at, data);
    let id = format!("msg_{at}_{}", data["id"].as_str().unwrap());
    let planned = plan("rolecall-events", &[deliver(&id, &body, at)], vec![]);
    db.run(&statements(&planned, UnixMillis(at))).unwrap();
}

fn deliver_user(db: &Db, user: &str, roles: &[&str], at: i64) {
    deliver_event(db, "user.updated", &user_with(user, at, roles), at);
}

const ROLES: [&str; 4] = ["admin", "editor", "member", "nobody"];

#[test]
fn the_guards_query_works_on_a_new_database() {
    let db = Db::new();
    db.run(&default_role("member")).unwrap();
    deliver_user(&db, ADA, &["admin"], START);
    deliver_user(&db, BOB, &[], START);
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin", "member"]);
    assert_eq!(roles_passed(&db, BOB, &ROLES), ["member"]);
    deliver_user(&db, ADA, &["editor"], START + 1);
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["editor", "member"]);
}

/// A database with the tables of the tutorial and rows in them.
fn tutorial_database() -> Db {
    let db = Db::empty();
    db.exec(TUTORIAL);
    db.exec("insert into roles (id, name) values (4, 'admin'), (9, 'editor')");
    db.exec("insert into user_roles values ('user_ada', 4), ('user_ada', 9), ('user_bob', 9)");
    db
}

#[test]
fn a_tutorial_database_is_taken_over() {
    let db = tutorial_database();
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin", "editor"]);
    db.migrate().unwrap();
    assert_eq!(
        roles_passed(&db, ADA, &ROLES),
        ["admin", "editor"],
        "before the first event for her"
    );

    db.run(&default_role("member")).unwrap();
    assert_eq!(roles_passed(&db, BOB, &ROLES), ["editor", "member"]);
    deliver_user(&db, ADA, &[], START);
    deliver_user(&db, BOB, &["admin"], START);
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin", "editor", "member"]);
    assert_eq!(roles_passed(&db, BOB, &ROLES), ["admin", "editor", "member"]);
    let kept = db.rows("SELECT id, name FROM roles WHERE id IN (4, 9) ORDER BY id", []);
    assert_eq!(kept.len(), 2, "the numbers of the roles stay");
    let grants: i64 = db.one(
        "SELECT count(*) FROM role_grants WHERE granted = 1 AND actor = 'migration' AND at = ?1",
        [START],
    );
    assert_eq!(grants, 3);
}

#[test]
fn clerks_first_event_for_a_taken_over_user_counts_at_once() {
    let db = tutorial_database();
    db.migrate().unwrap();
    deliver_event(&db, "user.updated", &banned(ADA, 0), 0);
    deliver_event(&db, "user.deleted", &deleted("user", BOB), START);
    assert_eq!(roles_passed(&db, ADA, &ROLES), [""; 0]);
    assert_eq!(roles_passed(&db, BOB, &ROLES), [""; 0]);
}

#[test]
fn an_operators_change_outranks_a_taken_over_role() {
    let db = tutorial_database();
    db.migrate().unwrap();
    deliver_user(&db, ADA, &[], START);
    let (admin, revoked, at) = (4_i64, 0_i64, START + 1);
    let revoke =
        statement(GRANT, &[&ADA, &admin, &revoked, &at, &"g", &"ops", &"left the team", &0]);
    db.run(&[revoke]).unwrap();
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["editor"]);
}

#[test]
fn the_tutorials_writes_are_grants_and_revocations() {
    let db = Db::new();
    db.run(&default_role("member")).unwrap();
    db.exec("insert into roles (id, name) values (70, 'admin')");
    deliver_user(&db, ADA, &[], START);
    let row = db.register(ADA, 1, 0);
    let member: i64 = db.one("select id from roles where name = 'member'", []);

    db.exec("insert into user_roles (user_id, role_id) values ('user_ada', 70)");
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin", "member"]);
    db.exec("delete from user_roles where user_id = 'user_ada' and role_id = 70");
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["member"]);
    db.exec("insert or ignore into user_roles values ('user_ada', 70)");
    db.exec("insert or replace into user_roles values ('user_ada', 70)");
    db.exec(&format!("delete from user_roles where role_id = {member}"));
    deliver_user(&db, ADA, &[], START + 5);
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin"], "the default role stays revoked");
    assert_eq!(db.version(ADA), row.set.version + 4, "the role cache is owed a hint for each");
}

#[test]
fn the_tutorials_writes_outrank_what_is_stored() {
    let db = Db::new();
    db.exec("insert into roles (id, name) values (70, 'admin')");
    deliver_user(&db, ADA, &[], START);
    let (admin, granted, far) = (70_i64, 1_i64, START + 999_999);
    db.run(&[statement(GRANT, &[&ADA, &admin, &granted, &far, &"g", &"ops", &"", &0])]).unwrap();
    db.exec("delete from user_roles where user_id = 'user_ada'");
    assert_eq!(roles_passed(&db, ADA, &ROLES), [""; 0]);
    let at: i64 = db.one("SELECT at FROM role_grants", []);
    assert_eq!(at, far + 1);
}

#[test]
fn a_tutorial_grant_outranks_a_revocation_ahead_of_the_clock() {
    let db = Db::new();
    db.exec("insert into roles (id, name) values (70, 'admin')");
    deliver_user(&db, ADA, &[], START);
    let (admin, revoked, far) = (70_i64, 0_i64, START + 999_999);
    let revoke = [statement(GRANT, &[&ADA, &admin, &revoked, &far, &"g", &"ops", &"", &0])];
    db.run(&revoke).unwrap();
    db.exec("insert into user_roles values ('user_ada', 70)");
    assert_eq!(roles_passed(&db, ADA, &ROLES), ["admin"]);
    assert_eq!(db.one::<i64>("SELECT at FROM role_grants", []), far + 1);
    db.run(&revoke).unwrap();
    assert_eq!(
        roles_passed(&db, ADA, &ROLES),
        ["admin"],
        "the revocation, told again, is the earlier word"
    );
}

#[test]
fn unsupported_writes_to_the_view_are_refused() {
    let db = Db::new();
    let refused = |text: &str, why: &str| {
        let error = db.sql.execute_batch(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    };
    refused("update user_roles set role_id = 2", "cannot modify user_roles because it is a view");
    let upsert = "insert into user_roles values ('user_ada', 1) on conflict do nothing";
    refused(upsert, "cannot UPSERT a view");
    refused(TUTORIAL, "views may not be indexed");
}

#[test]
fn unknown_banned_and_deleted_users_have_no_row() {
    let db = Db::new();
    db.run(&default_role("member")).unwrap();
    for user in [ADA, BOB, "user_eve", "user_una"] {
        let member = "(select id from roles where name = 'member')";
        db.exec(&format!("insert into user_roles values ('{user}', {member})"));
    }
    deliver_user(&db, ADA, &["editor"], START);
    deliver_user(&db, BOB, &["editor"], START);
    deliver_user(&db, "user_eve", &["editor"], START);
    assert_eq!(roles_passed(&db, BOB, &ROLES), ["editor", "member"]);
    deliver_event(&db, "user.updated", &banned(BOB, START + 1), START + 1);
    deliver_event(&db, "user.deleted", &deleted("user", "user_eve"), START + 1);
    for user in [BOB, "user_eve", "user_una", "", "' or 1=1 --"] {
        assert_eq!(roles_passed(&db, user, &ROLES), [""; 0], "{user}");
    }
    let shown: Vec<String> = db.column("SELECT DISTINCT user_id FROM user_roles", []);
    assert_eq!(shown, [ADA], "no tombstone shows");
    deliver_user(&db, BOB, &[], START + 2);
    assert_eq!(roles_passed(&db, BOB, &ROLES), ["member"], "a ban ends");
}

#[test]
fn a_role_without_a_name_belongs_to_nobody() {
    let db = Db::new();
    db.run(&default_role("")).unwrap();
    db.exec("insert into roles (id, name) values (70, ''), (71, null)");
    deliver_user(&db, ADA, &[], START);
    db.exec("insert into user_roles values ('user_ada', 70), ('user_ada', 71)");
    assert!(!passes(&db, ADA, ""));
    assert_eq!(db.rows("SELECT * FROM user_roles", []), Vec::<Vec<Value>>::new());
}

#[test]
fn the_guards_query_is_answered_by_primary_key_at_each_step() {
    let db = Db::new();
    let plan = db.plan_of(&statement(REQUIRE_ROLE, &[&ADA, &"admin"]));
    let scans: Vec<_> = plan.iter().filter(|step| step.starts_with("SCAN")).collect();
    assert_eq!(
        scans,
        ["SCAN entry VIRTUAL TABLE INDEX 1:"],
        "the user's own list alone: {plan:#?}"
    );
    for step in ["SEARCH users USING PRIMARY KEY", "SEARCH role_grants USING PRIMARY KEY"] {
        assert!(plan.iter().any(|found| found.starts_with(step)), "{step}: {plan:#?}");
    }
    let roles = plan
        .iter()
        .filter(|step| ["SEARCH r ", "SEARCH roles "].iter().any(|it| step.starts_with(it)));
    assert_eq!(roles.count(), 2, "by name and by number: {plan:#?}");
}

#[test]
fn the_guards_query_costs_the_same_among_100_000_users() {
    let db = Db::new();
    db.run(&default_role("member")).unwrap();
    for number in 0..50 {
        db.exec(&format!("insert into roles (name) values ('role {number}')"));
    }
    deliver_user(&db, ADA, &["admin"], START);
    let steps = |role: &str| {
        let mut query = db.sql.prepare(REQUIRE_ROLE).unwrap();
        assert!(query.exists([ADA, role]).unwrap());
        query.get_status(StatementStatus::VmStep)
    };
    let few = (steps("admin"), steps("member"));
    db.exec(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
         SELECT 'user_' || i, '[\"admin\"]', 0, 1, 1, 1, '' FROM n;
         INSERT INTO role_grants (user_id, role_id, granted, at, id) SELECT id, 1, 1, 1, 'g' FROM users",
    );
    db.exec("DELETE FROM role_grants WHERE user_id = 'user_ada'");
    assert_eq!((steps("admin"), steps("member")), few);
}
