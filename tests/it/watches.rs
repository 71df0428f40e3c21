//! Watches: which owner may register, take over, acknowledge and delete one, and which hints are
//! pending meanwhile.

use rusqlite::types::Value;
use shared::id::UserId;
use shared::outbox::{HintResults, PendingHint};
use shared::sql::{ACK, Arg, GONE, PENDING, PENDING_OF, REGISTER, Statement, UNWATCH};
use shared::sql::{
    CATCH_UP, CATCH_UP_SOME, catch_up, default_role, pending as page, pending_of,
    record_hint_results,
};

use crate::support::{Cells, Db, START, statement};

const ADA: &str = "user_ada";
const BOB: &str = "user_bob";

/// `(owner, version, acked)` of a watch.
fn watch(db: &Db, user: &str) -> Option<(i64, i64, i64)> {
    let rows = db.rows("SELECT owner, version, acked FROM watches WHERE user_id = ?1", [user]);
    let [row] = &rows[..] else { return None };
    let [Value::Integer(owner), Value::Integer(version), Value::Integer(acked)] = row[..] else {
        panic!("{row:?}")
    };
    Some((owner, version, acked))
}

/// Changes the roles of this user.
fn change(db: &Db, user: &str) {
    db.exec(&format!(
        "INSERT INTO role_grants (user_id, role_id, granted, at, id)
         VALUES ('{user}', (SELECT 1 + count(*) FROM role_grants), 1, 1, 'g')"
    ));
}

fn run(db: &Db, statement: Statement) -> usize {
    db.run(&[statement]).unwrap()[0]
}

fn hint(user: &str, owner: i64, version: i64) -> PendingHint {
    PendingHint { user_id: user.into(), owner, version }
}

/// The pending hints, after `last` or from the beginning.
fn pending_after(db: &Db, last: Option<&PendingHint>) -> Vec<PendingHint> {
    query(db, &page(last))
}

fn pending_hints(db: &Db) -> Vec<PendingHint> {
    pending_after(db, None)
}

fn pending_for(db: &Db, users: &[&str]) -> Vec<PendingHint> {
    query(db, &pending_of(&users.iter().map(|user| UserId::parse(user).unwrap()).collect()))
}

fn query(db: &Db, statement: &Statement) -> Vec<PendingHint> {
    db.query(statement).into_iter().map(to_pending_hint).collect()
}

fn to_pending_hint(row: Cells) -> PendingHint {
    let Ok([Value::Text(user_id), Value::Integer(owner), Value::Integer(version)]) =
        <[Value; 3]>::try_from(row)
    else {
        panic!("not a row of the outbox")
    };
    PendingHint { user_id, owner, version }
}

fn ack(db: &Db, hints: &[PendingHint]) -> usize {
    let statements =
        record_hint_results(&HintResults { acked: hints.to_vec(), ..HintResults::default() });
    db.run(&statements).unwrap().iter().sum()
}

fn settle_gone(db: &Db, hints: &[PendingHint]) -> usize {
    let statements =
        record_hint_results(&HintResults { gone: hints.to_vec(), ..HintResults::default() });
    db.run(&statements).unwrap().iter().sum()
}

fn register(db: &Db, user: &'static str, owner: i64, floor: i64) -> usize {
    run(db, statement(REGISTER, &[&user, &owner, &floor]))
}

fn unwatch(db: &Db, user: &'static str, owner: i64) -> usize {
    run(db, statement(UNWATCH, &[&user, &owner]))
}

#[test]
fn a_new_watch_starts_at_the_clock_with_no_pending_hint() {
    let db = Db::new();
    assert!(db.fill(ADA).is_none(), "nobody watches");
    assert_eq!(register(&db, ADA, 7, 0), 1);
    assert_eq!(watch(&db, ADA), Some((7, START, START)));
    assert_eq!(pending_hints(&db), []);
}

#[test]
fn a_new_watch_starts_above_the_floor() {
    let db = Db::new();
    register(&db, ADA, 7, START + 500);
    assert_eq!(watch(&db, ADA), Some((7, START + 501, START + 501)));
}

#[test]
fn only_a_greater_owner_takes_a_watch_over() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    change(&db, ADA);
    let before = watch(&db, ADA);
    assert_eq!((register(&db, ADA, 7, 0), register(&db, ADA, 6, 0)), (0, 0));
    assert_eq!(register(&db, ADA, 6, START + 9_999), 0, "a floor does not help a lesser owner");
    assert_eq!(watch(&db, ADA), before);
    assert_eq!(register(&db, ADA, 8, 0), 1);
    assert_eq!(
        watch(&db, ADA),
        Some((8, START + 2, START + 2)),
        "above the old version, and nothing is pending"
    );
}

#[test]
fn a_watch_in_a_restored_database_rises_above_the_floor() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    assert_eq!(register(&db, ADA, 7, START), 0, "the floor is reached");
    assert_eq!(register(&db, ADA, 7, START + 60_000), 1);
    assert_eq!(watch(&db, ADA), Some((7, START + 60_001, START + 60_001)));
    db.at(START + 90_000);
    assert_eq!(register(&db, ADA, 7, START + 60_002), 1);
    assert_eq!(watch(&db, ADA), Some((7, START + 90_000, START + 90_000)));
}

#[test]
fn a_change_after_registration_is_pending() {
    let db = Db::new();
    let first = db.register(ADA, 7, 0);
    change(&db, ADA);
    assert_eq!(pending_hints(&db), [hint(ADA, 7, first.set.version + 1)]);
    assert_eq!(watch(&db, ADA).unwrap().2, first.set.version, "not acknowledged by anybody");
}

#[test]
fn a_refresh_writes_nothing() {
    let db = Db::new();
    db.register(ADA, 7, 0);
    let before = db.sql.total_changes();
    for _ in 0..10 {
        db.fill(ADA).unwrap();
    }
    assert_eq!(db.sql.total_changes(), before);
}

#[test]
fn the_oldest_pending_hints_come_first() {
    let db = Db::new();
    for (user, at) in [("user_c", 30), ("user_a", 10), ("user_b", 20), ("user_d", 40)] {
        db.at(START);
        db.register(user, 7, 0);
        db.at(START + at);
        change(&db, user);
    }
    ack(&db, &[hint("user_d", 7, START + 40)]);
    let [a, b, c] =
        [("user_a", 10), ("user_b", 20), ("user_c", 30)].map(|(u, at)| hint(u, 7, START + at));
    assert_eq!(pending_hints(&db), [a, b, c.clone()]);
    assert_eq!(pending_for(&db, &["user_d", "user_c", "user_unknown"]), [c]);
}

#[test]
fn paging_through_the_outbox_skips_nobody() {
    let db = Db::new();
    for number in 0..250 {
        let user = format!("user_{number:03}");
        db.register(&user, 7, 0);
        // Several have the same version, also across the end of a page.
        db.at(START + number / 7);
    }
    db.exec("UPDATE watches SET version = version + 1");
    let (mut seen, mut pages) = (Vec::<PendingHint>::new(), Vec::new());
    loop {
        let page = pending_after(&db, seen.last());
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
        seen.extend(page);
    }
    assert_eq!(pages, [100, 100, 50]);
    assert!(seen.is_sorted_by_key(|pending| pending.version));
    let users: std::collections::BTreeSet<_> = seen.into_iter().map(|p| p.user_id).collect();
    assert_eq!(users.len(), 250);
}

#[test]
fn an_acknowledgement_covers_only_the_hinted_version() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    register(&db, BOB, 8, 0);
    change(&db, ADA);
    let hinted = pending_hints(&db);
    change(&db, ADA);
    assert_eq!(ack(&db, &hinted), 1);
    assert_eq!(watch(&db, ADA), Some((7, START + 2, START + 1)));
    assert_eq!(pending_hints(&db), [hint(ADA, 7, START + 2)], "the later change is still pending");
    assert_eq!(ack(&db, &hinted), 0, "the same again");
    assert_eq!(ack(&db, &[hint(ADA, 7, START + 2), hint(BOB, 8, START)]), 1);
    assert_eq!(pending_hints(&db), []);
    assert_eq!(ack(&db, &hinted), 0, "an older one does not lower it");
    assert_eq!(watch(&db, ADA), Some((7, START + 2, START + 2)));
}

#[test]
fn an_acknowledgement_of_another_owner_is_ignored() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    change(&db, ADA);
    assert_eq!(ack(&db, &[hint(ADA, 6, START + 1), hint(ADA, 8, START + 1)]), 0);
    assert_eq!(pending_hints(&db).len(), 1);
    assert_eq!(ack(&db, &[hint("user_nobody", 7, START)]), 0);
}

#[test]
fn a_gone_answer_deletes_only_the_watch_of_that_owner() {
    let db = Db::new();
    for (user, owner) in [(ADA, 7), (BOB, 8), ("user_eve", 9)] {
        db.register(user, owner, 0);
    }
    assert_eq!(settle_gone(&db, &[hint(ADA, 6, START), hint(BOB, 8, START)]), 1);
    assert!(watch(&db, BOB).is_none());
    assert!(watch(&db, ADA).is_some() && watch(&db, "user_eve").is_some());
    assert_eq!(settle_gone(&db, &[]), 0);
}

#[test]
fn only_the_owner_deletes_a_watch() {
    let db = Db::new();
    register(&db, ADA, 8, 0);
    assert_eq!((unwatch(&db, ADA, 7), unwatch(&db, ADA, 9), unwatch(&db, BOB, 8)), (0, 0, 0));
    assert!(watch(&db, ADA).is_some());
    assert_eq!(unwatch(&db, ADA, 8), 1);
    assert!(watch(&db, ADA).is_none());
}

/// `(user, version)` of each mark.
fn marks(db: &Db) -> Vec<Cells> {
    db.rows("SELECT user_id, version FROM watch_marks ORDER BY user_id", [])
}

#[test]
fn a_new_watch_starts_above_one_deleted_in_the_same_millisecond() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    change(&db, ADA);
    change(&db, ADA);
    let (_, reached, _) = watch(&db, ADA).unwrap();
    assert_eq!(reached, START + 2, "ahead of the clock");
    unwatch(&db, ADA, 7);
    change(&db, ADA);
    register(&db, ADA, 8, 0);
    assert_eq!(watch(&db, ADA), Some((8, START + 3, START + 3)));
    settle_gone(&db, &[hint(ADA, 8, START + 3)]);
    register(&db, BOB, 9, 0);
    assert_eq!(watch(&db, BOB), Some((9, START, START)), "another user's mark has no effect");
    register(&db, ADA, 9, START + 1);
    assert_eq!(watch(&db, ADA), Some((9, START + 4, START + 4)), "nor has a lower floor");
}

#[test]
fn a_mark_is_kept_only_until_the_clock_has_passed_it() {
    let db = Db::new();
    register(&db, ADA, 7, 0);
    register(&db, BOB, 7, 0);
    unwatch(&db, ADA, 7);
    assert_eq!(marks(&db), [[Value::Text(ADA.into()), Value::Integer(START)]]);
    db.at(START + 1);
    unwatch(&db, BOB, 7);
    assert_eq!(marks(&db).len(), 1, "the clock has passed Bob's");
    register(&db, ADA, 8, 0);
    assert_eq!(watch(&db, ADA), Some((8, START + 1, START + 1)));
    assert!(marks(&db).is_empty(), "the mark is deleted with the new watch");
}

#[test]
fn an_unwatched_user_costs_no_write() {
    let db = Db::new();
    db.exec(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO users (id, deleted, updated_at, event_at, projection, digest)
         SELECT 'user_' || i, 0, 1, 1, 1, '' FROM n;
         INSERT INTO organizations (id, deleted, updated_at, event_at, projection, digest)
         VALUES ('org_1', 0, 1, 1, 1, '');
         INSERT INTO memberships (id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest)
         SELECT 'orgmem_' || id, 'org_1', id, 'org:member', 0, 1, 1, 1, '' FROM users",
    );
    db.register("user_500", 7, 0);
    let writes = |text: &str| {
        let before = db.sql.total_changes();
        db.exec(text);
        db.sql.total_changes() - before
    };
    assert_eq!(writes("UPDATE users SET email = id, updated_at = 2"), 1000, "profiles");
    assert_eq!(writes("UPDATE users SET banned = 1 WHERE id = 'user_499'"), 1);
    assert_eq!(writes("UPDATE organizations SET deleted = 1"), 2, "the row and the one watch");
    assert_eq!(pending_hints(&db).len(), 1);
}

/// A live user with a watch.
fn watch_live_user(db: &Db, user: &str) -> i64 {
    db.exec(&format!(
        "INSERT INTO users (id, deleted, updated_at, event_at, projection, digest)
         VALUES ('{user}', 0, 1, 1, 1, '')"
    ));
    db.register(user, 7, 0).set.version
}

/// Writes the setting alone, without the first step of catching up.
fn set_default_role(db: &Db, name: &str) {
    let statements = default_role(name);
    let (step, setting) = statements.split_last().unwrap();
    assert_eq!(*step, catch_up());
    db.run(setting).unwrap();
}

#[test]
fn a_fill_after_a_new_default_role_raises_the_version() {
    let db = Db::new();
    set_default_role(&db, "member");
    let first = watch_live_user(&db, ADA);
    set_default_role(&db, "guest");
    assert_eq!(watch(&db, ADA), Some((7, first, first)), "the change itself writes no watch");
    let unlifted = db.read(ADA).unwrap().unwrap().set;
    assert_eq!((unlifted.version, &unlifted.roles[..]), (first, &["guest".into()][..]), "wrong");
    for _ in 0..2 {
        let filled = db.fill(ADA).unwrap().set;
        assert_eq!((filled.version, filled.roles), (first + 1, vec!["guest".into()]));
    }
    assert_eq!(pending_hints(&db), [hint(ADA, 7, first + 1)], "the answer to the fill may be lost");
    change(&db, ADA);
    assert_eq!(db.fill(ADA).unwrap().set.version, first + 2);
    set_default_role(&db, "guest");
    assert_eq!(db.fill(ADA).unwrap().set.version, first + 2, "the setting did not change");
}

#[test]
fn a_new_default_role_reaches_every_watch_in_bounded_steps() {
    let db = Db::new();
    set_default_role(&db, "member");
    for number in 0..250 {
        watch_live_user(&db, &format!("user_{number:03}"));
    }
    set_default_role(&db, "guest");
    assert_eq!(pending_hints(&db), []);
    // One has filled before its turn, one has a new owner.
    db.fill("user_249").unwrap();
    register(&db, "user_248", 8, 0);
    let mut owing = vec![];
    for _ in 0..4 {
        db.run(&[catch_up()]).unwrap();
        owing.push(db.one::<i64>("SELECT count(*) FROM watches WHERE version > acked", []));
    }
    assert_eq!(owing, [101, 201, 249, 249]);
    let versions = db.column::<i64>("SELECT DISTINCT version FROM watches", []);
    assert_eq!(versions, [START + 1], "each has risen once");
}

#[test]
fn renaming_the_default_role_changes_everyone() {
    let db = Db::new();
    set_default_role(&db, "member");
    let first = watch_live_user(&db, ADA);
    db.exec("UPDATE roles SET name = 'other' WHERE name = 'member'");
    assert!(db.fill(ADA).unwrap().set.roles.is_empty());
    db.exec("UPDATE roles SET name = 'member' WHERE name = 'other'");
    let set = db.fill(ADA).unwrap().set;
    assert_eq!((set.version, set.roles), (first + 2, vec!["member".into()]));
}

#[test]
fn the_version_of_everyone_rises_even_after_its_row_was_deleted() {
    let db = Db::new();
    set_default_role(&db, "member");
    let first = watch_live_user(&db, ADA);
    db.exec("DELETE FROM everyone");
    assert_eq!(db.fill(ADA).unwrap().set.version, first);
    watch_live_user(&db, BOB);
    db.at(START + 9);
    set_default_role(&db, "guest");
    for user in [ADA, BOB] {
        let set = db.fill(user).unwrap().set;
        assert_eq!((set.version, set.roles), (START + 9, vec!["guest".into()]));
    }
}

#[test]
fn watches_that_are_behind_are_found_by_index() {
    let db = Db::new();
    let plan = db.plan_of(&statement(CATCH_UP, &[&ADA]));
    assert_eq!(plan[0], "SEARCH watches USING PRIMARY KEY (user_id=?)");
    let plan = db.plan_of(&statement(CATCH_UP_SOME, &[&100]));
    let found = "SEARCH behind USING COVERING INDEX watches_behind (everyone_version<?)";
    assert!(plan.iter().any(|step| step == found), "{plan:#?}");
    assert!(!plan.iter().any(|step| step.contains("SCAN") || step.contains("B-TREE")), "{plan:#?}");
}

#[test]
fn the_outbox_is_read_by_index() {
    let db = Db::new();
    let first = [Arg::Int(-1), Arg::Text(String::new()), Arg::Int(100)];
    let pending = db.plan_of(&Statement { sql: PENDING, args: first.to_vec() });
    assert_eq!(pending, ["SEARCH watches USING INDEX watches_pending ((version,user_id)>(?,?))"]);
    for text in [PENDING_OF, ACK, GONE] {
        let plan = db.plan_of(&statement(text, &[&"[]"]));
        let watches: Vec<_> = plan.iter().filter(|step| step.contains("watches")).collect();
        assert!(!watches.is_empty(), "{plan:?}");
        assert!(watches.iter().all(|step| step.starts_with("SEARCH")), "{plan:?}");
    }
}
