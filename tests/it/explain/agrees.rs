//! The law: on random databases, also with odd values, an explanation and the views that a role
//! cache reads say the same.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rusqlite::types::Value;
use shared::entity::EntityKind;
use shared::operators::api::explain::EntityStory;

use super::explained;
use crate::support::Db;
use crate::triggers::random::{BEGIN, write};

const USERS: [&str; 4] = ["u1", "u2", "u3", "u4"];

/// An organization, a role and its permissions.
type Held = (String, String, Vec<String>);

/// The app roles that count by the view.
pub(super) fn roles_by_the_view(db: &Db, user: &str) -> Vec<String> {
    let text = "SELECT DISTINCT name FROM user_role_names WHERE user_id = ?1 ORDER BY name";
    db.column(text, [user])
}

fn memberships_by_the_view(db: &Db, user: &str) -> Vec<Held> {
    let text = "SELECT org_id, role, permissions FROM org_memberships WHERE user_id = ?1";
    let held = db.rows(text, [user]).into_iter().map(|row| match &row[..] {
        [Value::Text(org), Value::Text(role), Value::Text(permissions)] => {
            let mut keys: Vec<String> = serde_json::from_str(permissions).unwrap();
            keys.sort_unstable();
            keys.dedup();
            (org.clone(), role.clone(), keys)
        }
        other => panic!("{other:?}"),
    });
    let mut held: Vec<_> = held.collect();
    held.sort_unstable();
    held
}

fn counted_roles(story: &EntityStory) -> Vec<String> {
    story.roles.iter().filter(|it| it.counts).map(|it| it.role.clone()).collect()
}

fn counted_memberships(story: &EntityStory) -> Vec<Held> {
    let counting = story.organizations.iter().filter(|it| it.counts);
    let mut held: Vec<_> =
        counting.map(|it| (it.org_id.clone(), it.role.clone(), it.permissions.clone())).collect();
    held.sort_unstable();
    held
}

/// How often each reason was given: its words without names and times.
type Seen = BTreeMap<String, u32>;

fn shape(reason: &str) -> String {
    reason.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn check(db: &Db, user: &str, seen: &mut Seen) -> Result<(), String> {
    let story = explained(db, EntityKind::User, user);
    let differs = |what: &str, said: &dyn std::fmt::Debug, is: &dyn std::fmt::Debug| {
        Err(format!("{user}: {what}: said {said:?}, is {is:?}; {story:?}"))
    };
    let (said, is) = (counted_roles(&story), roles_by_the_view(db, user));
    if said != is {
        return differs("app roles", &said, &is);
    }
    let (said, is) = (counted_memberships(&story), memberships_by_the_view(db, user));
    if said != is {
        return differs("memberships", &said, &is);
    }
    if let Some(fill) = db.fill(user) {
        let roles: Vec<_> = fill.set.roles;
        if roles != counted_roles(&story) || fill.set.organizations.len() != said.len() {
            return differs("fill", &counted_roles(&story), &roles);
        }
    }
    for membership in &story.organizations {
        let alone = explained(db, EntityKind::Membership, &membership.id).organizations;
        if alone != std::slice::from_ref(membership) {
            return differs("a membership alone", &alone, membership);
        }
    }
    let because = story.roles.iter().map(|it| (it.counts, &it.because));
    let because = because.chain(story.organizations.iter().map(|it| (it.counts, &it.because)));
    for (counts, lines) in because {
        assert!(!lines.is_empty(), "{story:?}");
        for line in lines {
            *seen.entry(format!("{counts} {}", shape(line))).or_default() += 1;
        }
    }
    Ok(())
}

#[test]
fn what_counts_by_an_explanation_counts_for_the_guard() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let db = Db::new();
    db.exec(BEGIN);
    for user in ["u1", "u2"] {
        db.register(user, 1, 0);
    }
    let seen = RefCell::new(Seen::new());
    let result = TestRunner::new_with_rng(config, rng).run(&vec(write(), 1..60), |writes| {
        if !db.sql.is_autocommit() {
            db.exec("ROLLBACK"); // The case before this one failed.
        }
        db.exec("SAVEPOINT one_case");
        for (at, (_, _, text)) in writes.iter().enumerate() {
            // A constraint may refuse it.
            let _refused = db.sql.execute(text, []);
            if at % 4 == 0 || at + 1 == writes.len() {
                let mut each = USERS.iter();
                each.try_for_each(|user| check(&db, user, &mut seen.borrow_mut()))
                    .map_err(TestCaseError::fail)?;
            }
        }
        db.exec("ROLLBACK TO one_case; RELEASE one_case");
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.into_inner();
    for want in [
        "true It is named",
        "false It is named",
        "true It is the",
        "false It is the",
        "true Granted on 1970-01-01",
        "false Granted on 1970-01-01",
        "false Revoked on 1970-01-01",
        "false The table roles",
        "false An empty name",
        "false No event about",
        "false The user is",
        "false The user was",
        "true It counts: none",
        "false A membership of",
        "false The organization was",
        "true No event about",
        "true The role r1",
        "true The role k2",
        "true x is left",
        "true y is now",
    ] {
        assert!(seen.get(want).is_some_and(|times| 10 <= *times), "{want}: {seen:#?}");
    }
}
