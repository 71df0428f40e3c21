//! A database from the old set of migrations gets the same schema as a new database, and keeps its
//! rows. wrangler applies the files that the database has not recorded; these tests do the same.

use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead};
use shared::sql::audit::{append, audit_head};
use shared::time::UnixMillis;

use crate::support::{Cells, Db};

/// A migration.
pub(super) struct File {
    name: String,
    pub(super) text: String,
}

/// The migrations in a folder of the repository, in the order of their names.
fn files(folder: &str) -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "sql")).collect();
    paths.sort_unstable();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let file = |path| File { name: name(path), text: fs::read_to_string(path).unwrap() };
    paths.iter().map(|path| file(path)).collect()
}

/// The old set of migrations.
pub(super) fn old_files() -> Vec<File> {
    files("tests/fixtures/migrations-8ae78ec")
}

/// The files that `wrangler d1 migrations apply` applies to a database that has recorded these.
pub(super) fn files_not_in(recorded: &[File]) -> Vec<File> {
    let mut files = files("migrations");
    files.retain(|file| !recorded.iter().any(|it| it.name == file.name));
    files
}

/// A database with the old set applied.
fn old_database() -> Db {
    let db = Db::empty();
    for file in old_files() {
        db.exec(&file.text);
    }
    db
}

/// Upgrades a database of the old set.
fn upgrade(db: &Db) {
    for file in files_not_in(&old_files()) {
        db.exec(&format!("BEGIN; {} COMMIT;", file.text));
    }
}

/// A row of every table, tombstones and odd values among them.
const ROWS: &str = r#"
INSERT INTO settings VALUES ('default_role', 'member'), ('other', 'x');
INSERT INTO roles (name) VALUES ('member'), ('admin'), (NULL);
INSERT INTO users (id, email, app_roles, banned, deleted, updated_at, event_at, projection, digest) VALUES
  ('user_ada', 'ada@example.com', '["admin",1]', 0, 0, 5, 5, 2, 'a'), ('user_bob', NULL, '[]', 0, 1, 0, 0, 0, ''),
  ('user_dee', NULL, '["admin"]', 1, 0, 5, 5, 2, 'd');
INSERT INTO watches (user_id, owner, version, acked) VALUES ('user_ada', 1, 1, 1), ('user_bob', 2, 9, 3);
INSERT INTO watches (user_id, owner, version, acked, everyone_version) VALUES ('user_cyd', 1, 4000000000000, 1, 7);
DELETE FROM watches WHERE user_id = 'user_cyd';
INSERT INTO organizations (id, name, deleted, updated_at, event_at, projection, digest) VALUES
  ('org_1', 'Kestrel', 0, 1, 1, 2, 'a'), ('org_2', '', 1, 0, 0, 0, '');
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('orgmem_1', 'org_1', 'user_ada', 'org:admin', '["org:a:read"]', 0, 1, 1, 2, 'a'),
  ('orgmem_2', 'org_1', 'user_ada', 'org:member', '["org:b:read"]', 0, 2, 2, 2, 'b'),
  ('orgmem_3', 'org_3', 'user_ada', 'org:lone', '["org:c:read","org:d:read"]', 0, 2, 2, 2, 'b');
INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES
  ('perm_1', 'org:c:read', 0, 1, 1, 2, 'a'), ('perm_2', '', 1, 0, 0, 0, '');
UPDATE org_permissions SET key = 'org:c:write' WHERE id = 'perm_1';
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('role_1', 'org:member', '[{"id":"perm_1","key":"org:c:read"}]', 0, 1, 1, 2, 'a'), ('role_2', 'org:member', '[]', 0, 1, 1, 2, '0');
INSERT INTO user_roles (user_id, role_id) SELECT 'user_ada', id FROM roles WHERE name = 'admin';
INSERT INTO deliveries (svix_id, type, outcome, attempted_at, received_at, applied_at, body_digest, note) VALUES
  ('msg_1', 'user.created', 'applied', 1, 1, 1, 'x', 'a role was left out');
INSERT INTO dead_letters (message_id, queue, reason, attempts, first_seen_at, last_seen_at, envelope) VALUES
  ('m', 'q', 'shape', 1, 1, 1, '{"a":"\n"}');
INSERT INTO audit (id, at, actor, action) VALUES ('a', 1, 'me', 'did');
"#;

/// Every table and view of the old set, with its rows as far as the old columns go.
fn contents(db: &Db) -> Vec<(String, Vec<Cells>)> {
    let list = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name";
    let old = old_database();
    let names: Vec<String> = old.column(list, []);
    let rows = |name: &String| {
        let columns = "SELECT group_concat(name) FROM pragma_table_info(?1)";
        let columns: String = old.one(columns, [name]);
        db.rows(&format!("SELECT {columns} FROM {name}"), [])
    };
    names.iter().map(|name| (name.clone(), rows(name))).collect()
}

/// The schema that SQLite has recorded, without line breaks.
fn schema(db: &Db) -> Vec<Vec<String>> {
    let one_line = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    };
    // An automatic index has no text.
    let cell =
        |cell: &Value| if let Value::Text(text) = cell { one_line(text) } else { String::new() };
    let query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name";
    db.rows(query, []).iter().map(|row| row.iter().map(cell).collect()).collect()
}

#[test]
fn an_upgraded_database_has_the_schema_of_a_new_one() {
    let db = old_database();
    db.exec(ROWS);
    upgrade(&db);
    assert_eq!(schema(&db), schema(&Db::new()));
    assert_eq!(db.rows("PRAGMA integrity_check", []), [[Value::Text("ok".into())]]);
}

#[test]
fn an_upgrade_keeps_every_row() {
    let db = old_database();
    db.exec(ROWS);
    let before = contents(&db);
    upgrade(&db);
    let mut after = contents(&db);
    after.retain(|(name, _)| name != "rolecall_clock");
    assert_eq!(after, before);
    for (name, rows) in before {
        assert!(!rows.is_empty(), "{name} has no row to lose");
    }
}

/// The triggers have another text, but write the same.
#[test]
fn an_upgraded_database_behaves_as_before() {
    let writes = "
        UPDATE users SET banned = 0 WHERE id = 'user_dee'; UPDATE roles SET name = 'boss' WHERE name = 'admin';
        UPDATE memberships SET updated_at = 3, role = 'org:lone' WHERE id = 'orgmem_2';
        UPDATE org_permissions SET key = 'org:d:read' WHERE id = 'perm_1';
        DELETE FROM org_roles WHERE id = 'role_1'; UPDATE settings SET value = 'boss';
        DELETE FROM user_roles WHERE user_id = 'user_ada'; DELETE FROM watches WHERE user_id = 'user_bob'";
    let [was, is] = [old_database(), old_database()];
    was.exec(ROWS);
    is.exec(ROWS);
    upgrade(&is);
    was.exec(writes);
    is.exec(writes);
    let text = "SELECT user_id, role_id, granted, at FROM role_grants";
    assert_eq!(is.rows(text, []), was.rows(text, []), "but for a random id");
    let [was, is] = [was, is].map(|db| contents(&db));
    let known =
        |(name, _): &(String, Vec<Cells>)| name != "role_grants" && name != "rolecall_clock";
    assert_eq!(
        is.into_iter().filter(known).collect::<Vec<_>>(),
        was.into_iter().filter(known).collect::<Vec<_>>()
    );
}

/// Dead letters and the audit trail from before the console.
#[test]
fn older_dead_letters_are_parked_and_counted_and_older_entries_stay_outside_of_the_chain() {
    let db = old_database();
    let day = 86_400_000;
    db.exec(&format!(
        "INSERT INTO dead_letters (message_id, queue, type, reason, attempts, first_seen_at, last_seen_at, envelope) VALUES
         ('m1', 'q', NULL, 'shape', 1, 1, 5, '{{}}'), ('m2', 'q', 'user.created', 'shape', 1, 2, 6, '{{}}'),
         ('m3', 'q', 'user.created', 'shape', 1, {day}, {day}, '{{}}'), ('m4', 'q', 'user.created', 'shape', 1, {day}, {day}, '{{}}')"
    ));
    db.exec("INSERT INTO audit (id, at, actor, action) VALUES ('a', 1, 'me', 'did')");
    upgrade(&db);
    let letters: Vec<String> = db.column(
        "SELECT message_id || ' ' || state || ' ' || state_at || ' ' || generation || returns || digest || claim
         FROM dead_letters WHERE replay_id IS NULL AND sent_at IS NULL ORDER BY message_id",
        [],
    );
    let parked = ["m1 parked 5 00", "m2 parked 6 00"].map(str::to_owned).to_vec();
    assert_eq!(letters[..2], parked);
    assert_eq!(letters.len(), 4);
    let counts: Vec<String> = db.column(
        "SELECT state || ' ' || reason || ' ' || type || ' ' || day || ' ' || letters FROM dead_letter_counts",
        [],
    );
    let want =
        ["parked shape  0 1", "parked shape user.created 0 1", "parked shape user.created 1 2"];
    assert_eq!(counts, want);
    assert!(db.query(&audit_head()).is_empty(), "the chain begins with the next entry");
    let act = AuditAct {
        at: UnixMillis(9),
        actor: "token:1".into(),
        action: "x".into(),
        target: String::new(),
        detail: "{}".into(),
    };
    db.run(&[append(&AuditEntry::after(&AuditHead::default(), act))]).unwrap();
    assert_eq!(db.query(&audit_head()).len(), 1);
}

/// A database of the last release whose application has a table with one of the new names.
#[test]
fn a_name_that_is_new_in_a_step_is_checked_by_that_step() {
    let new = ["replays", "replay_letters", "replay_counts", "dead_letter_counts"];
    for name in new.into_iter().chain(["flow", "heartbeats", "operator_names"]) {
        let db = Db::empty();
        let steps = files("migrations");
        let (before, after) =
            steps.split_at(steps.iter().position(|it| it.name.starts_with("0006")).unwrap());
        for file in before {
            db.exec(&file.text);
        }
        db.exec(&format!("CREATE TABLE {} (x)", name.to_uppercase()));
        let was = schema(&db);
        let error = db.sql.execute_batch(&format!("BEGIN; {} COMMIT;", after[0].text)).unwrap_err();
        assert!(error.to_string().contains("is taken, see migrations/README.md"), "{error}");
        db.exec("ROLLBACK");
        assert_eq!(schema(&db), was, "{name}");
    }
}

#[test]
fn an_incomplete_old_database_is_refused_unchanged() {
    for applied in 3..11 {
        let db = Db::empty();
        for file in &old_files()[..applied] {
            db.exec(&file.text);
        }
        let before = schema(&db);
        let first = &files_not_in(&old_files())[0];
        let error = db.sql.execute_batch(&format!("BEGIN; {} COMMIT;", first.text)).unwrap_err();
        assert!(error.to_string().contains("older than 0011_delivery_notes"), "{error}");
        db.exec("ROLLBACK");
        assert_eq!(schema(&db), before);
    }
}
