//! Every write of one row: each table, each operation and each combination of the values that
//! matter, in several worlds.

use std::collections::{BTreeMap, BTreeSet};

use testkit::twin::WRITTEN;

use super::side_by_side::{SideBySide, WriteEffect};
use crate::laws::report;
use crate::support::Db;

/// The values that matter for each column of a table. The first columns are the key.
struct Domain {
    table: &'static str,
    keys: usize,
    columns: &'static [(&'static str, &'static [&'static str])],
    /// The values of the other columns that cannot be left out.
    rest: &'static [(&'static str, &'static str)],
}

const BIT: &[&str] = &["0", "1"];
const RANK: &[(&str, &str)] =
    &[("updated_at", "1"), ("event_at", "1"), ("projection", "1"), ("digest", "'a'")];
const TIMELESS: &[(&str, &str)] = &[("event_at", "1"), ("projection", "1"), ("digest", "'a'")];

static DOMAINS: [Domain; 16] = [
    Domain {
        table: "users",
        keys: 1,
        columns: &[
            ("id", &["'u1'", "'u3'"]),
            ("banned", BIT),
            ("app_roles", &["'[]'", r#"'["a",1]'"#]),
            ("email", &["NULL", "'x'"]),
            ("deleted", BIT),
        ],
        rest: RANK,
    },
    Domain {
        table: "organizations",
        keys: 1,
        columns: &[("id", &["'o1'", "'o2'"]), ("name", &["''", "'x'"]), ("deleted", BIT)],
        rest: RANK,
    },
    // Whose it is and where, with a rank that counts there or does not.
    Domain {
        table: "memberships",
        keys: 1,
        columns: &[
            ("id", &["'m1'"]),
            ("org_id", &["'o1'", "'o2'"]),
            ("user_id", &["'u1'", "'u2'"]),
            ("updated_at", &["0", "3"]),
        ],
        rest: &[
            ("role", "'k1'"),
            ("deleted", "0"),
            ("event_at", "1"),
            ("projection", "1"),
            ("digest", "'a'"),
        ],
    },
    // The rest of a rank.
    Domain {
        table: "memberships",
        keys: 1,
        columns: &[
            ("id", &["'m1'"]),
            ("event_at", &["1", "3"]),
            ("projection", &["1", "3"]),
            ("digest", &["'a'", "'b'"]),
        ],
        rest: &[
            ("org_id", "'o1'"),
            ("user_id", "'u1'"),
            ("role", "'k1'"),
            ("deleted", "0"),
            ("updated_at", "1"),
        ],
    },
    // A rank alone, which counts among memberships of a pair.
    Domain {
        table: "memberships",
        keys: 1,
        columns: &[
            ("id", &["'m1'", "'m9'"]),
            ("org_id", &["'o1'", "'o2'"]),
            ("deleted", BIT),
            ("updated_at", &["0", "1", "3"]),
        ],
        rest: &[
            ("user_id", "'u1'"),
            ("role", "'k1'"),
            ("event_at", "1"),
            ("projection", "1"),
            ("digest", "'a'"),
        ],
    },
    Domain {
        table: "memberships",
        keys: 1,
        columns: &[
            ("id", &["'m1'", "'m9'"]),
            ("org_id", &["'o1'", "'o2'"]),
            ("user_id", &["'u1'", "'u2'"]),
            ("role", &["'k1'", "'k2'"]),
            ("permissions", &["'[]'", r#"'["a"]'"#]),
            ("deleted", BIT),
        ],
        rest: RANK,
    },
    // The same of a pair.
    Domain {
        table: "membership_pairs",
        keys: 2,
        columns: &[
            ("org_id", &["'o1'"]),
            ("user_id", &["'u1'"]),
            ("event_at", &["0", "1", "3"]),
            ("projection", &["0", "1", "3"]),
            ("digest", &["'a'", "'b'"]),
        ],
        rest: &[("updated_at", "1")],
    },
    Domain {
        table: "membership_pairs",
        keys: 2,
        columns: &[
            ("org_id", &["'o1'", "'o2'"]),
            ("user_id", &["'u1'", "'u2'"]),
            ("updated_at", &["1", "3"]),
            ("digest", &["'a'", "'b'"]),
        ],
        rest: &[("event_at", "1"), ("projection", "1")],
    },
    Domain {
        table: "org_roles",
        keys: 1,
        columns: &[
            ("id", &["'r1'", "'r9'"]),
            ("key", &["'k1'", "'k2'"]),
            ("permissions", &["'[]'", r#"'[{"id":"p1","key":"x"},{"id":"p2"},null]'"#]),
            ("deleted", BIT),
            ("updated_at", &["1", "3"]),
        ],
        rest: TIMELESS,
    },
    // A rank alone, which counts among roles that share a key.
    Domain {
        table: "org_roles",
        keys: 1,
        columns: &[
            ("id", &["'r1'"]),
            ("updated_at", &["1", "3"]),
            ("event_at", &["1", "3"]),
            ("projection", &["1", "3"]),
            ("digest", &["'a'", "'b'"]),
        ],
        rest: &[("key", "'k1'"), ("deleted", "0")],
    },
    Domain {
        table: "org_permissions",
        keys: 1,
        columns: &[("id", &["'p1'", "'p9'"]), ("key", &["'x'", "'y'"]), ("deleted", BIT)],
        rest: RANK,
    },
    Domain {
        table: "org_role_keys",
        keys: 1,
        columns: &[("key", &["'k1'", "'k2'", "'k9'"])],
        rest: &[],
    },
    Domain {
        table: "org_permission_keys",
        keys: 1,
        columns: &[("key", &["'x'", "'y'", "'a'"])],
        rest: &[],
    },
    Domain {
        table: "roles",
        keys: 1,
        columns: &[("id", &["1", "9"]), ("name", &["'a'", "'d'", "'1'", "''", "NULL", "x'00'"])],
        rest: &[],
    },
    Domain {
        table: "role_grants",
        keys: 2,
        columns: &[
            ("user_id", &["'u1'", "'u2'"]),
            ("role_id", &["1", "9"]),
            ("granted", BIT),
            ("at", &["1", "2"]),
        ],
        rest: &[("id", "'g'")],
    },
    Domain {
        table: "settings",
        keys: 1,
        columns: &[("key", &["'default_role'", "'other'", "'third'"]), ("value", &["'a'", "'d'"])],
        rest: &[],
    },
];

/// The other rows in the database, in seven worlds: all kinds of rows with a retired permission; no
/// known role; roles that share a key, with deleted permissions; deleted and banned users; one
/// permission as the whole catalogue, and a default role without a name yet; pairs with several
/// memberships, some of them outranked; own lists beside a live role, with one known pair.
const WORLDS: [&str; 7] = [
    r#"
INSERT INTO settings VALUES ('default_role', 'd');
INSERT INTO roles VALUES (1, 'a'), (2, 'b'), (3, 'd');
INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
  ('u1', '["a"]', 0, 1, 1, 1, 'a'), ('u2', '["d"]', 0, 1, 1, 1, 'a');
INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', 0, 1, 1, 1, 'a'), ('m2', 'o2', 'u2', 'k2', 0, 1, 1, 1, 'a');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('r1', 'k1', '[{"id":"p1","key":"x"}]', 0, 1, 1, 1, 'a'), ('r2', 'k2', '[{"id":"p9","key":"y"}]', 0, 2, 1, 1, 'a');
INSERT INTO org_permission_keys VALUES ('y');
INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES ('u2', 2, 1, 1, 'a'), ('u1', 9, 0, 1, 'a');
"#,
    r#"
INSERT INTO roles VALUES (2, 'b');
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', '["b","x"]', 0, 1, 1, 1, 'a'), ('m2', 'o2', 'u2', 'k2', '["a",{},"y"]', 0, 1, 1, 1, 'a');
INSERT INTO org_permission_keys VALUES ('x');
"#,
    r#"
INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
  ('u1', '["a","d"]', 0, 1, 1, 1, 'a');
INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', 0, 1, 1, 1, 'a'), ('m2', 'o1', 'u2', 'k2', 0, 1, 1, 1, 'a');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('r2', 'k1', '[{"id":"p9","key":"y"}]', 0, 2, 1, 1, 'a'), ('r3', 'k1', '[{"id":"p1","key":"y"}]', 0, 2, 1, 1, 'a'),
  ('r4', 'k2', '[]', 0, 2, 1, 1, 'a'), ('r5', '', '[]', 1, 0, 0, 0, '');
INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES ('p1', '', 1, 0, 0, 0, '');
"#,
    r#"
INSERT INTO roles VALUES (1, 'a'), (2, 'd');
INSERT INTO users (id, banned, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
  ('u1', 1, '["a"]', 0, 1, 1, 1, 'a'), ('u2', 0, '[]', 1, 0, 0, 0, '');
INSERT INTO organizations (id, deleted, updated_at, event_at, projection, digest) VALUES ('o1', 1, 0, 0, 0, '');
INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', '', '', '', 1, 0, 0, 0, ''), ('m2', 'o1', 'u2', 'k1', 0, 1, 1, 1, 'a'), ('m3', 'o2', 'u1', 'k2', 0, 1, 1, 1, 'a');
"#,
    r#"
INSERT INTO settings VALUES ('default_role', 'd');
INSERT INTO users (id, deleted, updated_at, event_at, projection, digest) VALUES ('u2', 0, 1, 1, 1, 'a');
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', '["b","x"]', 0, 1, 1, 1, 'a'), ('m2', 'o2', 'u2', 'k2', '["a"]', 0, 1, 1, 1, 'a');
INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES ('p2', 'x', 0, 1, 1, 1, 'a');
INSERT INTO role_grants (user_id, role_id, granted, at, id) VALUES ('u2', 1, 1, 1, 'a');
"#,
    r#"
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k1', '["b"]', 0, 1, 1, 1, 'a'), ('m2', 'o1', 'u1', 'k2', '["a"]', 0, 2, 1, 1, 'a'),
  ('m3', 'o2', 'u1', 'k2', '["y"]', 0, 1, 1, 1, 'b'), ('m4', 'o2', 'u2', 'k1', '["x"]', 0, 1, 1, 1, 'a');
UPDATE membership_pairs SET updated_at = 2 WHERE org_id = 'o2' AND user_id = 'u1';
INSERT INTO org_role_keys VALUES ('k2');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES ('r9', '', '[]', 1, 0, 0, 0, '');
"#,
    r#"
INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('m1', 'o1', 'u1', 'k2', '["a","x"]', 0, 1, 1, 1, 'a'), ('m2', 'o2', 'u2', 'k1', '["y"]', 0, 0, 1, 1, 'a'),
  ('m3', 'o3', 'u2', 'k2', '["b"]', 0, 1, 1, 1, 'a');
DELETE FROM membership_pairs;
INSERT INTO membership_pairs VALUES ('o1', 'u1', 1, 3, 1, 'a');
INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
  ('r8', 'k3', '[]', 0, 1, 1, 1, 'a');
"#,
];

/// How often a kind of write was made, and its effects.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    made: u32,
    rose: u32,
    changed: u32,
    quiet: u32,
}

/// By operation.
type Counts = BTreeMap<&'static str, Count>;

impl Domain {
    /// Every row: its values in the order of the columns.
    fn rows(&self) -> Vec<Vec<&'static str>> {
        self.columns.iter().fold(vec![vec![]], |rows, (_, values)| {
            let longer = rows.iter().flat_map(|row| {
                values.iter().map(move |value| row.iter().copied().chain([*value]).collect())
            });
            longer.collect()
        })
    }

    fn insert(&self, row: &[&str]) -> String {
        let named = self.columns.iter().map(|(column, _)| *column).zip(row.iter().copied());
        let (columns, values): (Vec<_>, Vec<_>) = named.chain(self.rest.iter().copied()).unzip();
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!("INSERT INTO {} ({columns}) VALUES ({values})", self.table)
    }

    fn update(&self, old: &[&str], new: &[&str]) -> String {
        let set =
            self.columns.iter().zip(new).map(|((column, _), value)| format!("{column} = {value}"));
        let set: Vec<_> = set.collect();
        format!("UPDATE {} SET {} WHERE {}", self.table, set.join(", "), self.key(old))
    }

    fn delete(&self, row: &[&str]) -> String {
        format!("DELETE FROM {} WHERE {}", self.table, self.key(row))
    }

    fn key(&self, row: &[&str]) -> String {
        let keys = self.columns.iter().zip(row).take(self.keys);
        let keys: Vec<_> = keys.map(|((column, _), value)| format!("{column} = {value}")).collect();
        keys.join(" AND ")
    }

    /// Every write of a row of this table in one world.
    fn every_write(&self, pair: &mut SideBySide, counts: &mut Counts) -> Result<(), String> {
        let all = self.rows();
        all.iter()
            .try_for_each(|old| with_rollback(pair, |pair| self.writes_of(pair, old, &all, counts)))
    }

    /// The insert of one row, its updates to all rows, and its delete.
    fn writes_of(
        &self,
        pair: &mut SideBySide,
        old: &[&str],
        all: &[Vec<&str>],
        counts: &mut Counts,
    ) -> Result<(), String> {
        pair.db.exec(&self.delete(old));
        pair.sync_twin();
        if write_and_count(pair, self.table, &self.insert(old), "INSERT", counts)?.refused {
            return Ok(());
        }
        for new in all {
            let update = self.update(old, new);
            with_rollback(pair, |pair| {
                write_and_count(pair, self.table, &update, "UPDATE", counts).map(drop)
            })?;
        }
        write_and_count(pair, self.table, &self.delete(old), "DELETE", counts).map(drop)
    }
}

/// Calls `work`, then restores the database and the twin.
fn with_rollback(
    pair: &mut SideBySide,
    work: impl FnOnce(&mut SideBySide) -> Result<(), String>,
) -> Result<(), String> {
    let rows = pair.rows.clone();
    pair.db.exec("SAVEPOINT one_write");
    let done = work(pair);
    pair.db.exec("ROLLBACK TO one_write; RELEASE one_write");
    pair.rows = rows;
    done
}

fn write_and_count(
    pair: &mut SideBySide,
    table: &str,
    text: &str,
    operation: &'static str,
    counts: &mut Counts,
) -> Result<WriteEffect, String> {
    let done = pair.write(table, text)?;
    let count = counts.entry(operation).or_default();
    count.made += u32::from(!done.refused);
    count.rose += u32::from(done.rose);
    count.changed += u32::from(done.changed);
    count.quiet += u32::from(!done.refused && !done.rose);
    Ok(done)
}

/// Every write of a row of one table in every world, with the triggers as `prepare` leaves them.
pub(super) fn every_write(table: &str, prepare: &str) -> Result<Counts, String> {
    let mut counts = Counts::new();
    for domain in DOMAINS.iter().filter(|domain| domain.table == table) {
        for world in WORLDS {
            let db = Db::new();
            db.exec(world);
            db.exec(prepare);
            domain.every_write(&mut SideBySide::new(db), &mut counts)?;
        }
    }
    Ok(counts)
}

#[track_caller]
fn check(table: &str) {
    let counts = every_write(table, "").unwrap_or_else(|differs| panic!("{differs}"));
    let told = format!("{table}: {counts:?}");
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["DELETE", "INSERT", "UPDATE"]);
    for count in counts.values() {
        assert!(0 < count.changed && count.changed <= count.rose, "{told}");
    }
    let domain = DOMAINS.iter().find(|domain| domain.table == table).unwrap();
    let rows = u32::try_from(domain.rows().len()).unwrap();
    assert!(rows <= counts["INSERT"].made, "{told}");
    assert!(rows * rows <= counts["UPDATE"].made && 0 < counts["UPDATE"].quiet, "{told}");
    let made: u32 = counts.values().map(|count| count.made).sum();
    report(&format!("law: {made:>6} writes of {table}: exactly those the twin names are bumped"));
}

#[test]
fn of_users() {
    check("users");
}

#[test]
fn of_organizations() {
    check("organizations");
}

#[test]
fn of_memberships() {
    check("memberships");
}

#[test]
fn of_org_roles() {
    check("org_roles");
}

#[test]
fn of_org_permissions() {
    check("org_permissions");
}

#[test]
fn of_membership_pairs() {
    check("membership_pairs");
}

#[test]
fn of_org_role_keys() {
    check("org_role_keys");
}

#[test]
fn of_org_permission_keys() {
    check("org_permission_keys");
}

#[test]
fn of_roles() {
    check("roles");
}

#[test]
fn of_role_grants() {
    check("role_grants");
}

#[test]
fn of_settings() {
    check("settings");
}

#[test]
fn every_table_is_written() {
    let tables: BTreeSet<_> = DOMAINS.iter().map(|domain| domain.table).collect();
    assert_eq!(tables, WRITTEN.into());
}
