//! The outbox's triggers: a watched user's version rises when the roles can have changed, no
//! matter who writes, and only then.

mod changed;
mod every;
mod side_by_side;
pub(crate) mod random;

use crate::support::{Db, START};

/// Everybody here is watched.
const WATCHED: [&str; 5] = ["user_ada", "user_bob", "user_dee", "user_eve", "user_una"];

/// Ada is an admin by grant and an editor by metadata, and a member of two organizations: in the
/// first with a role that the catalogue has, in the second with one that it lacks. Bob is a member
/// of the first, and the role of editor is revoked for him. Dee is banned, Eve is deleted, Una is
/// unknown.
const WORLD: &str = r#"
INSERT INTO settings VALUES ('default_role', 'member'), ('other', 'x');
INSERT INTO roles VALUES (1, 'member'), (2, 'admin'), (3, 'editor'), (4, 'spare');
INSERT INTO users (id, app_roles, banned, deleted, updated_at, event_at, projection, digest) VALUES
  ('user_ada', '["editor"]', 0, 0, 1, 1, 1, ''), ('user_bob', '[]', 0, 0, 1, 1, 1, ''),
  ('user_dee', '["editor"]', 1, 0, 1, 1, 1, ''), ('user_eve', '[]', 0, 1, 0, 0, 0, ''),
  ('user_fay', '["editor"]', 0, 0, 1, 1, 1, '');
INSERT INTO organizations (id, deleted, updated_at, event_at, projection, digest) VALUES
  ('org_1', 0, 1, 1, 1, ''), ('org_8', 0, 1, 1, 1, ''), ('org_9', 1, 0, 0, 0, '');
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('orgmem_1', 'org_1', 'user_ada', 'org:x', '["org:own:read"]', 0, 1, 1, 1, ''),
  ('orgmem_2', 'org_1', 'user_bob', 'org:y', '[]', 0, 1, 1, 1, ''),
  ('orgmem_3', 'org_2', 'user_ada', 'org:lone', '["org:own:read"]', 0, 1, 1, 1, ''),
  ('orgmem_9', '', '', '', '[]', 1, 0, 0, 0, '');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('role_1', 'org:x', '[{"id":"perm_1","key":"org:p:old"}]', 0, 1, 1, 1, ''),
  ('role_2', 'org:y', '[]', 0, 1, 1, 1, ''), ('role_3', 'org:z', '[]', 0, 1, 1, 1, '');
INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES
  ('perm_1', 'org:p:read', 0, 1, 1, 1, ''), ('perm_2', 'org:p:write', 0, 1, 1, 1, '');
INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES
  ('user_ada', 2, 1, 1, 'g1'), ('user_bob', 3, 0, 1, 'g2');
"#;

fn world() -> Db {
    let db = Db::new();
    db.exec(WORLD);
    for user in WATCHED {
        db.register(user, 1, 0);
    }
    db
}

/// Applies each write to the same world, and compares which users' next fill has a greater version.
#[track_caller]
fn check(cases: &[(&str, &[&str])]) {
    check_after("", cases);
}

/// The same in another world.
#[track_caller]
fn check_after(prepare: &str, cases: &[(&str, &[&str])]) {
    let db = world();
    db.exec(prepare);
    for (write, rises) in cases {
        db.exec("SAVEPOINT one_case");
        let version = |user: &str| db.fill(user).unwrap().set.version;
        let before = WATCHED.map(version);
        db.exec(write);
        let risen = WATCHED.into_iter().zip(before).filter(|(user, old)| *old < version(user));
        let risen: Vec<_> = risen.map(|(user, _)| user.trim_start_matches("user_")).collect();
        assert_eq!(risen, *rises, "{write}");
        db.exec("ROLLBACK TO one_case; RELEASE one_case");
    }
}

const NOBODY: &[&str] = &[];
/// The catalogue is empty and no key is known: each membership's own list counts.
const NO_CATALOGUE: &str = "DELETE FROM org_roles; DELETE FROM org_permissions; \
    DELETE FROM org_role_keys; DELETE FROM org_permission_keys";
const ALL: &[&str] = &["ada", "bob", "dee", "eve", "una"];

#[test]
fn users() {
    let rank = "deleted, updated_at, event_at, projection, digest";
    check(&[
        (&format!("INSERT INTO users (id, {rank}) VALUES ('user_una', 0, 1, 1, 1, '')"), &["una"]),
        (&format!("INSERT INTO users (id, {rank}) VALUES ('user_una', 1, 0, 0, 0, '')"), &["una"]),
        (&format!("INSERT INTO users (id, {rank}) VALUES ('user_new', 0, 1, 1, 1, '')"), NOBODY),
        ("UPDATE users SET banned = 1 WHERE id = 'user_ada'", &["ada"]),
        ("UPDATE users SET banned = 0 WHERE id = 'user_dee'", &["dee"]),
        ("UPDATE users SET deleted = 1 WHERE id = 'user_bob'", &["bob"]),
        ("UPDATE users SET deleted = 0 WHERE id = 'user_eve'", &["eve"]),
        ("UPDATE users SET app_roles = '[]' WHERE id = 'user_ada'", &["ada"]),
        ("UPDATE users SET banned = 1, app_roles = '[]' WHERE id = 'user_ada'", &["ada"]),
        ("UPDATE users SET id = 'user_una' WHERE id = 'user_ada'", &["ada", "una"]),
        ("UPDATE users SET app_roles = '[]' WHERE id = 'user_fay'", NOBODY),
        ("UPDATE users SET app_roles = '[]' WHERE id = 'user_dee'", NOBODY),
        ("UPDATE users SET banned = 1, app_roles = '[\"admin\"]' WHERE id = 'user_eve'", NOBODY),
        ("UPDATE users SET email = 'a@b', created_at = 9, updated_at = 2, digest = 'd'", NOBODY),
        ("UPDATE users SET banned = banned, app_roles = app_roles, deleted = deleted", NOBODY),
        ("DELETE FROM users WHERE id = 'user_ada'", &["ada"]),
        ("DELETE FROM users WHERE id = 'user_eve'", &["eve"]),
        ("DELETE FROM users WHERE id = 'user_fay'", NOBODY),
        ("DELETE FROM users", &["ada", "bob", "dee", "eve"]),
    ]);
}

#[test]
fn organizations() {
    let rank = "deleted, updated_at, event_at, projection, digest";
    let insert = format!("INSERT INTO organizations (id, {rank}) VALUES");
    check(&[
        (&format!("{insert} ('org_2', 1, 0, 0, 0, '')"), &["ada"]),
        (&format!("{insert} ('org_2', 0, 1, 1, 1, '')"), NOBODY),
        (&format!("{insert} ('org_3', 1, 0, 0, 0, '')"), NOBODY),
        ("UPDATE organizations SET deleted = 1 WHERE id = 'org_1'", &["ada", "bob"]),
        ("UPDATE organizations SET id = 'org_2' WHERE id = 'org_9'", &["ada"]),
        ("UPDATE organizations SET deleted = 1 WHERE id = 'org_8'", NOBODY),
        ("UPDATE organizations SET id = 'org_2' WHERE id = 'org_1'", NOBODY),
        ("UPDATE organizations SET name = 'x', slug = 'x', updated_at = 2, digest = 'd'", NOBODY),
        ("UPDATE organizations SET deleted = deleted", NOBODY),
        ("DELETE FROM organizations WHERE id = 'org_1'", NOBODY),
        ("DELETE FROM organizations WHERE id = 'org_9'", NOBODY),
    ]);
    let dead = "UPDATE organizations SET deleted = 1 WHERE id = 'org_1'";
    check_after(
        dead,
        &[
            ("DELETE FROM organizations WHERE id = 'org_1'", &["ada", "bob"]),
            ("UPDATE organizations SET id = 'org_2' WHERE id = 'org_1'", &["ada", "bob"]),
            ("UPDATE organizations SET deleted = 0 WHERE id = 'org_1'", &["ada", "bob"]),
            ("UPDATE memberships SET role = 'org:z' WHERE id = 'orgmem_2'", &["bob"]),
        ],
    );
}

#[test]
fn memberships() {
    let insert = "INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest) VALUES";
    check(&[
        (&format!("{insert} ('m', 'org_8', 'user_una', 'org:x', 0, 1, 1, 1, '')"), &["una"]),
        (&format!("{insert} ('m', '', '', '', 1, 0, 0, 0, '')"), NOBODY),
        (&format!("{insert} ('m', 'org_8', 'user_fay', 'org:x', 0, 1, 1, 1, '')"), NOBODY),
        ("UPDATE memberships SET user_id = 'user_bob' WHERE id = 'orgmem_1'", &["ada", "bob"]),
        ("UPDATE memberships SET org_id = 'org_8' WHERE id = 'orgmem_1'", &["ada"]),
        ("UPDATE memberships SET role = 'org:y' WHERE id = 'orgmem_1'", &["ada"]),
        ("UPDATE memberships SET deleted = 1 WHERE id = 'orgmem_2'", &["bob"]),
        (
            "UPDATE memberships SET deleted = 1, user_id = '', org_id = '' WHERE id = 'orgmem_2'",
            &["bob"],
        ),
        (
            "UPDATE memberships SET deleted = 0, user_id = 'user_una' WHERE id = 'orgmem_9'",
            &["una"],
        ),
        ("UPDATE memberships SET permissions = '[\"p\"]' WHERE id = 'orgmem_3'", &["ada"]),
        ("UPDATE memberships SET permissions = '[\"p\"]' WHERE id = 'orgmem_1'", NOBODY),
        ("UPDATE memberships SET user_id = 'user_bob' WHERE id = 'orgmem_9'", NOBODY),
        ("UPDATE memberships SET id = 'orgmem_8', updated_at = 2 WHERE id = 'orgmem_1'", NOBODY),
        ("UPDATE memberships SET role = role, permissions = permissions", NOBODY),
        ("DELETE FROM memberships WHERE id = 'orgmem_1'", &["ada"]),
        ("DELETE FROM memberships WHERE id = 'orgmem_9'", NOBODY),
    ]);
    check_after(
        NO_CATALOGUE,
        &[
            ("UPDATE memberships SET permissions = '[\"p\"]' WHERE id = 'orgmem_3'", &["ada"]),
            ("UPDATE memberships SET permissions = permissions", NOBODY),
        ],
    );
}

#[test]
fn org_roles() {
    let insert = "INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES";
    check(&[
        (&format!("{insert} ('r', 'org:x', '[]', 0, 2, 2, 1, '')"), &["ada"]),
        (&format!("{insert} ('r', 'org:lone', '[]', 0, 1, 1, 1, '')"), &["ada"]),
        (&format!("{insert} ('r', '', '[]', 1, 0, 0, 0, '')"), NOBODY),
        (&format!("{insert} ('r', 'org:new', '[]', 0, 1, 1, 1, '')"), NOBODY),
        ("UPDATE org_roles SET permissions = '[]' WHERE id = 'role_1'", &["ada"]),
        ("UPDATE org_roles SET key = 'org:y' WHERE id = 'role_1'", &["ada", "bob"]),
        ("UPDATE org_roles SET key = 'org:new' WHERE id = 'role_2'", &["bob"]),
        ("UPDATE org_roles SET deleted = 1, key = '' WHERE id = 'role_2'", &["bob"]),
        ("UPDATE org_roles SET permissions = '[{}]' WHERE id = 'role_3'", NOBODY),
        ("UPDATE org_roles SET id = 'r', updated_at = 2, digest = 'd' WHERE id = 'role_1'", NOBODY),
        ("UPDATE org_roles SET permissions = permissions, key = key", NOBODY),
        ("DELETE FROM org_roles WHERE id = 'role_1'", &["ada"]),
        ("DELETE FROM org_roles WHERE id = 'role_3'", NOBODY),
    ]);
    check_after(
        &format!("{insert} ('role_4', 'org:x', '[]', 0, 0, 0, 1, '')"),
        &[
            ("UPDATE org_roles SET updated_at = 9 WHERE id = 'role_4'", &["ada"]),
            ("UPDATE org_roles SET updated_at = 9 WHERE id = 'role_2'", NOBODY),
            ("DELETE FROM org_roles WHERE id = 'role_4'", &["ada"]),
        ],
    );
    check_after(
        &format!("{insert} ('role_4', '', '[]', 1, 0, 0, 0, '')"),
        &[
            ("DELETE FROM org_roles WHERE id = 'role_4'", NOBODY),
            ("UPDATE org_roles SET deleted = 0, key = 'org:new' WHERE id = 'role_4'", NOBODY),
            ("UPDATE memberships SET permissions = '[]' WHERE id = 'orgmem_3'", &["ada"]),
        ],
    );
    // In an empty catalogue, a new role that nobody has changes no membership's own list.
    check_after(
        NO_CATALOGUE,
        &[
            (&format!("{insert} ('r', 'org:new', '[]', 0, 1, 1, 1, '')"), NOBODY),
            (&format!("{insert} ('r', '', '[]', 1, 0, 0, 0, '')"), NOBODY),
            (&format!("{insert} ('r', 'org:y', '[]', 0, 1, 1, 1, '')"), &["bob"]),
        ],
    );
}

#[test]
fn membership_pairs() {
    let insert = "INSERT INTO membership_pairs VALUES";
    let again = "INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest) VALUES";
    check(&[
        ("UPDATE membership_pairs SET updated_at = 2 WHERE user_id = 'user_bob'", &["bob"]),
        ("UPDATE membership_pairs SET updated_at = 0", NOBODY),
        ("UPDATE membership_pairs SET digest = digest", NOBODY),
        (&format!("{insert} ('org_8', 'user_ada', 9, 9, 1, '')"), NOBODY),
        ("DELETE FROM membership_pairs", NOBODY),
        (&format!("{again} ('m', 'org_1', 'user_bob', 'org:x', 0, 2, 2, 1, '')"), &["bob"]),
        (&format!("{again} ('m', 'org_1', 'user_bob', 'org:x', 0, 0, 0, 1, '')"), NOBODY),
    ]);
    check_after(
        "UPDATE membership_pairs SET updated_at = 5 WHERE user_id = 'user_bob'",
        &[
            ("DELETE FROM membership_pairs", &["bob"]),
            ("UPDATE membership_pairs SET updated_at = 4", &["ada"]),
            ("UPDATE memberships SET role = 'org:z'", &["ada"]),
            ("UPDATE memberships SET updated_at = 5 WHERE id = 'orgmem_2'", &["bob"]),
            ("UPDATE memberships SET org_id = 'org_8' WHERE id = 'orgmem_2'", &["bob"]),
            ("UPDATE memberships SET user_id = 'user_una' WHERE id = 'orgmem_2'", &["una"]),
            ("DELETE FROM memberships WHERE id = 'orgmem_2'", NOBODY),
            ("UPDATE organizations SET deleted = 1 WHERE id = 'org_1'", &["ada"]),
        ],
    );
}

#[test]
fn known_keys() {
    check(&[
        ("INSERT INTO org_role_keys VALUES ('org:lone')", &["ada"]),
        ("INSERT INTO org_role_keys VALUES ('org:new')", NOBODY),
        ("DELETE FROM org_role_keys", NOBODY),
        ("INSERT INTO org_permission_keys VALUES ('org:own:read')", &["ada"]),
        ("INSERT INTO org_permission_keys VALUES ('org:new')", NOBODY),
        ("DELETE FROM org_permission_keys", NOBODY),
    ]);
    let rank = "deleted, updated_at, event_at, projection, digest";
    let insert = format!("INSERT INTO org_permissions (id, key, {rank}) VALUES");
    check_after(
        "INSERT INTO org_permission_keys VALUES ('org:own:read')",
        &[
            (&format!("{insert} ('perm_3', 'org:own:read', 0, 1, 1, 1, '')"), &["ada"]),
            (&format!("{insert} ('perm_3', 'org:own:read', 1, 1, 1, 1, '')"), NOBODY),
            ("DELETE FROM org_permission_keys", &["ada"]),
        ],
    );
    check_after(
        &format!("{insert} ('perm_3', 'org:own:read', 0, 1, 1, 1, '')"),
        &[
            ("UPDATE org_permissions SET deleted = 1 WHERE id = 'perm_3'", &["ada"]),
            ("UPDATE org_permissions SET key = 'org:new' WHERE id = 'perm_3'", &["ada"]),
            (&format!("{insert} ('perm_4', 'org:own:read', 0, 1, 1, 1, '')"), NOBODY),
        ],
    );
}

#[test]
fn org_permissions() {
    let rank = "deleted, updated_at, event_at, projection, digest";
    let insert = format!("INSERT INTO org_permissions (id, key, {rank}) VALUES");
    let carry = r#"UPDATE org_roles SET permissions = '[{"id":"perm_3","key":"org:p:c"}]' WHERE id = 'role_2'"#;
    check(&[
        ("UPDATE org_permissions SET key = 'org:p:new' WHERE id = 'perm_1'", &["ada"]),
        ("UPDATE org_permissions SET deleted = 1, key = '' WHERE id = 'perm_1'", &["ada"]),
        ("UPDATE org_permissions SET id = 'perm_3' WHERE id = 'perm_1'", &["ada"]),
        ("UPDATE org_permissions SET deleted = 1 WHERE id = 'perm_2'", NOBODY),
        (&format!("{insert} ('perm_3', '', 1, 0, 0, 0, '')"), NOBODY),
        ("UPDATE org_permissions SET key = 'org:p:new' WHERE id = 'perm_2'", NOBODY),
        ("UPDATE org_permissions SET updated_at = 2, digest = 'd'", NOBODY),
        ("UPDATE org_permissions SET key = key", NOBODY),
        (&format!("{insert} ('perm_3', 'org:p:c', 0, 1, 1, 1, '')"), NOBODY),
        ("DELETE FROM org_permissions WHERE id = 'perm_1'", &["ada"]),
        ("DELETE FROM org_permissions WHERE id = 'perm_2'", NOBODY),
    ]);
    check_after(
        carry,
        &[
            (&format!("{insert} ('perm_3', 'org:p:c', 0, 1, 1, 1, '')"), NOBODY),
            (&format!("{insert} ('perm_3', 'org:p:other', 0, 1, 1, 1, '')"), &["bob"]),
            (&format!("{insert} ('perm_3', '', 1, 0, 0, 0, '')"), &["bob"]),
        ],
    );
    check_after(
        NO_CATALOGUE,
        &[(&format!("{insert} ('perm_3', 'org:p:c', 0, 1, 1, 1, '')"), NOBODY)],
    );
    check_after(
        "DELETE FROM org_roles; DELETE FROM org_permissions WHERE id <> 'perm_2'",
        &[("DELETE FROM org_permissions", NOBODY)],
    );
}

#[test]
fn roles() {
    check(&[
        ("UPDATE roles SET name = 'boss' WHERE id = 2", &["ada"]),
        ("UPDATE roles SET name = NULL WHERE id = 1", ALL),
        ("UPDATE roles SET id = 9 WHERE id = 2", &["ada"]),
        ("UPDATE roles SET name = 'rest' WHERE id = 4", NOBODY),
        ("UPDATE roles SET name = name, id = id", NOBODY),
        ("DELETE FROM roles WHERE id = 2", &["ada"]),
        ("DELETE FROM roles WHERE id = 1", ALL),
        ("DELETE FROM roles WHERE id = 4", NOBODY),
        ("INSERT INTO roles (name) VALUES ('new')", NOBODY),
    ]);
    let insert = "INSERT INTO roles (id, name) VALUES (9, 'nine')";
    let grant = "INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES ('user_bob', 9, 1, 1, 'g'), ('user_fay', 9, 1, 1, 'g')";
    check_after(grant, &[(insert, &["bob"])]);
    check_after(
        "UPDATE users SET app_roles = '[\"nine\"]' WHERE id IN ('user_ada', 'user_fay')",
        &[(insert, &["ada"]), ("UPDATE roles SET name = 'nine' WHERE id = 4", &["ada"])],
    );
    check_after("UPDATE settings SET value = 'nine' WHERE key = 'default_role'", &[(insert, ALL)]);
}

#[test]
fn role_grants() {
    let insert = "INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES";
    check(&[
        (&format!("{insert} ('user_bob', 2, 1, 1, 'g')"), &["bob"]),
        (&format!("{insert} ('user_una', 2, 1, 1, 'g')"), &["una"]),
        (&format!("{insert} ('user_fay', 2, 1, 1, 'g')"), NOBODY),
        ("UPDATE role_grants SET granted = 0 WHERE user_id = 'user_ada'", &["ada"]),
        ("UPDATE role_grants SET role_id = 4 WHERE user_id = 'user_ada'", &["ada"]),
        ("UPDATE role_grants SET user_id = 'user_bob' WHERE role_id = 2", &["ada", "bob"]),
        ("UPDATE role_grants SET at = 9, id = 'x', actor = 'y', reason = 'z'", NOBODY),
        ("UPDATE role_grants SET granted = granted", NOBODY),
        ("DELETE FROM role_grants WHERE user_id = 'user_bob'", &["bob"]),
        ("DELETE FROM role_grants WHERE user_id = 'user_fay'", NOBODY),
    ]);
}

#[test]
fn settings() {
    check(&[
        ("INSERT INTO settings VALUES ('third', '1')", NOBODY),
        ("UPDATE settings SET value = 'editor' WHERE key = 'default_role'", ALL),
        ("UPDATE settings SET key = 'past' WHERE key = 'default_role'", ALL),
        ("UPDATE settings SET value = 'y' WHERE key = 'other'", NOBODY),
        ("UPDATE settings SET value = value", NOBODY),
        ("DELETE FROM settings WHERE key = 'default_role'", ALL),
        ("DELETE FROM settings WHERE key = 'other'", NOBODY),
    ]);
    check_after(
        "DELETE FROM settings",
        &[("INSERT INTO settings VALUES ('default_role', 'member')", ALL)],
    );
}

#[test]
fn versions_follow_the_clock_and_rise_within_one_millisecond() {
    let db = Db::new();
    assert_eq!(db.register("user_ada", 1, 0).set.version, START);
    let grant = |role: i64| {
        db.exec(&format!("INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES ('user_ada', {role}, 1, 1, 'g')"));
        db.version("user_ada")
    };
    assert_eq!([grant(1), grant(2), grant(3)], [START + 1, START + 2, START + 3]);
    db.at(START + 777);
    assert_eq!(grant(4), START + 777);
    db.at(START - 60_000);
    assert_eq!(grant(5), START + 778, "a clock that goes back");
}

#[test]
fn a_batch_bumps_a_version_once_for_each_change_and_a_refused_one_never() {
    let db = world();
    let before = db.version("user_ada");
    let refused = db
        .sql
        .execute_batch("BEGIN; UPDATE users SET banned = 1; UPDATE users SET deleted = 2; COMMIT");
    assert!(refused.is_err());
    db.exec("ROLLBACK");
    assert_eq!(db.version("user_ada"), before);
}
