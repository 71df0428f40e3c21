//! The migrations meet what may be there already, and what they make stays within D1's limits.

use crate::support::clerk::{deliver, event_at, user_with};
use crate::support::{Cells, Db, START, TUTORIAL, migrations, statement};
use rusqlite::Error;
use rusqlite::types::Value;
use shared::cache::Fill;
use shared::plan::plan;
use shared::sql::{ACK, FILL, GONE, GRANT, PENDING, PENDING_OF, REGISTER, UNWATCH, statements};
use shared::time::UnixMillis;

/// Everything in a database, by name and text.
fn schema(db: &Db) -> Vec<Cells> {
    db.rows("SELECT type, name, sql FROM sqlite_master ORDER BY type, name", [])
}

/// Migrating fails for this reason and leaves all as it was.
#[track_caller]
fn refused(present: &str, why: &str) {
    let db = Db::empty();
    db.exec(TUTORIAL);
    db.exec("insert into roles values (1, 'admin'); insert into user_roles values ('user_ada', 1)");
    db.exec(present);
    let before = schema(&db);
    let error = db.migrate().unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    assert_eq!(schema(&db), before, "nothing is changed");
    let held: i64 = db.one("select count(*) from user_roles", []);
    assert_eq!(held, 1, "the tutorial's application goes on");
}

#[test]
fn a_table_of_the_applications_own_is_in_the_way() {
    let why = |name: &str| format!("the name {name} is taken, see migrations/README.md");
    refused("create table users (id text primary key, name text)", &why("users"));
    refused("create table Users (id integer primary key)", &why("users"));
    refused("create table settings (id integer primary key)", &why("settings"));
    refused("create view memberships as select 1", &why("memberships"));
    refused("create table watches (id integer)", "a name that Rolecall needs is taken");
}

#[test]
fn every_name_that_is_needed_is_looked_for() {
    let db = Db::new();
    let ours: Vec<String> = db.column(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT IN ('roles', 'user_roles')",
        [],
    );
    assert!(10 < ours.len());
    for name in ours {
        refused(&format!("create table {name} (x)"), "taken, see migrations/README.md");
    }
}

#[test]
fn tables_of_another_shape_than_the_tutorials_are_not_taken_over() {
    let refused = |tables: &str, why: &str| {
        let db = Db::empty();
        db.exec(tables);
        let before = schema(&db);
        let error = db.migrate().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(schema(&db), before);
    };
    refused(
        "create table roles (id integer primary key, name text)",
        "ON CONFLICT clause does not",
    );
    refused("create table roles (id integer primary key, title text)", "has no column named name");
    refused("create table user_roles (user text, role text)", "no such column: user_id");
    refused(
        "create table user_roles (user_id text, role_id text); insert into user_roles values ('u', 'admin')",
        "cannot store TEXT value in INTEGER column role_grants.role_id",
    );
}

#[test]
fn what_is_unrelated_stays() {
    let db = Db::empty();
    db.exec("create table posts (id integer primary key, title text); insert into posts values (1, 'x')");
    db.migrate().unwrap();
    assert_eq!(db.column::<String>("select title from posts", []), ["x"]);
}

#[test]
fn each_migration_goes_on_from_the_one_before() {
    let db = Db::empty();
    for text in migrations() {
        db.exec(&text);
    }
    let violations = db.rows("PRAGMA integrity_check", []);
    assert_eq!(violations, [[Value::Text("ok".into())]]);
    assert!(db.migrate().is_err(), "a second time it finds its own tables in the way");
}

#[test]
fn d1s_limits_hold_in_these_tests() {
    let db = Db::empty();
    let refused = |text: &str, why: &str| {
        let error = db.sql.prepare(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(&["SELECT 1"; 6].join(" UNION ALL "), "too many terms in compound SELECT");
    refused("SELECT ?101", "variable number must be between ?1 and ?100");
    refused(&format!("SELECT {}1", "1+".repeat(100)), "Expression tree is too large");
    let columns: Vec<_> = (0..101).map(|n| format!("c{n}")).collect();
    refused(&format!("CREATE TABLE t ({})", columns.join(",")), "too many columns");
}

#[test]
fn sqlite_is_no_older_than_d1s() {
    let number = rusqlite::version_number();
    assert!(3_045_000 <= number, "{number}");
}

/// C-12. A role cache must read the watch, the roles and the organizations in one statement: of
/// two, the second could see what came between them.
#[test]
fn c_12_a_fill_reads_version_and_roles_in_one_select() {
    let db = Db::new();
    let plan = db.plan_of(&statement(FILL, &[&"user_ada"]));
    for table in ["SEARCH w ", "SEARCH u ", "SEARCH g ", "SEARCH m "] {
        assert!(plan.iter().any(|step| step.starts_with(table)), "{table} in {plan:#?}");
    }
    for registers in [false, true] {
        let fill = Fill { owner: 1, floor: 0, registers, sent_at: UnixMillis(START) };
        let batch = shared::sql::fill("user_ada", &fill);
        let texts: Vec<_> = batch.iter().map(|statement| statement.sql).collect();
        let want = if registers { vec![REGISTER, FILL] } else { vec![FILL] };
        assert_eq!(texts, want, "nothing beside it, and it comes last");
    }
    assert!(!REGISTER.contains("RETURNING"), "a second reading of the version");
}

/// C-12. What is not read cannot be paired with another version: of all that the Workers send, the
/// fill alone names what holds a user's roles.
#[test]
fn c_12_nothing_but_the_fill_reads_roles() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open: Vec<_> = ["shared", "edge", "ingest", "consumer", "durable", "ssr"]
        .map(|name| root.join(name).join("src"))
        .to_vec();
    let (mut read, mut readers) = (0, Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "rs" || it == "sql") {
            read += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let names = ["user_roles", "org_memberships"];
            if code.clone().any(|line| names.iter().any(|name| line.contains(name))) {
                readers.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert!(50 < read, "only {read} files; is the rule read right?");
    assert_eq!(readers, ["fill.sql"]);
}

#[test]
fn each_text_is_one_statement_with_its_parameters() {
    let db = Db::new();
    let texts = [
        (FILL, 1),
        (REGISTER, 3),
        (UNWATCH, 2),
        (PENDING, 3),
        (PENDING_OF, 1),
        (ACK, 1),
        (GONE, 1),
        (GRANT, 7),
    ];
    let two = db.sql.prepare("SELECT 1; SELECT 2");
    assert!(matches!(two, Err(Error::MultipleStatement)), "a second statement is refused");
    for (text, parameters) in texts {
        assert_eq!(db.sql.prepare(text).unwrap().parameter_count(), parameters, "{text}");
    }
}

#[test]
fn a_fill_looks_nobody_up_by_scanning() {
    let db = Db::new();
    let plan = db.plan_of(&statement(FILL, &[&"user_ada"]));
    let scans: Vec<_> = plan.iter().filter(|step| step.starts_with("SCAN")).collect();
    // The roles' own names and the catalogue are short lists; of people and memberships none is
    // read but the user's own.
    for step in scans {
        let table = step.split(' ').nth(1).unwrap();
        assert!(!["w", "u", "g", "m", "o", "p"].contains(&table), "{step} in {plan:#?}");
    }
    for step in ["SEARCH w ", "SEARCH u ", "SEARCH g ", "SEARCH m ", "SEARCH o ", "SEARCH p "] {
        assert!(plan.iter().any(|found| found.starts_with(step)), "{step}: {plan:#?}");
    }
}

#[test]
fn the_upserts_and_the_outcomes_look_rows_up_by_primary_key() {
    let db = Db::new();
    let body = event_at("user.created", START, &user_with("user_ada", START, &["admin"]));
    let plan = plan("rolecall-events", &[deliver("msg_1", &body, START)], vec![]);
    let statements = statements(&plan, UnixMillis(START));
    assert_eq!(statements.len(), 3, "names of roles, users, deliveries");
    for statement in statements {
        let plan = db.plan_of(&statement);
        let scans = plan.iter().filter(|step| step.starts_with("SCAN"));
        assert!(scans.clone().all(|step| step.starts_with("SCAN j VIRTUAL")), "{plan:#?}");
    }
}
