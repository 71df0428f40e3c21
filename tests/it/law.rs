//! The merge law as it stands in Rust and as it stands in SQL, on the same deliveries.
//!
//! Seven steps have 5,040 orders. Each is walked step by step, from every state to the next, and at
//! each state the rows of SQL are those of the Rust law, what was dead is dead, and every earlier
//! delivery is given again and writes nothing. So a repetition leaves no state but the one before
//! it, and no placement of repetitions is left untried.

mod history;
mod model;

use crate::support::clerk::again;
use crate::support::{Cells, Db};
use history::{DEFAULT_ROLE, History, ROLES, Step, WATCHED, batch};
use model::{Store, TABLES};
use shared::merge::Entity;
use shared::roles::RoleSet;
use shared::sql::{Statement, default_role};
use std::collections::BTreeSet;

/// The two laws on one history.
struct Trial {
    db: Db,
    history: History,
    /// What each step writes by itself, apart from the account of deliveries.
    alone: Vec<Vec<Statement>>,
    /// What the Rust law knows after each set of steps, and the rows that it has then. The place is
    /// the set, a bit for each step.
    worlds: Vec<(Store, Vec<Vec<Cells>>)>,
    states_seen: usize,
    resurrections_tried: usize,
}

const ALL: usize = (1 << 7) - 1;

impl Trial {
    fn new(history: History) -> Self {
        let db = Db::new();
        for name in ROLES {
            db.exec(&format!("INSERT INTO roles (name) VALUES ('{name}')"));
        }
        db.run(&default_role(DEFAULT_ROLE)).unwrap();
        for user in WATCHED {
            db.register(user, 1, 0);
        }
        let world = |set: usize| {
            let mut store = Store::new(DEFAULT_ROLE, &ROLES);
            for index in steps_of(set) {
                store.take(&history[index]);
            }
            let tables = store.tables();
            (store, tables)
        };
        let worlds = (0..=ALL).map(world).collect();
        let alone = history.iter().map(|step| {
            let mut batch = batch(std::slice::from_ref(step));
            batch.retain(|statement| !statement.sql.contains("INTO deliveries"));
            batch
        });
        let alone = alone.collect();
        Self { db, history, alone, worlds, states_seen: 0, resurrections_tried: 0 }
    }

    /// Goes on from the state after the steps of `done` with each of the others.
    fn walk(&mut self, done: usize, store: &Store, before: &[RoleSet; 2]) {
        self.states_seen += 1;
        for index in steps_of(ALL & !done) {
            let (mut store, set) = (store.clone(), done | (1 << index));
            let dead = self.dead();
            self.db.exec("SAVEPOINT step");
            let expected = store.take(&self.history[index]);
            assert_eq!(self.give(index), expected, "rows written by step {index} after {done:#b}");
            assert_eq!(store, self.worlds[set].0, "step {index} after {done:#b}");
            let fills = self.compare(set);
            every_change_is_hinted(before, &fills);
            assert!(dead.is_subset(&self.dead()), "step {index} after {done:#b} resurrects");
            self.resurrections_tried += usize::from(expected == 0 && !dead.is_empty());
            for earlier in steps_of(set) {
                assert_eq!(self.give(earlier), 0, "{earlier} again after {index} and {done:#b}");
            }
            self.walk(set, &store, &fills);
            self.db.exec("ROLLBACK TO step; RELEASE step");
        }
    }

    /// Gives one step by itself. How many rows it writes.
    fn give(&self, index: usize) -> usize {
        self.db.run(&self.alone[index]).unwrap().iter().sum()
    }

    /// The rows and the roles of SQL are those of the Rust law after these steps. Gives the roles.
    #[track_caller]
    fn compare(&self, set: usize) -> [RoleSet; 2] {
        let (store, tables) = &self.worlds[set];
        for (query, rows) in TABLES.iter().zip(tables) {
            assert_eq!(&self.db.rows(query, []), rows, "after {set:#b}: {query}");
        }
        let fills = self.fills();
        for (user, set) in WATCHED.into_iter().zip(&fills) {
            assert_eq!(*set, store.fill(user, set.version), "{user}");
        }
        fills
    }

    fn fills(&self) -> [RoleSet; 2] {
        WATCHED.map(|user| self.db.fill(user).unwrap().set)
    }

    fn dead(&self) -> BTreeSet<(Entity, String)> {
        let tables = ["users", "organizations", "memberships", "org_roles", "org_permissions"];
        let dead = Entity::ALL.into_iter().zip(tables).flat_map(|(entity, table)| {
            let query = format!("SELECT id FROM {table} WHERE deleted = 1");
            self.db.column(&query, []).into_iter().map(move |id| (entity, id))
        });
        dead.collect()
    }

    /// Gives the steps in this order in so many batches, with one of them twice.
    #[track_caller]
    fn in_batches(&self, order: &[usize], twice: usize, place: usize, batches: usize) {
        let mut steps: Vec<_> = order.iter().map(|index| self.history[*index].clone()).collect();
        let copy = match &self.history[twice] {
            Step::Event(message) => Step::Event(Box::new(again(message, 2))),
            step @ (Step::Grant(_) | Step::CatalogueComplete) => step.clone(),
        };
        steps.insert(place, copy);
        self.db.exec("SAVEPOINT whole");
        for part in steps.chunks(steps.len().div_ceil(batches)) {
            self.db.run(&batch(part)).unwrap();
        }
        self.compare(ALL);
        self.db.exec("ROLLBACK TO whole; RELEASE whole");
    }
}

/// A watch whose user's roles changed has a greater version.
#[track_caller]
fn every_change_is_hinted(before: &[RoleSet; 2], after: &[RoleSet; 2]) {
    for (before, after) in before.iter().zip(after) {
        let same = RoleSet { version: before.version, ..after.clone() } == *before;
        assert!(before.version < after.version || same, "{before:?} became {after:?}");
    }
}

fn steps_of(set: usize) -> impl Iterator<Item = usize> {
    (0..7).filter(move |index| set & (1 << index) != 0)
}

/// Every order of the numbers below seven.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for next in 0..7 {
        let longer = orders.iter().flat_map(|order| {
            (0..=order.len()).map(move |place| {
                let mut order: Vec<usize> = order.clone();
                order.insert(place, next);
                order
            })
        });
        orders = longer.collect();
    }
    orders
}

/// The whole trial of one history. `deletes`: whether some step comes after the delete of its id.
fn check(history: History, deletes: bool) {
    let mut trial = Trial::new(history);
    let nothing = trial.worlds[0].0.clone();
    let fills = trial.compare(0);
    trial.walk(0, &nothing, &fills);
    assert_eq!(trial.states_seen, 13_700, "every prefix of every order");
    assert_eq!(trial.resurrections_tried > 0, deletes);

    let orders = orders();
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 5_040);
    for (index, order) in orders.iter().enumerate() {
        let (twice, place, batches) = (index % 7, index / 7 % 8, 1 + index % 2);
        trial.in_batches(order, twice, place, batches);
    }
}

#[test]
fn a_user_is_updated_twice_at_once_and_deleted() {
    check(history::a_user_is_updated_twice_at_once_and_deleted(), true);
}

#[test]
fn an_organization_is_deleted_around_its_members() {
    check(history::an_organization_is_deleted_around_its_members(), true);
}

#[test]
fn a_member_leaves_and_returns() {
    check(history::a_member_leaves_and_returns(), true);
}

#[test]
fn a_role_and_its_permission_come_and_go() {
    check(history::a_role_and_its_permission_come_and_go(), true);
}

#[test]
fn two_roles_share_a_key() {
    check(history::two_roles_share_a_key(), true);
}

#[test]
fn a_user_is_banned_and_operators_have_their_word() {
    check(history::a_user_is_banned_and_operators_have_their_word(), false);
}

#[test]
fn two_members_lose_their_organization() {
    check(history::two_members_lose_their_organization(), true);
}

#[test]
fn a_memberships_own_permissions_come_to_an_end() {
    check(history::a_memberships_own_permissions_come_to_an_end(), true);
}
