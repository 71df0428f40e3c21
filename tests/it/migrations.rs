//! The migrations on databases that already have tables, and the limits of D1 that they must keep.

mod upgrade;

use rusqlite::Error;
use rusqlite::types::Value;
use shared::cache::FillRequest;
use shared::plan::plan;
use shared::sql::{
    ACK, CATCH_UP, CATCH_UP_SOME, FILL, GONE, GRANT, PENDING, PENDING_OF, REGISTER, UNWATCH,
    statements,
};
use shared::time::UnixMillis;

use crate::support::clerk::{deliver, event_at, user_with};
use crate::support::{Cells, Db, START, TUTORIAL, migrations, statement};

/// Every object of a database, by type, name and text.
fn schema(db: &Db) -> Vec<Cells> {
    db.rows("SELECT type, name, sql FROM sqlite_master ORDER BY type, name", [])
}

/// Asserts that migrating fails for this reason and changes nothing.
#[track_caller]
fn assert_refused(present: &str, why: &str) {
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
fn a_table_of_the_application_stops_the_migration() {
    let why = |name: &str| format!("the name {name} is taken, see migrations/README.md");
    assert_refused("create table users (id text primary key, name text)", &why("users"));
    assert_refused("create table Users (id integer primary key)", &why("users"));
    assert_refused("create table settings (id integer primary key)", &why("settings"));
    assert_refused("create view memberships as select 1", &why("memberships"));
    assert_refused("create table watches (id integer)", "a name that Rolecall needs is taken");
}

#[test]
fn every_needed_name_is_checked() {
    let db = Db::new();
    let ours: Vec<String> = db.column(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT IN ('roles', 'user_roles')",
        [],
    );
    assert!(10 < ours.len());
    for name in ours {
        assert_refused(&format!("create table {name} (x)"), "taken, see migrations/README.md");
    }
}

#[test]
fn tables_of_another_shape_than_the_tutorials_are_not_taken_over() {
    let assert_not_taken_over = |tables: &str, why: &str| {
        let db = Db::empty();
        db.exec(tables);
        let before = schema(&db);
        let error = db.migrate().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(schema(&db), before);
    };
    assert_not_taken_over(
        "create table roles (id integer primary key, name text)",
        "ON CONFLICT clause does not",
    );
    assert_not_taken_over(
        "create table roles (id integer primary key, title text)",
        "has no column named name",
    );
    assert_not_taken_over(
        "create table user_roles (user text, role text)",
        "no such column: user_id",
    );
    assert_not_taken_over(
        "create table user_roles (user_id text, role_id text); insert into user_roles values ('u', 'admin')",
        "cannot store TEXT value in INTEGER column role_grants.role_id",
    );
}

#[test]
fn unrelated_tables_stay() {
    let db = Db::empty();
    db.exec("create table posts (id integer primary key, title text); insert into posts values (1, 'x')");
    db.migrate().unwrap();
    assert_eq!(db.column::<String>("select title from posts", []), ["x"]);
}

#[test]
fn each_migration_applies_after_the_one_before() {
    let db = Db::empty();
    for text in migrations() {
        db.exec(&text);
    }
    let violations = db.rows("PRAGMA integrity_check", []);
    assert_eq!(violations, [[Value::Text("ok".into())]]);
    assert!(db.migrate().is_err(), "a second time it finds its own tables in the way");
}

/// A database of f52bcaa, before the pairs and the keys, with these rows. It is upgraded first by
/// the rest of the old files, then by the new ones.
fn upgraded(rows: &str) -> (Db, Vec<i64>) {
    let db = Db::empty();
    let old = upgrade::old_files();
    let (before, after) = old.split_at(6);
    for file in before {
        db.exec(&file.text);
    }
    let ranked = "deleted, updated_at, event_at, projection, digest";
    let memberships = format!(
        "INSERT INTO memberships (id, org_id, user_id, role, permissions, {ranked}) VALUES"
    );
    let roles = format!("INSERT INTO org_roles (id, key, permissions, {ranked}) VALUES");
    let permissions = format!("INSERT INTO org_permissions (id, key, {ranked}) VALUES");
    let names = [("MEMBERSHIPS", memberships), ("ROLES", roles), ("PERMISSIONS", permissions)];
    db.exec(&names.iter().fold(rows.to_owned(), |text, (name, to)| text.replace(name, to)));
    db.exec("INSERT INTO watches VALUES ('user_ada', 1, 1, 1), ('user_bob', 1, 1, 1)");
    for file in after.iter().chain(&upgrade::files_not_in(&old)) {
        db.exec(&file.text);
    }
    let risen = ["user_ada", "user_bob"].map(|user| i64::from(1 < db.version(user)));
    (db, risen.to_vec())
}

/// Role and permissions of a user in each organization.
fn organizations_of(db: &Db, user: &str) -> Vec<(String, String)> {
    let set = db.fill(user).unwrap().set;
    set.organizations.into_iter().map(|it| (it.role, it.permissions.join(" "))).collect()
}

fn one_organization(role: &str, permissions: &str) -> Vec<(String, String)> {
    vec![(role.into(), permissions.into())]
}

#[test]
fn the_migration_ends_the_older_of_two_memberships_of_a_pair() {
    let (db, risen) = upgraded(
        "MEMBERSHIPS
        ('orgmem_1', 'org_1', 'user_ada', 'org:admin', '[]', 0, 1, 1, 1, 'a'),
        ('orgmem_2', 'org_1', 'user_ada', 'org:member', '[]', 0, 2, 2, 1, 'a'),
        ('orgmem_3', 'org_1', 'user_bob', 'org:x', '[]', 0, 1, 1, 1, 'a');
        ROLES ('role_1', 'org:x', '[]', 0, 1, 1, 1, 'a'), ('role_2', 'org:member', '[]', 0, 1, 1, 1, 'a')",
    );
    assert_eq!(organizations_of(&db, "user_ada"), one_organization("org:member", ""));
    assert_eq!(risen, [1, 0], "the cache of a user who loses a role is owed a hint");
}

#[test]
fn without_deletions_only_live_keys_are_known() {
    let (db, risen) = upgraded(
        r#"MEMBERSHIPS
        ('orgmem_1', 'org_1', 'user_ada', 'org:lone', '["org:own:read"]', 0, 1, 1, 1, 'a'),
        ('orgmem_2', 'org_1', 'user_bob', 'org:x', '[]', 0, 1, 1, 1, 'a');
        ROLES ('role_1', 'org:x', '[{"id":"perm_9","key":"org:p:read"}]', 0, 1, 1, 1, 'a')"#,
    );
    assert_eq!(
        organizations_of(&db, "user_ada"),
        one_organization("org:lone", "org:own:read"),
        "its own list counts again"
    );
    assert_eq!(organizations_of(&db, "user_bob"), one_organization("org:x", "org:p:read"));
    assert_eq!(risen, [1, 0]);
}

#[test]
fn after_a_deletion_the_migration_restores_no_permission_list() {
    let (db, _) = upgraded(
        r#"MEMBERSHIPS
        ('orgmem_1', 'org_1', 'user_ada', 'org:gone', '["org:own:read"]', 0, 1, 1, 1, 'a'),
        ('orgmem_2', 'org_1', 'user_bob', 'org:x', '["org:p:read","org:p:gone"]', 0, 1, 1, 1, 'a');
        ROLES ('role_1', 'org:x', '[{"id":"perm_9","key":"org:p:read"}]', 0, 1, 1, 1, 'a'), ('role_2', '', '[]', 1, 0, 0, 0, '');
        PERMISSIONS ('perm_1', '', 1, 0, 0, 0, '')"#,
    );
    assert_eq!(organizations_of(&db, "user_ada"), one_organization("org:gone", ""));
    assert_eq!(
        organizations_of(&db, "user_bob"),
        one_organization("org:x", "org:p:read"),
        "what a live role gives stays"
    );
}

/// A permission without an event of its own, such as one of Clerk's system permissions, is not
/// retired by the delete of another.
#[test]
fn a_deleted_permission_hides_lists_until_the_role_arrives_and_retires_no_other() {
    let (db, _) = upgraded(
        r#"MEMBERSHIPS
        ('orgmem_1', 'org_1', 'user_ada', 'org:admin', '["org:a:read","org:b:write"]', 0, 1, 1, 1, 'a');
        PERMISSIONS ('perm_1', '', 1, 0, 0, 0, '')"#,
    );
    assert_eq!(
        organizations_of(&db, "user_ada"),
        one_organization("org:admin", ""),
        "one of them may be the deleted one"
    );
    db.exec(
        r#"INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
        ('role_1', 'org:admin', '[{"id":"perm_2","key":"org:a:read"},{"id":"perm_3","key":"org:b:write"}]', 0, 2, 2, 2, 'a')"#,
    );
    assert_eq!(
        organizations_of(&db, "user_ada"),
        one_organization("org:admin", "org:a:read org:b:write")
    );
    assert!(db.column::<String>("SELECT key FROM retired_permissions", []).is_empty());
}

/// Runs the two statements exactly as they are in `migrations/README.md`.
#[test]
fn the_statements_of_the_readme_find_and_restore_a_shut_out_member() {
    let page = include_str!("../../migrations/README.md");
    let (_, rest) = page.split_once("## A member who is shut out").unwrap();
    let statements: Vec<&str> =
        rest.lines().filter_map(|it| it.strip_prefix("    ")).take(2).collect();
    let db = Db::new();
    let insert = |id: &str, role: &str, at: i64| {
        db.exec(&format!(
            "INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest)
             VALUES ('{id}', 'org_1', 'user_ada', '{role}', 0, {at}, {at}, 2, 'a')"
        ));
    };
    insert("orgmem_1", "org:admin", 1);
    insert("orgmem_2", "org:member", 9);
    db.exec("INSERT INTO watches (user_id, owner, version, acked) VALUES ('user_ada', 1, 1, 1)");
    let shut_out = || db.column::<String>(statements[0], []);
    assert!(shut_out().is_empty(), "a live membership has the pair's rank");
    db.exec("DELETE FROM memberships WHERE id = 'orgmem_2'");
    assert_eq!(
        (shut_out(), organizations_of(&db, "user_ada").len()),
        (vec!["orgmem_1".to_owned()], 0)
    );
    let before = db.version("user_ada");
    db.exec(&statements[1].replace("orgmem_…", "orgmem_1"));
    assert_eq!(
        (shut_out().len(), organizations_of(&db, "user_ada")),
        (0, one_organization("org:admin", ""))
    );
    assert!(before < db.version("user_ada"), "the cache is owed a hint");
}

/// The users that a change of a role or a permission concerns are found through the members that
/// have it: no step reads every membership or every watch.
#[test]
fn a_change_of_a_role_reads_only_its_holders() {
    let db = Db::new();
    let texts: Vec<String> = db.column(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND (name LIKE 'bump_org_%' OR name LIKE 'bump_roles_%')",
        [],
    );
    assert_eq!(texts.len(), 12 + 3 + 3);
    for text in texts {
        let (_, body) = text.split_once(" BEGIN ").unwrap();
        let update = body.split_once(';').unwrap().0;
        let words = |row: &str, text: String| {
            ["id", "key", "permissions", "name"]
                .iter()
                .fold(text, |text, column| text.replace(&format!("{row}.{column}"), "'x'"))
        };
        let update = words("OLD", words("NEW", update.into()));
        let update = update.replace("NEW.deleted", "0").replace("OLD.deleted", "0");
        let steps: Vec<String> = {
            let mut plan = db.sql.prepare(&format!("EXPLAIN QUERY PLAN {update}")).unwrap();
            plan.query_map([], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap()
        };
        for step in steps {
            let scanned = step.strip_prefix("SCAN ").and_then(|it| it.split(' ').next());
            let large = ["member", "memberships", "watches", "own", "users", "user_app_roles"];
            assert!(!scanned.is_some_and(|it| large.contains(&it)), "{step}: {text}");
        }
    }
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

/// C-12. A role cache must read the watch, the roles and the organizations in one statement: with
/// two, the second could see a change that came between them.
#[test]
fn c_12_a_fill_reads_version_and_roles_in_one_select() {
    let db = Db::new();
    let plan = db.plan_of(&statement(FILL, &[&"user_ada"]));
    for table in
        ["watches", "users", "role_grants", "memberships"].map(|it| format!("SEARCH {it} "))
    {
        assert!(plan.iter().any(|step| step.starts_with(&table)), "{table} in {plan:#?}");
    }
    for registers in [false, true] {
        let fill = FillRequest { owner: 1, floor: 0, registers, sent_at: UnixMillis(START) };
        let batch = shared::sql::fill("user_ada", &fill);
        let texts: Vec<_> = batch.iter().map(|statement| statement.sql).collect();
        let want = [REGISTER, CATCH_UP, FILL];
        let want = if registers { &want[..] } else { &want[1..] };
        assert_eq!(texts, want, "nothing beside it, and it comes last");
    }
    for text in [REGISTER, CATCH_UP] {
        assert!(!text.contains("RETURNING"), "a second reading of the version");
    }
}

/// C-12. Roles that only one statement reads cannot be paired with another version: of all
/// statements of the Workers, only the fill reads the tables and views with a user's roles.
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
            let names = ["user_roles", "user_role_names", "org_memberships"];
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
        (CATCH_UP, 1),
        (CATCH_UP_SOME, 1),
        (UNWATCH, 2),
        (PENDING, 3),
        (PENDING_OF, 1),
        (ACK, 1),
        (GONE, 1),
        (GRANT, 8),
    ];
    let two = db.sql.prepare("SELECT 1; SELECT 2");
    assert!(matches!(two, Err(Error::MultipleStatement)), "a second statement is refused");
    for (text, parameters) in texts {
        assert_eq!(db.sql.prepare(text).unwrap().parameter_count(), parameters, "{text}");
    }
}

#[test]
fn a_fill_scans_no_large_table() {
    let db = Db::new();
    let plan = db.plan_of(&statement(FILL, &[&"user_ada"]));
    let scans: Vec<_> = plan.iter().filter(|step| step.starts_with("SCAN")).collect();
    // Scans are allowed for JSON lists inside one row and for the few names of default and granted
    // roles. Of users, roles and memberships only the user's own rows are read.
    for step in scans {
        let table = step.split(' ').nth(1).unwrap();
        assert!(["entry", "user_role_names"].contains(&table), "{step} in {plan:#?}");
    }
    for table in ["watches", "users", "role_grants", "memberships", "organizations", "pair"] {
        let step = format!("SEARCH {table} ");
        assert!(plan.iter().any(|found| found.starts_with(&step)), "{step}: {plan:#?}");
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
        assert!(scans.clone().all(|step| step.starts_with("SCAN input VIRTUAL")), "{plan:#?}");
    }
}
