//! What `explain` reads does not grow with the database: every row is found by an index, and the
//! last deliveries and letters are read from its end.

use rusqlite::StatementStatus;
use shared::entity::EntityKind;
use shared::sql::Statement;
use shared::sql::explain::{DELIVERIES, LETTERS_OF_SUBJECT, delivery, entity, target};
use shared::sql::grants::{GRANT_BY_NAME, read_for_change};
use testkit::sqlite::bound;

use crate::support::{Db, statement};

/// Every statement that reads, for this id.
fn every(id: &str) -> Vec<Statement> {
    let entities = EntityKind::ALL.into_iter().flat_map(|kind| entity(kind, id));
    let others = delivery(id).into_iter().chain([target(id)]).chain(read_for_change(id));
    let mut all: Vec<_> = entities.chain(others).collect();
    all.dedup();
    all
}

/// A database with this many deliveries, letters, memberships and other rows of one user.
fn with_history(of_each: u32) -> Db {
    let db = Db::new();
    db.exec(&format!(
        r#"INSERT INTO roles (name) VALUES ('admin');
        INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
        VALUES ('user_ada', '["admin"]', 0, 1, 1, 1, '');
        INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest)
        VALUES ('role_1', 'org:x', '[{{"id":"perm_1","key":"org:p:read"}}]', 0, 1, 1, 1, '');
        CREATE TEMP TABLE n AS
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {of_each})
        SELECT i FROM n;
        INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest)
        SELECT 'orgmem_' || i, 'org_' || i, 'user_ada', 'org:x', 0, 1, 1, 1, '' FROM n WHERE i <= 2000;
        INSERT INTO deliveries (svix_id, type, subject, outcome, attempted_at, received_at, applied_at, body_digest)
        SELECT 'msg_' || i, 'user.updated', 'user_ada', 'applied', i, i, i, '' FROM n;
        INSERT INTO dead_letters (message_id, queue, svix_id, type, subject, reason, attempts, first_seen_at, last_seen_at, envelope, replay_id)
        SELECT 'm_' || i, 'q', 'msg_1', 'user.updated', 'user_ada', 'x', 1, i, i, '{{}}', 'replay_' || i FROM n;
        INSERT INTO replays (id, action, state, is_open, created_at, updated_at, actor, reason, filter, progress)
        SELECT 'replay_' || i, 'replay', 'done', 0, 1, 1, 'a', 'r', '{{}}', '{{}}' FROM n;
        INSERT INTO replay_letters (replay_id, position, message_id, generation, planned)
        SELECT 'replay_' || i, 1, 'm_1', 0, 'applied' FROM n;"#
    ));
    db
}

#[test]
fn every_row_is_found_by_an_index() {
    let db = Db::new();
    let mut searched = 0;
    for statement in every("user_ada") {
        let plan = db.plan_of(&statement);
        for step in &plan {
            searched += u32::from(step.starts_with("SEARCH"));
            let sorts = step.contains("TEMP B-TREE") && !step.contains("DISTINCT");
            assert!(!sorts, "{step}: {}", statement.sql);
            let Some(scanned) = step.strip_prefix("SCAN ") else { continue };
            let table = scanned.split(' ').next().unwrap_or_default();
            // JSON lists inside one row, the ids chosen before, and one row without a table.
            let small =
                ["entry", "chosen", "first", "rival", "held_role", "letter", "named", "CONSTANT"];
            let is_head = scanned.contains("audit_by_seq");
            assert!(small.contains(&table) || is_head, "{step}: {}: {plan:#?}", statement.sql);
        }
    }
    assert!(50 < searched, "{searched}");
}

#[test]
fn the_last_deliveries_and_letters_are_read_from_the_end_of_an_index() {
    let db = Db::new();
    for (text, index) in
        [(DELIVERIES, "deliveries_by_subject"), (LETTERS_OF_SUBJECT, "dead_letters_by_subject")]
    {
        let plan = db.plan_of(&statement(text, &[&"user_ada"]));
        let [step] = &plan[..] else { panic!("{plan:?}") };
        assert!(step.starts_with("SEARCH") && step.contains(index), "{step}");
    }
}

fn steps(db: &Db, statement: &Statement) -> i32 {
    let mut prepared = db.sql.prepare(statement.sql).unwrap();
    let mut rows = prepared.query(bound(statement)).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    prepared.get_status(StatementStatus::VmStep)
}

#[test]
fn an_explanation_costs_the_same_behind_a_long_history() {
    let [few, many] = [200, 10_000].map(with_history);
    for id in ["user_ada", "orgmem_1", "msg_1", "role_1", "org_1"] {
        for statement in every(id) {
            let [few, many] = [&few, &many].map(|db| steps(db, &statement));
            assert!(many <= few + few / 10, "{id}: {few}, {many}: {}", statement.sql);
        }
    }
}

#[test]
fn each_text_is_one_statement_with_one_parameter() {
    let db = Db::new();
    for statement in every("user_ada") {
        let parameters = db.sql.prepare(statement.sql).unwrap().parameter_count();
        assert_eq!(parameters, statement.args.len(), "{}", statement.sql);
    }
    assert_eq!(db.sql.prepare(GRANT_BY_NAME).unwrap().parameter_count(), 8);
}

#[test]
fn a_grant_finds_its_role_by_name() {
    let args = statement(
        GRANT_BY_NAME,
        &[&"user_ada", &"admin", &1_i64, &1_i64, &"id", &"actor", &"why", &0_i64],
    );
    let plan = Db::new().plan_of(&args);
    assert!(plan.iter().all(|step| step.starts_with("SEARCH roles USING")), "{plan:?}");
}
