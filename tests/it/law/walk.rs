//! The walk through every order of one history, with SQL and the twin side by side.

use std::collections::BTreeSet;
use std::fmt::Debug;

use shared::merge::{EntityChange, EntityState};
use shared::roles::RoleSet;
use shared::sql::{Statement, default_role};
use testkit::twin::{Effect, TABLES, Twin};

use super::history::{DEFAULT_ROLE, History, ROLES, Step, WATCHED, batch, planned, take};
use crate::support::clerk::again;
use crate::support::{Cells, Db, START};

/// What is there after some steps: with the rows of the twin, all that D1 must hold.
struct World {
    twin: Twin,
    tables: [Vec<Cells>; TABLES.len()],
    /// Of the watched, at version 0.
    sets: [RoleSet; 2],
    /// What each step does that is not among them.
    next: Vec<Option<Next>>,
}

/// What one more step does.
#[derive(Clone)]
struct Next {
    effect: Effect,
    /// It says of something dead that it lives.
    resurrects: bool,
}

/// The versions of the watches.
type Versions = [i64; 2];

/// Nothing, or what differs.
pub(super) type Held<T = ()> = Result<T, String>;

/// One history, and a database that it is given to in every order.
pub(super) struct Walk {
    pub(super) db: Db,
    history: History,
    /// What each step writes by itself, apart from the account of deliveries.
    alone: Vec<Vec<Statement>>,
    /// The place is the set of steps, a bit for each.
    worlds: Vec<World>,
    /// The sets that were reached.
    reached: BTreeSet<usize>,
    pub(super) prefixes: usize,
    /// Deliveries that came after the delete of their id.
    pub(super) resurrections_tried: usize,
    /// Deliveries that were given again.
    pub(super) repeats: usize,
}

/// When an earlier delivery is given again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Each of them, at every prefix of every order.
    Always,
    /// Each of them when a set of steps is first reached, and then the last one: what a repeat
    /// does follows from the rows, and those are the same whenever the set is.
    Once,
}

impl Walk {
    /// A walk on a database that has only been migrated, with what `mutate` makes of statements.
    pub(super) fn new(history: History, db: Db, mutate: fn(&str) -> Option<String>) -> Self {
        for name in ROLES {
            db.exec(&format!("INSERT INTO roles (name) VALUES ('{name}')"));
        }
        db.run(&default_role(DEFAULT_ROLE)).unwrap();
        for user in WATCHED {
            db.register(user, 1, 0);
        }
        let alone = history.iter().map(|step| {
            let mut batch = batch(std::slice::from_ref(step));
            batch.retain(|statement| !statement.sql.contains("INTO deliveries"));
            for statement in &mut batch {
                statement.sql = mutate(statement.sql).map_or(statement.sql, |it| String::leak(it));
            }
            batch
        });
        let alone = alone.collect();
        let worlds = worlds(&history);
        let reached = BTreeSet::from([0]);
        let (prefixes, resurrections_tried, repeats) = (1, 0, 0);
        Self { db, history, alone, worlds, reached, prefixes, resurrections_tried, repeats }
    }

    /// Every order, prefix by prefix.
    pub(super) fn every_order(&mut self, repeats: Repeats) -> Held {
        self.same(0, [START; 2])?;
        self.on(0, [START; 2], repeats)
    }

    /// Every order of so many steps of the history, until something differs.
    pub(super) fn orders_of(&mut self, steps: u32) -> Held {
        self.same(0, [START; 2])?;
        self.until(0, [START; 2], steps)
    }

    fn until(&mut self, done: usize, versions: Versions, steps: u32) -> Held {
        if steps == 0 {
            return Ok(());
        }
        self.each(done, |walk, index| {
            let (set, versions) = walk.step(done, index, versions)?;
            walk.until(set, versions, steps - 1)
        })
    }

    /// Goes on from the state after the steps of `done` with each of the others.
    fn on(&mut self, done: usize, versions: Versions, repeats: Repeats) -> Held {
        self.each(done, |walk, index| {
            let (set, versions) = walk.step(done, index, versions)?;
            walk.prefixes += 1;
            let first = walk.reached.insert(set);
            let all = first || repeats == Repeats::Always;
            for earlier in bits(set).filter(|earlier| all || *earlier == index) {
                let written = walk.give(earlier)?;
                equal(&written, &0, || format!("{earlier} again after {index} and {done:#b}"))?;
                walk.repeats += 1;
            }
            if first {
                walk.same(set, versions)?;
            }
            walk.on(set, versions, repeats)
        })
    }

    /// Does something with each step that is not done, each in the same state.
    fn each(&mut self, done: usize, mut then: impl FnMut(&mut Self, usize) -> Held) -> Held {
        for index in bits(self.all() & !done) {
            self.db.exec("SAVEPOINT step");
            let held = then(self, index);
            self.db.exec("ROLLBACK TO step; RELEASE step");
            held?;
        }
        Ok(())
    }

    /// Gives one more step, and compares everything.
    fn step(&mut self, done: usize, index: usize, before: Versions) -> Held<(usize, Versions)> {
        let set = done | (1 << index);
        let written = self.give(index)?;
        let Some(next) = &self.worlds[done].next[index] else { panic!("{index} of {done:#b}") };
        let told = || format!("rows written by step {index} after {done:#b}");
        equal(&written, &next.effect.rows, told)?;
        let versions = raised(before, &next.effect);
        self.resurrections_tried += usize::from(next.resurrects);
        self.same(set, versions)?;
        Ok((set, versions))
    }

    /// Gives one step by itself. How many rows it writes.
    fn give(&self, index: usize) -> Held<usize> {
        let written = self.db.run(&self.alone[index]);
        Ok(written.map_err(|error| format!("step {index}: {error}"))?.iter().sum())
    }

    /// The rows, the roles and the versions of SQL are those of the twin after these steps.
    fn same(&self, set: usize, versions: Versions) -> Held {
        let world = &self.worlds[set];
        for (query, rows) in TABLES.iter().zip(&world.tables) {
            if !self.db.holds(query, rows) {
                let found = self.db.rows(query, []);
                return Err(format!("after {set:#b}: {query}: {found:?} for {rows:?}"));
            }
        }
        for ((user, roles), version) in WATCHED.into_iter().zip(&world.sets).zip(versions) {
            let want = RoleSet { version, ..roles.clone() };
            let found = self.db.fill(user).unwrap().set;
            equal(&found, &want, || format!("{user} after {set:#b}"))?;
        }
        Ok(())
    }

    /// Gives all steps in this order in so many batches, with step `twice` once more at a place.
    pub(super) fn in_batches(
        &self,
        order: &[usize],
        (twice, place): (usize, usize),
        batches: usize,
    ) -> Held {
        let mut steps: Vec<_> = order.iter().map(|index| self.history[*index].clone()).collect();
        let copy = match &self.history[twice] {
            Step::Event(message) => Step::Event(Box::new(again(message, 2))),
            step @ Step::Grant(_) => step.clone(),
        };
        let events =
            |steps: &[Step]| steps.iter().filter(|it| matches!(it, Step::Event(_))).count();
        let heard = events(&steps);
        steps.insert(place, copy);
        let (mut twin, mut versions) = (self.worlds[0].twin.clone(), [START; 2]);
        self.db.exec("SAVEPOINT whole");
        for part in steps.chunks(steps.len().div_ceil(batches)) {
            self.db.run(&batch(part)).map_err(|error| error.to_string())?;
            versions = raised(versions, &take(&mut twin, part));
        }
        self.same(self.all(), versions)?;
        let account = "SELECT count(*) || ' of ' || sum(copies) FROM deliveries \
            WHERE outcome IN ('applied', 'superseded', 'duplicate') AND id_reused = 0";
        let account: String = self.db.one(account, []);
        equal(&account, &format!("{heard} of {}", events(&steps)), || "deliveries".into())?;
        self.db.exec("ROLLBACK TO whole; RELEASE whole");
        Ok(())
    }

    fn all(&self) -> usize {
        self.worlds.len() - 1
    }
}

/// What the twin says of every set of steps. Whatever the order in which a set is reached, the
/// twin says the same: the law as Rust has it, over every order.
fn worlds(history: &History) -> Vec<World> {
    let mut nothing = Twin::default();
    for name in ROLES {
        nothing.role_name(name);
    }
    nothing.default_role(DEFAULT_ROLE);
    for user in WATCHED {
        nothing.watch(user);
    }
    let world = |set: usize| {
        let mut twin = nothing.clone();
        for index in bits(set) {
            take(&mut twin, &history[index..=index]);
        }
        let tables = twin.rows().tables();
        let sets = WATCHED.map(|user| twin.rows().fill(user, 0));
        World { twin, tables, sets, next: vec![None; history.len()] }
    };
    let mut worlds: Vec<_> = (0..1 << history.len()).map(world).collect();
    for set in 0..worlds.len() {
        for index in bits(!set).take_while(|index| *index < history.len()) {
            let mut twin = worlds[set].twin.clone();
            let effect = take(&mut twin, &history[index..=index]);
            let then = &worlds[set | (1 << index)];
            assert_eq!(twin.rows().tables(), then.tables, "{index} after {set:#b}");
            assert_eq!(WATCHED.map(|user| twin.rows().fill(user, 0)), then.sets);
            let dead: BTreeSet<_> = twin.dead().collect();
            assert!(worlds[set].twin.dead().all(|id| dead.contains(id)), "{set:#b} resurrects");
            let resurrects = resurrects(&worlds[set].twin, &history[index]);
            worlds[set].next[index] = Some(Next { effect, resurrects });
        }
    }
    worlds
}

fn resurrects(twin: &Twin, step: &Step) -> bool {
    let plan = planned(std::slice::from_ref(step));
    plan.changes.values().flatten().any(|EntityChange { entity, id, state }| {
        twin.state(*entity, id.as_str()) == Some(&EntityState::Deleted)
            && *state != EntityState::Deleted
    })
}

/// Within one millisecond each write adds one.
fn raised(before: Versions, effect: &Effect) -> Versions {
    let bumps = WATCHED.map(|user| effect.bumps.get(user).copied().unwrap_or_default());
    [before[0] + i64::from(bumps[0]), before[1] + i64::from(bumps[1])]
}

fn equal<T: PartialEq + Debug>(found: &T, want: &T, told: impl Fn() -> String) -> Held {
    if found == want {
        return Ok(());
    }
    Err(format!("{}: {found:?} for {want:?}", told()))
}

/// The steps of a set.
fn bits(set: usize) -> impl Iterator<Item = usize> {
    (0..16).filter(move |bit| set & (1 << bit) != 0)
}

/// Every order of the numbers below `count`.
pub(super) fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for next in 0..count {
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
