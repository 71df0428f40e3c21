//! Random databases and random writes, also with odd values. The versions rise for exactly the users
//! that the twin of the triggers names, and always when the result of a fill changes. No value in a
//! column makes a fill fail.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::side_by_side::SideBySide;
use crate::support::Db;

/// A table, and for each of its columns the values to choose from. The first columns are the key.
struct Table {
    name: &'static str,
    keys: usize,
    columns: &'static [(&'static str, &'static [&'static str])],
}

const BIT: &[&str] = &["0", "0", "0", "1"];
const TIME: &[&str] = &["1", "2"];
const DIGEST: &[&str] = &["'a'", "'b'"];
const NAMES: &[&str] =
    &["'[]'", r#"'["a"]'"#, r#"'["b","a"]'"#, r#"'["c"]'"#, r#"'[1,null,{"a":1},"b"]'"#];
const LISTED: &[&str] = &[
    "'[]'",
    r#"'[{"id":"p1","key":"x"}]'"#,
    r#"'[{"id":"p1","key":"y"},{"id":"p2","key":"x"}]'"#,
    r#"'["p1",{"id":1,"key":2},{"key":"x"},{"id":"p2"},null,[],{"id":"p2","key":"z"}]'"#,
];

static TABLES: [Table; 11] = [
    Table {
        name: "users",
        keys: 1,
        columns: &[
            ("id", &["'u1'", "'u2'", "'u3'"]),
            ("banned", BIT),
            ("app_roles", NAMES),
            ("email", &["NULL", "'x'"]),
            ("deleted", BIT),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table {
        name: "organizations",
        keys: 1,
        columns: &[
            ("id", &["'o1'", "'o2'"]),
            ("name", &["''", "'x'"]),
            ("deleted", BIT),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table {
        name: "memberships",
        keys: 1,
        columns: &[
            ("id", &["'m1'", "'m2'", "'m3'"]),
            ("org_id", &["'o1'", "'o2'"]),
            ("user_id", &["'u1'", "'u1'", "'u2'", "'u3'"]),
            ("role", &["'k1'", "'k2'"]),
            ("permissions", NAMES),
            ("deleted", BIT),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table {
        name: "org_roles",
        keys: 1,
        columns: &[
            ("id", &["'r1'", "'r2'", "'r3'"]),
            ("key", &["'k1'", "'k2'", "'k3'"]),
            ("permissions", LISTED),
            ("deleted", BIT),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table {
        name: "org_permissions",
        keys: 1,
        columns: &[
            ("id", &["'p1'", "'p2'", "'1'"]),
            ("key", &["'x'", "'y'"]),
            ("deleted", BIT),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table {
        name: "roles",
        keys: 1,
        columns: &[
            ("id", &["1", "2", "3"]),
            ("name", &["'a'", "'b'", "'c'", "'1'", "''", "NULL", "x'00'"]),
        ],
    },
    Table {
        name: "role_grants",
        keys: 2,
        columns: &[
            ("user_id", &["'u1'", "'u2'", "'u3'"]),
            ("role_id", &["1", "2", "3"]),
            ("granted", &["0", "1"]),
            ("at", TIME),
            ("id", DIGEST),
        ],
    },
    Table {
        name: "settings",
        keys: 1,
        columns: &[
            ("key", &["'default_role'", "'default_role'", "'other'"]),
            ("value", &["'a'", "'b'", "''"]),
        ],
    },
    Table {
        name: "membership_pairs",
        keys: 2,
        columns: &[
            ("org_id", &["'o1'", "'o2'"]),
            ("user_id", &["'u1'", "'u1'", "'u2'", "'u3'"]),
            ("updated_at", TIME),
            ("event_at", TIME),
            ("projection", TIME),
            ("digest", DIGEST),
        ],
    },
    Table { name: "org_role_keys", keys: 1, columns: &[("key", &["'k1'", "'k2'", "'k3'"])] },
    Table {
        name: "org_permission_keys",
        keys: 1,
        columns: &[("key", &["'x'", "'y'", "'a'", "'b'"])],
    },
];

/// The initial rows of every case, so that a write more often finds related rows.
pub(crate) const BEGIN: &str = r#"
INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
  ('u1', '["a"]', 0, 1, 1, 1, 'a'), ('u2', '[]', 0, 1, 1, 1, 'a');
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', '[]', 0, 1, 1, 1, 'a'), ('m2', 'o2', 'u2', 'k2', '["a"]', 0, 1, 1, 1, 'a'),
  ('m3', 'o2', 'u1', 'k3', '["a","b"]', 0, 1, 1, 1, 'a');
UPDATE membership_pairs SET updated_at = 2 WHERE user_id = 'u2';
INSERT INTO org_permission_keys VALUES ('a');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('r1', 'k1', '[{"id":"p1","key":"x"}]', 0, 1, 1, 1, 'a');
INSERT INTO roles VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES ('u2', 2, 1, 1, 'a');
"#;

/// One write to one row: the table, the operation, the statement.
pub(crate) type Write = (&'static str, &'static str, String);

pub(crate) fn write() -> impl Strategy<Value = Write> {
    (0..TABLES.len()).prop_flat_map(|table| {
        let table = &TABLES[table];
        let values: Vec<_> = table.columns.iter().map(|(_, values)| select(*values)).collect();
        let most = table.columns.len().min(2);
        let changed = subsequence((0..table.columns.len()).collect::<Vec<_>>(), 1..=most);
        (any::<u8>(), values.clone(), values, changed).prop_map(move |(dice, old, new, changed)| {
            let Table { name, keys, columns } = table;
            let set = |at: &usize| format!("{} = {}", columns[*at].0, new[*at]);
            let key: Vec<_> =
                (0..*keys).map(|at| format!("{} = {}", columns[at].0, old[at])).collect();
            let key = key.join(" AND ");
            match dice % 8 {
                0..=3 => {
                    let names: Vec<_> = columns.iter().map(|(column, _)| *column).collect();
                    let (names, values) = (names.join(", "), new.join(", "));
                    (*name, "INSERT", format!("INSERT INTO {name} ({names}) VALUES ({values})"))
                }
                4..=5 => {
                    let set: Vec<_> = changed.iter().map(set).collect();
                    (*name, "UPDATE", format!("UPDATE {name} SET {} WHERE {key}", set.join(", ")))
                }
                _ => (*name, "DELETE", format!("DELETE FROM {name} WHERE {key}")),
            }
        })
    })
}

/// How often a kind of write changed a user's roles, and how often a version rose without such a
/// change.
#[derive(Default)]
struct BumpCounts {
    changed: u32,
    for_nothing: u32,
}

#[test]
fn every_write_bumps_exactly_the_users_the_twin_names() {
    let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let db = Db::new();
    db.exec(BEGIN);
    let (pair, seen) = (RefCell::new(SideBySide::new(db)), RefCell::new(BTreeMap::new()));
    let begin = pair.borrow().rows.clone();
    let result = TestRunner::new_with_rng(config, rng).run(&vec(write(), 1..60), |writes| {
        let (mut pair, mut seen) = (pair.borrow_mut(), seen.borrow_mut());
        pair.rows = begin.clone();
        if !pair.db.sql.is_autocommit() {
            pair.db.exec("ROLLBACK"); // The case before this one failed.
        }
        pair.db.exec("SAVEPOINT one_case");
        for (table, operation, text) in &writes {
            let done = pair.write(table, text).map_err(TestCaseError::fail)?;
            let seen: &mut BumpCounts = seen.entry(format!("{operation} {table}")).or_default();
            seen.changed += u32::from(done.changed);
            seen.for_nothing += u32::from(done.rose && !done.changed);
        }
        pair.db.exec("ROLLBACK TO one_case; RELEASE one_case");
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 3 * TABLES.len(), "every operation on every table");
    for (write, BumpCounts { changed, for_nothing }) in seen {
        assert!(10 <= changed, "{write} changed the roles {changed} times only");
        assert!(for_nothing < 10 * changed, "{write}: {for_nothing} bumps for nothing, {changed}");
    }
}
