//! The cost of a change depends only on the users it concerns, and the cost of a fill only on the
//! user's own roles. It is counted in steps of SQLite's virtual machine, in a small and in a large
//! database.

use rusqlite::StatementStatus;
use rusqlite::types::Value;
use shared::sql::{CATCH_UP, CATCH_UP_SOME, FILL};

use crate::support::{Db, START};

/// A database with this many watched users, each with app roles and a membership in one
/// organization, and with this many names of roles.
fn populated(users: u32, names: u32) -> Db {
    let db = Db::new();
    db.exec(&format!(
        r#"INSERT INTO settings VALUES ('default_role', 'member');
        INSERT INTO roles (name) VALUES ('member'), ('admin'), ('editor');
        INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest)
        VALUES ('role_1', 'org:x', '[{{"id":"perm_1","key":"org:p:read"}}]', 0, 1, 1, 1, '');
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {names})
        INSERT INTO roles (name) SELECT 'name ' || i FROM n;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
        INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
        SELECT 'user_' || i, '["admin","editor"]', 0, 1, 1, 1, '' FROM n;
        INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest)
        SELECT 'm_' || id, 'org_1', id, iif(id LIKE '%1', 'org:lone', 'org:x'), '["org:own:read"]', 0, 1, 1, 1, '' FROM users;
        INSERT INTO watches SELECT u.id, 1, {START}, {START}, e.version FROM users u JOIN everyone e;"#
    ));
    db
}

/// The steps of one statement, its triggers included.
#[track_caller]
fn steps(db: &Db, text: &str) -> i32 {
    let mut prepared = db.sql.prepare(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    prepared.raw_execute().unwrap_or_else(|error| panic!("{text}: {error}"));
    prepared.get_status(StatementStatus::VmStep)
}

/// A statement costs the same among few users and among many, and bumps no watch.
#[track_caller]
fn costs_the_same(text: &str) {
    let [few, many] = [100, 10_000].map(|users| {
        let db = populated(users, 5);
        let steps = steps(&db, text);
        let risen: i64 = db.one("SELECT count(*) FROM watches WHERE version > acked", []);
        assert_eq!(risen, 0, "{text}");
        steps
    });
    assert!(many <= few + few / 10, "{text}: {few} steps, and {many} among many");
}

const RANK: &str = "deleted, updated_at, event_at, projection, digest";

#[test]
fn a_name_that_nobody_has_costs_the_same_among_many() {
    costs_the_same("INSERT INTO roles (name) VALUES ('nobody''s')");
    costs_the_same("UPDATE roles SET name = 'other' WHERE name = 'name 1'");
    costs_the_same("DELETE FROM roles WHERE name = 'name 1'");
}

#[test]
fn a_membership_costs_the_same_in_a_large_organization() {
    let insert = format!("INSERT INTO memberships (id, org_id, user_id, role, {RANK}) VALUES");
    costs_the_same(&format!("{insert} ('m', 'org_1', 'user_new', 'org:x', 0, 1, 1, 1, '')"));
    costs_the_same("UPDATE memberships SET updated_at = 2 WHERE id = 'm_user_2'");
    costs_the_same("INSERT INTO membership_pairs VALUES ('org_1', 'user_new', 1, 1, 1, '')");
}

#[test]
fn a_role_that_nobody_has_costs_the_same_among_many() {
    let insert = format!("INSERT INTO org_roles (id, key, permissions, {RANK}) VALUES");
    costs_the_same(&format!("{insert} ('role_9', 'org:new', '[]', 0, 1, 1, 1, '')"));
    costs_the_same(&format!("{insert} ('role_9', '', '[]', 1, 0, 0, 0, '')"));
    costs_the_same("INSERT INTO org_role_keys VALUES ('org:new')");
}

#[test]
fn a_permission_that_nobody_has_costs_the_same_among_many() {
    let insert = format!("INSERT INTO org_permissions (id, key, {RANK}) VALUES");
    costs_the_same(&format!("{insert} ('perm_9', 'org:new:read', 0, 1, 1, 1, '')"));
    costs_the_same(&format!("{insert} ('perm_9', '', 1, 0, 0, 0, '')"));
    costs_the_same("INSERT INTO org_permission_keys VALUES ('org:new:read')");
}

#[test]
fn a_user_of_many_new_names_costs_the_same_among_many() {
    let names: Vec<_> = (0..50).map(|name| format!("('new {name}')")).collect();
    costs_the_same(&format!("INSERT INTO roles (name) VALUES {}", names.join(", ")));
}

#[test]
fn a_new_default_role_costs_the_same_among_many() {
    costs_the_same("UPDATE settings SET value = 'admin' WHERE key = 'default_role'");
    costs_the_same("DELETE FROM settings WHERE key = 'default_role'");
    costs_the_same("UPDATE roles SET name = 'other' WHERE name = 'member'");
}

/// The steps of a statement that lets `risen` watches catch up with a new default role: the
/// greatest number in `times` runs.
fn catch_up_steps(users: u32, text: &str, arg: &Value, (risen, times): (usize, u32)) -> i32 {
    let db = populated(users, 5);
    db.exec("UPDATE settings SET value = 'admin' WHERE key = 'default_role'");
    let steps = |_| {
        let mut step = db.sql.prepare(text).unwrap();
        assert_eq!(step.execute([arg]).unwrap(), risen);
        step.get_status(StatementStatus::VmStep)
    };
    (0..times).map(steps).max().unwrap()
}

#[test]
fn a_step_behind_a_new_default_role_costs_the_same_among_many() {
    for (text, arg, how) in [
        (CATCH_UP_SOME, Value::Integer(20), (20, 3)),
        (CATCH_UP, Value::Text("user_2".into()), (1, 1)),
    ] {
        let [few, many] = [100, 10_000].map(|users| catch_up_steps(users, text, &arg, how));
        assert!(many <= few + few / 10, "{text}: {few} steps, and {many} among many");
    }
}

#[test]
fn a_fill_costs_the_users_own_roles() {
    let [few, many] = [(10, 5), (2_000, 10_000)].map(|(users, names)| {
        let db = populated(users, names);
        let mut fill = db.sql.prepare(FILL).unwrap();
        assert!(fill.exists(["user_2"]).unwrap());
        fill.get_status(StatementStatus::VmStep)
    });
    assert!(many <= few + few / 10, "{few} steps, and {many} among many names");
}

#[test]
fn both_views_of_app_roles_show_the_same() {
    let db = populated(3, 3);
    db.exec(
        r#"UPDATE users SET app_roles = '["admin","member",1,null,"nowhere","name 1"]' WHERE id = 'user_1';
        UPDATE users SET banned = 1 WHERE id = 'user_2';
        INSERT INTO roles (name) VALUES (''), (NULL), (x'00');
        INSERT INTO role_grants (user_id, role_id, granted, at, id)
        SELECT u.id, r.id, (r.id + length(u.id)) % 2, 1, 'g' FROM users u CROSS JOIN roles r WHERE r.id <> 2"#,
    );
    let by_number =
        "SELECT ur.user_id, r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id";
    let by_name = "SELECT DISTINCT user_id, name FROM user_role_names";
    let rows = |query: &str| db.rows(&format!("{query} ORDER BY 1, 2"), []);
    assert!(3 < rows(by_number).len());
    assert_eq!(rows(by_name), rows(by_number));
}
