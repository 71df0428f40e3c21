//! Applies every order of one history to SQL, and compares it with the twin.

use std::collections::BTreeSet;
use std::fmt::Debug;

use shared::merge::{EntityChange, EntityState};
use shared::roles::RoleSet;
use shared::sql::{Statement, default_role};
use testkit::twin::{Effect, TABLES, Twin};

use super::history::{DEFAULT_ROLE, History, ROLES, Step, WATCHED, apply_to_twin, batch, planned};
use crate::support::clerk::redelivered;
use crate::support::{Cells, Db, START};

/// The expected state of D1 after some steps.
struct World {
    twin: Twin,
    tables: [Vec<Cells>; TABLES.len()],
    /// The role sets of the watched users, at version 0.
    sets: [RoleSet; 2],
    /// The effect of each step that is not applied yet.
    next: Vec<Option<NextStep>>,
}

/// The effect of one more step.
#[derive(Clone)]
struct NextStep {
    effect: Effect,
    /// Whether it has a live state for a deleted id.
    resurrects: bool,
}

/// The versions of the watches.
type Versions = [i64; 2];

/// `Err` says what differs between SQL and the twin.
pub(super) type Checked<T = ()> = Result<T, String>;

/// One history, and the database to which its orders are applied.
pub(super) struct Walk {
    pub(super) db: Db,
    history: History,
    /// The statements of each step alone, without those for `deliveries`.
    alone: Vec<Vec<Statement>>,
    /// The index is the set of applied steps, one bit each.
    worlds: Vec<World>,
    /// The sets that were reached.
    reached: BTreeSet<usize>,
    pub(super) prefixes: usize,
    /// Deliveries that came after the delete of their id.
    pub(super) resurrections_tried: usize,
    /// How many deliveries were repeated.
    pub(super) repeats: usize,
}

/// When earlier deliveries are repeated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Each of them, at every prefix of every order.
    Always,
    /// Each of them when a set of steps is first reached, later only the last one. The effect of a
    /// repeat depends on the rows alone, and these are the same for the same set.
    Once,
}

impl Walk {
    /// Starts on a database that was only migrated. `mutate` may replace the text of a statement.
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

    /// Applies every order, step by step.
    pub(super) fn every_order(&mut self, repeats: Repeats) -> Checked {
        self.compare(0, [START; 2])?;
        self.continue_from(0, [START; 2], repeats)
    }

    /// Applies every order of this many steps, until something differs.
    pub(super) fn orders_of(&mut self, steps: u32) -> Checked {
        self.compare(0, [START; 2])?;
        self.walk_steps(0, [START; 2], steps)
    }

    fn walk_steps(&mut self, done: usize, versions: Versions, steps: u32) -> Checked {
        if steps == 0 {
            return Ok(());
        }
        self.for_each_open_step(done, |walk, index| {
            let (set, versions) = walk.apply_and_compare(done, index, versions)?;
            walk.walk_steps(set, versions, steps - 1)
        })
    }

    /// Continues after the steps of `done` with each of the other steps.
    fn continue_from(&mut self, done: usize, versions: Versions, repeats: Repeats) -> Checked {
        self.for_each_open_step(done, |walk, index| {
            let (set, versions) = walk.apply_and_compare(done, index, versions)?;
            walk.prefixes += 1;
            let first = walk.reached.insert(set);
            let all = first || repeats == Repeats::Always;
            for earlier in bits(set).filter(|earlier| all || *earlier == index) {
                let written = walk.apply_alone(earlier)?;
                let label = || format!("{earlier} again after {index} and {done:#b}");
                check_equal(&written, &0, label)?;
                walk.repeats += 1;
            }
            if first {
                walk.compare(set, versions)?;
            }
            walk.continue_from(set, versions, repeats)
        })
    }

    /// Calls `then` with each step that is not in `done`, always from the same state.
    fn for_each_open_step(
        &mut self,
        done: usize,
        mut then: impl FnMut(&mut Self, usize) -> Checked,
    ) -> Checked {
        for index in bits(self.all_steps() & !done) {
            self.db.exec("SAVEPOINT step");
            let checked = then(self, index);
            self.db.exec("ROLLBACK TO step; RELEASE step");
            checked?;
        }
        Ok(())
    }

    /// Applies one more step, and compares everything.
    fn apply_and_compare(
        &mut self,
        done: usize,
        index: usize,
        before: Versions,
    ) -> Checked<(usize, Versions)> {
        let set = done | (1 << index);
        let written = self.apply_alone(index)?;
        let Some(next) = &self.worlds[done].next[index] else { panic!("{index} of {done:#b}") };
        let label = || format!("rows written by step {index} after {done:#b}");
        check_equal(&written, &next.effect.rows, label)?;
        let versions = raised(before, &next.effect);
        self.resurrections_tried += usize::from(next.resurrects);
        self.compare(set, versions)?;
        Ok((set, versions))
    }

    /// Applies one step alone. Returns how many rows it wrote.
    fn apply_alone(&self, index: usize) -> Checked<usize> {
        let written = self.db.run(&self.alone[index]);
        Ok(written.map_err(|error| format!("step {index}: {error}"))?.iter().sum())
    }

    /// Compares rows, roles and versions in SQL with those of the twin after these steps.
    fn compare(&self, set: usize, versions: Versions) -> Checked {
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
            check_equal(&found, &want, || format!("{user} after {set:#b}"))?;
        }
        Ok(())
    }

    /// Applies all steps in this order in `batches` batches, with step `twice` repeated at `place`.
    pub(super) fn in_batches(
        &self,
        order: &[usize],
        (twice, place): (usize, usize),
        batches: usize,
    ) -> Checked {
        let mut steps: Vec<_> = order.iter().map(|index| self.history[*index].clone()).collect();
        let copy = match &self.history[twice] {
            Step::Event(message) => Step::Event(Box::new(redelivered(message, 2))),
            step @ Step::Grant(_) => step.clone(),
        };
        let events =
            |steps: &[Step]| steps.iter().filter(|it| matches!(it, Step::Event(_))).count();
        let delivered = events(&steps);
        steps.insert(place, copy);
        let (mut twin, mut versions) = (self.worlds[0].twin.clone(), [START; 2]);
        self.db.exec("SAVEPOINT whole");
        for part in steps.chunks(steps.len().div_ceil(batches)) {
            self.db.run(&batch(part)).map_err(|error| error.to_string())?;
            versions = raised(versions, &apply_to_twin(&mut twin, part));
        }
        self.compare(self.all_steps(), versions)?;
        let account = "SELECT count(*) || ' of ' || sum(copies) FROM deliveries \
            WHERE outcome IN ('applied', 'superseded', 'duplicate') AND id_reused = 0";
        let account: String = self.db.one(account, []);
        check_equal(&account, &format!("{delivered} of {}", events(&steps)), || {
            "deliveries".into()
        })?;
        self.db.exec("ROLLBACK TO whole; RELEASE whole");
        Ok(())
    }

    fn all_steps(&self) -> usize {
        self.worlds.len() - 1
    }
}

/// The state of the twin after every set of steps. It must not depend on the order of the steps:
/// this checks the merge law in Rust.
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
            apply_to_twin(&mut twin, &history[index..=index]);
        }
        let tables = twin.rows().tables();
        let sets = WATCHED.map(|user| twin.rows().fill(user, 0));
        World { twin, tables, sets, next: vec![None; history.len()] }
    };
    let mut worlds: Vec<_> = (0..1 << history.len()).map(world).collect();
    for set in 0..worlds.len() {
        for index in bits(!set).take_while(|index| *index < history.len()) {
            let mut twin = worlds[set].twin.clone();
            let effect = apply_to_twin(&mut twin, &history[index..=index]);
            let then = &worlds[set | (1 << index)];
            assert_eq!(twin.rows().tables(), then.tables, "{index} after {set:#b}");
            assert_eq!(WATCHED.map(|user| twin.rows().fill(user, 0)), then.sets);
            let dead: BTreeSet<_> = twin.dead().collect();
            assert!(worlds[set].twin.dead().all(|id| dead.contains(id)), "{set:#b} resurrects");
            let resurrects = is_resurrection(&worlds[set].twin, &history[index]);
            worlds[set].next[index] = Some(NextStep { effect, resurrects });
        }
    }
    worlds
}

fn is_resurrection(twin: &Twin, step: &Step) -> bool {
    let plan = planned(std::slice::from_ref(step));
    plan.changes.values().flatten().any(|EntityChange { kind: entity, id, state }| {
        twin.state(*entity, id.as_str()) == Some(&EntityState::Deleted)
            && *state != EntityState::Deleted
    })
}

/// Within one millisecond each write adds one.
fn raised(before: Versions, effect: &Effect) -> Versions {
    let bumps = WATCHED.map(|user| effect.bumps.get(user).copied().unwrap_or_default());
    [before[0] + i64::from(bumps[0]), before[1] + i64::from(bumps[1])]
}

fn check_equal<T: PartialEq + Debug>(found: &T, want: &T, label: impl Fn() -> String) -> Checked {
    if found == want {
        return Ok(());
    }
    Err(format!("{}: {found:?} for {want:?}", label()))
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
