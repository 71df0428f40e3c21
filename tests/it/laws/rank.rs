//! No rank is ever NULL: not in the schema, not in the arguments of the statements, and not after
//! deliveries with odd times. With a NULL, SQLite's comparison would be NULL, and a change would be
//! skipped silently.

use std::cell::{Cell, RefCell};

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use shared::merge::{EntityChange, EntityState};
use shared::plan::{BatchPlan, OpenedMessage, plan};
use shared::sql::{Arg, statements};
use shared::time::UnixMillis;
use testkit::twin::{TABLES, Twin};

use super::assert_law;
use super::fields::change;
use crate::support::clerk::{
    deleted, deliver, event_at, membership, organization, permission, role, user_with,
};
use crate::support::{Db, START};

const SYNCED: [&str; 5] = ["users", "organizations", "memberships", "org_roles", "org_permissions"];
const RANK: [(&str, &str); 5] = [
    ("deleted", "INTEGER"),
    ("updated_at", "INTEGER"),
    ("event_at", "INTEGER"),
    ("projection", "INTEGER"),
    ("digest", "TEXT"),
];

#[test]
fn the_schema_has_no_rank_that_can_be_null() {
    let db = Db::new();
    for table in SYNCED {
        for (column, kind) in RANK {
            let query = format!(
                "SELECT type || ' ' || \"notnull\" FROM pragma_table_info('{table}') WHERE name = ?1"
            );
            assert_eq!(db.one::<String>(&query, [column]), format!("{kind} 1"), "{table}.{column}");
            let ranks = RANK.map(|(name, kind)| match (name == column, kind) {
                (true, _) => "NULL",
                (false, "TEXT") => "''",
                (false, _) => "0",
            });
            let names = RANK.map(|(name, _)| name).join(", ");
            let insert = |ranks: [&str; 5]| {
                let ranks = ranks.join(", ");
                db.sql.execute(
                    &format!("INSERT INTO {table} (id, {names}) VALUES ('id', {ranks})"),
                    [],
                )
            };
            let refused = insert(ranks).unwrap_err().to_string();
            assert_eq!(refused, format!("NOT NULL constraint failed: {table}.{column}"));
            assert_eq!(insert(ranks.map(|rank| if rank == "NULL" { "0" } else { rank })), Ok(1));
            db.exec(&format!("DELETE FROM {table}"));
        }
        let strict = "SELECT strict FROM pragma_table_list WHERE name = ?1";
        assert!(db.one::<bool>(strict, [table]), "{table} takes a value of another type");
    }
}

/// What one batch makes of these changes.
fn planned(changes: &[EntityChange]) -> BatchPlan {
    let mut plan = BatchPlan::default();
    for change in changes {
        plan.add(change);
    }
    plan
}

#[test]
fn no_statement_is_given_a_rank_that_is_null() {
    let law = "no statement is given a rank that is NULL; deletes are blank";
    assert_law(law, 2, &vec(change(), 1..8), |changes| {
        let plan = planned(&changes);
        let mut rows = vec![];
        for statement in statements(&plan, UnixMillis(START)) {
            let Some(Arg::Text(list)) = statement.args.first() else { panic!("{statement:?}") };
            let Value::Array(list) = serde_json::from_str(list).unwrap() else { panic!("{list}") };
            rows.extend(list.into_iter().filter(|row| row.get("rank").is_some()));
        }
        let planned = plan.changes.values().flatten();
        prop_assert_eq!(rows.len(), changes.len());
        for (row, change) in rows.iter().zip(planned) {
            let rank = match &change.state {
                EntityState::Deleted => json!({
                    "deleted": 1, "updated_at": 0, "event_at": 0, "projection": 0, "digest": "",
                }),
                EntityState::Live(live) => json!({
                    "deleted": 0,
                    "updated_at": live.rank.updated_at.0,
                    "event_at": live.rank.event_at.0,
                    "projection": live.rank.projection,
                    "digest": live.rank.digest.as_str(),
                }),
            };
            prop_assert_eq!(&row["rank"], &rank);
            prop_assert!(rank.as_object().is_some_and(|it| it.values().all(|it| !it.is_null())));
        }
        Ok(())
    });
}

/// D1 and the twin, with the same initial state in every case.
struct Pair {
    db: Db,
    twin: Twin,
}

const WATCHED: [&str; 2] = ["user_1", "user_2"];

impl Pair {
    fn new() -> RefCell<Self> {
        let (db, mut twin) = (Db::new(), Twin::default());
        for user in WATCHED {
            db.register(user, 1, 0);
            twin.watch(user);
        }
        RefCell::new(Self { db, twin })
    }

    /// Applies the plans of one case to both, and compares them.
    fn compare(&mut self, plans: &[BatchPlan]) -> Result<(), TestCaseError> {
        if !self.db.sql.is_autocommit() {
            self.db.exec("ROLLBACK"); // The case before this one failed.
        }
        self.db.exec("SAVEPOINT one_case");
        let (mut twin, mut versions) = (self.twin.clone(), WATCHED.map(|_| START));
        for plan in plans {
            let mut batch = statements(plan, UnixMillis(START));
            batch.retain(|it| {
                !["INTO deliveries", "INTO dead"].iter().any(|to| it.sql.contains(to))
            });
            let written: usize = self.db.run(&batch).unwrap().iter().sum();
            let effect = twin.run(plan);
            prop_assert_eq!(written, effect.rows);
            for (user, version) in WATCHED.iter().zip(&mut versions) {
                *version += i64::from(effect.bumps.get(*user).copied().unwrap_or_default());
                let want = twin.rows().fill(user, *version);
                prop_assert_eq!(self.db.fill(user).unwrap().set, want);
            }
        }
        for (query, rows) in TABLES.iter().zip(twin.rows().tables()) {
            prop_assert_eq!(self.db.rows(query, []), rows);
        }
        self.db.exec("ROLLBACK TO one_case; RELEASE one_case");
        Ok(())
    }
}

#[test]
fn any_changes_end_in_the_laws_rows() {
    let law = "any changes, in any batches, end in the law's rows, roles and versions";
    let pair = Pair::new();
    assert_law(law, 20, &vec(vec(change(), 1..5), 1..5), |batches| {
        let plans: Vec<_> = batches.iter().map(|batch| planned(batch)).collect();
        pair.borrow_mut().compare(&plans)
    });
}

/// A value that a sender may give for a time; `None` leaves the field out.
fn odd_time() -> impl Strategy<Value = Option<Value>> {
    select(vec![
        None,
        Some(Value::Null),
        Some(json!(START)),
        Some(json!(START + 1)),
        Some(json!(START / 1000)),
        Some(json!(START + 86_400_000)),
        Some(json!(0)),
        Some(json!(-1)),
        Some(json!(i64::MAX)),
        Some(json!(u64::MAX)),
        Some(json!(0.5)),
        Some(json!("yesterday")),
    ])
}

/// A delivery as Clerk would send it, except for its times: that of the object, that of the event,
/// or both may be odd.
fn delivery() -> impl Strategy<Value = Value> {
    let parts = (0..10_u8, 1..=2_u8, 1..=2_u8, any::<bool>());
    (parts, 0..4_u8, odd_time(), odd_time()).prop_map(|(parts, odd, updated_at, timestamp)| {
        let (kind, mut data) = event_of(parts);
        if odd < 2 {
            set_or_remove(&mut data, "updated_at", updated_at);
        }
        let mut body = event_at(kind, START + i64::from(odd), &data);
        if odd % 2 == 0 {
            set_or_remove(&mut body, "timestamp", timestamp);
        }
        body
    })
}

fn event_of((kind, one, other, more): (u8, u8, u8, bool)) -> (&'static str, Value) {
    let id = |prefix: &str, number: u8| format!("{prefix}_{number}");
    let roles: &[&str] = if more { &["admin"] } else { &[] };
    match kind {
        0 | 1 => ("user.updated", user_with(&id("user", one), START, roles)),
        2 => ("user.deleted", deleted("user", &id("user", one))),
        3 => {
            let name = if more { "One" } else { "Two" };
            ("organization.updated", organization(&id("org", one), START, name))
        }
        4 => ("organization.deleted", deleted("organization", &id("org", one))),
        5 | 6 => {
            let ids = [id("orgmem", one), id("org", other), id("user", other)];
            let ids = [&*ids[0], &*ids[1], &*ids[2], if more { "admin" } else { "org:x" }];
            ("organizationMembership.updated", membership(ids, START, roles))
        }
        7 => ("organizationMembership.deleted", deleted("membership", &id("orgmem", one))),
        8 => {
            let carried = [("perm_1", "org:p:one"), ("perm_2", "org:p:two")];
            let carried = &carried[..usize::from(other)];
            (
                "role.updated",
                role(&id("role", one), if more { "org:x" } else { "admin" }, START, carried),
            )
        }
        _ => {
            let key = if more { "org:p:one" } else { "org:p:new" };
            ("permission.updated", permission(&id("perm", one), key, START))
        }
    }
}

fn set_or_remove(object: &mut Value, name: &str, value: Option<Value>) {
    let fields = object.as_object_mut().unwrap();
    match value {
        Some(value) => drop(fields.insert(name.into(), value)),
        None => drop(fields.remove(name)),
    }
}

#[test]
fn deliveries_with_odd_times_end_in_the_laws_rows() {
    let law = "deliveries whose times are missing or odd end in the law's rows, or are parked";
    let (pair, parked, taken) = (Pair::new(), Cell::new(0), Cell::new(0));
    assert_law(law, 50, &vec(delivery(), 1..6), |bodies| {
        let deliver =
            |(index, body): (usize, &Value)| deliver(&format!("msg_{index}"), body, START);
        let messages: Vec<OpenedMessage> = bodies.iter().enumerate().map(deliver).collect();
        let plans: Vec<_> =
            messages.chunks(2).map(|some| plan("rolecall-events", some, vec![])).collect();
        for plan in &plans {
            let dead_letters = u32::try_from(plan.dead_letters.len()).unwrap();
            parked.set(parked.get() + dead_letters);
            taken.set(taken.get() + u32::try_from(plan.deliveries.len()).unwrap() - dead_letters);
        }
        pair.borrow_mut().compare(&plans)
    });
    let all = parked.get() + taken.get();
    assert!(all / 8 < parked.get() && all / 8 < taken.get(), "{} of {all} parked", parked.get());
}
