//! Each trigger removed, or changed in one word: some write must show the difference.

use testkit::twin::WRITTEN;

use super::every::every_write;
use crate::support::Db;

/// Whether some write of a row of `table` shows the difference that `changed` makes.
fn is_found(table: &str, changed: &str) -> bool {
    every_write(table, changed).is_err()
}

/// Name, table and text of every trigger that bumps.
fn triggers() -> Vec<(String, String, String)> {
    let db = Db::new();
    let query = "SELECT name, tbl_name, sql FROM sqlite_master \
        WHERE type = 'trigger' AND name LIKE 'bump%' ORDER BY 1";
    let mut prepared = db.sql.prepare(query).unwrap();
    let rows = prepared.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_trigger_that_is_missing_is_found() {
    let triggers = triggers();
    assert_eq!(triggers.len(), 3 * WRITTEN.len());
    for (name, table, _) in triggers {
        assert!(is_found(&table, &format!("DROP TRIGGER {name}")), "{name}");
    }
}

#[test]
fn a_trigger_that_lists_app_roles_and_is_missing_is_found() {
    for kind in ["insert", "update", "delete"] {
        assert!(is_found("users", &format!("DROP TRIGGER list_users_{kind}")), "{kind}");
    }
}

#[test]
fn a_trigger_without_its_condition_is_found() {
    let mut found = 0;
    for (name, table, text) in triggers() {
        // Only an update that changes nothing, after the rank was lowered, shows it: see `random`.
        if name == "bump_memberships_update" {
            continue;
        }
        if let Some((head, rest)) = text.split_once(" WHEN ") {
            let (_, body) = rest.split_once(" BEGIN ").unwrap();
            let changed = format!("DROP TRIGGER {name}; {head} BEGIN {body};");
            assert!(is_found(&table, &changed), "{changed}");
            found += 1;
        }
    }
    assert_eq!(found, 17, "triggers with a condition");
}

/// Changed words that make no difference. Where a test of the deleted flag, the ban, the key or the
/// role follows an `OR`, both rows have the same value. A membership in which only the id changes
/// bumps nobody and is remembered as before. And the permissions of a deleted membership are only
/// surplus rows in an index: its readers check the membership again.
const SAME: [&str; 11] = [
    "bump_memberships_update: HERE NEW.deleted = 0[ OR ]entry.type = '",
    "bump_memberships_update: on, OLD.digest) <> ([OLD.]id, NEW.org_id",
    "bump_memberships_update:  = 0 AND role.key = [OLD.]role) AND NOT ",
    "bump_memberships_update: n WHERE known.key = [OLD.]role)), (user_",
    "bump_memberships_update: N memberships WHEN ([NEW.]id, OLD.org_id",
    "bump_org_permissions_update:  <> NEW.deleted OR ([OLD.]deleted = 0 AN",
    "bump_org_roles_update:  <> NEW.deleted OR ([OLD.]deleted = 0 AN",
    "bump_org_roles_update:  = 0 AND rival.key = [OLD.]key AND rival.",
    "bump_organizations_update: LD.id <> NEW.id AND [OLD.]deleted = 1) B",
    "bump_users_update:  <> NEW.deleted OR ([OLD.]deleted = 0 AN",
    "bump_users_update: d <> NEW.banned OR ([OLD.]banned = 0 AND",
];

/// Each word that decides which users a trigger bumps, with its opposite.
#[test]
#[ignore = "minutes; cargo xtask sim laws"]
fn long_a_trigger_with_another_word_is_found() {
    let words = [(" OR ", " AND "), (" AND ", " OR "), ("NEW.", "OLD."), ("OLD.", "NEW.")];
    let (mut tried, mut missed) = (0, vec![]);
    for (name, table, text) in triggers() {
        let places = words.iter().flat_map(|(word, other)| {
            text.match_indices(word).map(move |(at, word)| (at, at + word.len(), other))
        });
        for (from, to, other) in places {
            // An insert has no old row, a delete no new one.
            if other.ends_with('.') && !name.ends_with("_update") {
                continue;
            }
            let (head, tail) = (&text[..from], &text[to..]);
            tried += 1;
            if !is_found(&table, &format!("DROP TRIGGER {name}; {head}{other}{tail};")) {
                let before = &head[head.len() - 20..];
                let after = tail.get(..14).unwrap_or(tail);
                missed.push(format!("{name}: {before}[{other}]{after}"));
            }
        }
    }
    assert_eq!((tried, missed), (266, SAME.map(String::from).into()));
}
