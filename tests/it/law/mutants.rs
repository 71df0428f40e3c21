//! Mutants: wrong versions of the merge law in SQL. A short history catches each of them.

use super::eight;
use super::history::{self, History};
use super::walk::Walk;
use crate::support::{Db, migrations};

/// One wrong version.
struct Mutant {
    name: &'static str,
    /// Changes the text of the migrations.
    schema: fn(String) -> String,
    /// SQL that is run after the migrations.
    besides: &'static str,
    /// Changes the text of a statement; `None` leaves it.
    text: fn(&str) -> Option<String>,
}

const RIGHT: Mutant = Mutant { name: "right", schema: |text| text, besides: "", text: |_| None };

/// Replaces the condition of an upsert; `None` for any other statement.
fn law_is(text: &str, law: &str) -> Option<String> {
    let (head, _) = text.split_once("WHERE stored.deleted = 0")?;
    Some(format!("{head}WHERE {law}"))
}

fn other(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replace(from, to))
}

/// Makes a statement write nothing.
fn none_of(text: &str, into: &str) -> Option<String> {
    text.contains(into).then(|| text.replace("WHERE true", "WHERE false"))
}

/// Each with the length of the shortest history that catches it.
const MUTANTS: [(Mutant, u32); 18] = [
    (
        Mutant {
            name: "M1 of two updates of one instant the last to arrive wins",
            text: |text| {
                let law = "stored.deleted = 0 AND (excluded.deleted, excluded.updated_at) \
                    >= (stored.deleted, stored.updated_at)";
                law_is(text, law)
            },
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "M2 a delete removes the row",
            besides: "
CREATE TRIGGER m1 AFTER INSERT ON users WHEN NEW.deleted = 1 BEGIN DELETE FROM users WHERE id = NEW.id; END;
CREATE TRIGGER m2 AFTER UPDATE ON users WHEN NEW.deleted = 1 BEGIN DELETE FROM users WHERE id = NEW.id; END;",
            ..RIGHT
        },
        1,
    ),
    (
        Mutant {
            name: "M3 an update that says it is later undoes a delete",
            text: |text| {
                let law = "excluded.deleted > stored.deleted OR (excluded.updated_at, \
                    excluded.event_at, excluded.projection, excluded.digest) \
                    > (stored.updated_at, stored.event_at, stored.projection, stored.digest)";
                law_is(text, law)
            },
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "M13 a membership before its user is refused",
            schema: |text| {
                let column = "user_id TEXT NOT NULL DEFAULT ''";
                text.replace(column, &format!("{column} REFERENCES users (id)"))
            },
            besides: "PRAGMA foreign_keys = ON",
            ..RIGHT
        },
        1,
    ),
    (
        Mutant {
            name: "M14 a dead organization ends the memberships that are there",
            besides: "
CREATE TRIGGER m1 AFTER INSERT ON organizations WHEN NEW.deleted = 1 BEGIN UPDATE memberships SET deleted = 1 WHERE org_id = NEW.id; END;
CREATE TRIGGER m2 AFTER UPDATE ON organizations WHEN NEW.deleted = 1 BEGIN UPDATE memberships SET deleted = 1 WHERE org_id = NEW.id; END;",
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "the event's own time is left NULL where it has none",
            schema: |text| text.replace("event_at INTEGER NOT NULL", "event_at INTEGER"),
            text: |text| {
                let time = "input.value ->> '$.rank.event_at'";
                other(text, time, &format!("nullif({time}, input.value ->> '$.rank.updated_at')"))
            },
            ..RIGHT
        },
        1,
    ),
    (
        Mutant {
            name: "the event's time does not rank",
            text: |text| {
                let law = "stored.deleted = 0 AND (excluded.deleted, excluded.updated_at, \
                    excluded.projection, excluded.digest) \
                    > (stored.deleted, stored.updated_at, stored.projection, stored.digest)";
                law_is(text, law)
            },
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "the projection does not rank",
            text: |text| {
                let law = "stored.deleted = 0 AND (excluded.deleted, excluded.updated_at, \
                    excluded.event_at, excluded.digest) \
                    > (stored.deleted, stored.updated_at, stored.event_at, stored.digest)";
                law_is(text, law)
            },
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "the digest does not rank",
            text: |text| {
                let law = "stored.deleted = 0 AND (excluded.deleted, excluded.updated_at, \
                    excluded.event_at, excluded.projection) \
                    > (stored.deleted, stored.updated_at, stored.event_at, stored.projection)";
                law_is(text, law)
            },
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "a tombstone keeps the address",
            text: |text| other(text, "email = excluded.email", "email = coalesce(excluded.email, stored.email)"),
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "of two grants of one instant the last to arrive wins",
            text: |text| other(text, "(excluded.at, excluded.id) > (stored.at, stored.id)", "excluded.at >= stored.at"),
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "of one pair every live membership counts",
            schema: |text| text.replace(
                "FROM current_memberships AS member\nWHERE NOT",
                "FROM memberships AS member\nWHERE member.deleted = 0 AND NOT",
            ),
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "only a row that wins raises the rank of its pair",
            text: |text| none_of(text, "INTO membership_pairs"),
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "the rank of a pair falls with the membership that is deleted",
            besides: "
CREATE TRIGGER m1 AFTER UPDATE ON memberships WHEN NEW.deleted = 1 BEGIN DELETE FROM membership_pairs WHERE org_id = OLD.org_id AND user_id = OLD.user_id; END;",
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "only a row that wins makes its key known",
            text: |text| none_of(text, "_keys (key)"),
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "the key of a deleted role is forgotten",
            besides: "
CREATE TRIGGER m1 AFTER UPDATE ON org_roles WHEN NEW.deleted = 1 BEGIN DELETE FROM org_role_keys WHERE key = OLD.key; END;",
            ..RIGHT
        },
        2,
    ),
    (
        Mutant {
            name: "a retired permission stays in the lists",
            schema: |text| text.replace("retired.key = entry.value", "false"),
            ..RIGHT
        },
        3,
    ),
    (
        Mutant {
            name: "the end of an organization bumps nobody",
            besides: "DROP TRIGGER bump_organizations_update",
            ..RIGHT
        },
        2,
    ),
];

fn histories() -> [History; 15] {
    [
        history::a_user_is_updated_twice_at_once_and_deleted(),
        history::an_organization_is_deleted_around_its_members(),
        history::a_member_leaves_and_returns(),
        history::a_role_and_its_permission_come_and_go(),
        history::two_roles_share_a_key(),
        history::a_user_is_banned_and_operators_grant_and_revoke(),
        history::two_members_lose_their_organization(),
        history::a_memberships_own_permissions_come_to_an_end(),
        history::a_member_returns_and_the_first_delete_is_lost(),
        history::keys_are_renamed_and_retired(),
        eight::all_kinds_of_change(),
        eight::two_builds_read_the_same(),
        eight::all_at_one_time(),
        eight::everything_is_deleted(),
        eight::two_users_change_places(),
    ]
}

/// The length of the shortest history that catches the mutant, at most three steps.
fn shortest(mutant: &Mutant) -> Option<u32> {
    let mut walks = histories().map(|history| {
        let db = Db::empty();
        for text in migrations() {
            db.exec(&(mutant.schema)(text));
        }
        db.exec(mutant.besides);
        Walk::new(history, db, mutant.text)
    });
    (1..=3).find(|steps| walks.iter_mut().any(|walk| walk.orders_of(*steps).is_err()))
}

#[test]
fn each_mutant_is_caught_by_a_history_of_the_given_length() {
    let found = MUTANTS.each_ref().map(|(mutant, _)| (mutant.name, shortest(mutant)));
    assert_eq!(found, MUTANTS.each_ref().map(|(mutant, steps)| (mutant.name, Some(*steps))));
}

#[test]
fn the_correct_sql_is_not_caught() {
    assert_eq!(shortest(&RIGHT), None);
}
