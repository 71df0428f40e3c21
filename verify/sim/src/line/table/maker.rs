//! Runs every order of the events on SQLite, and the law in Rust on every set of them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use shared::merge;
use shared::plan::plan;
use shared::projection::EntityFields;
use shared::roles::RoleSet;
use shared::sql::{self, Arg, Statement};
use shared::time::UnixMillis;
use testkit::sqlite::{Database, START, bound};
use testkit::twin::{TABLES, Twin, Word};

use super::{Lawful, Rows, State, wrong};
use crate::line::decided::QUEUE;
use crate::line::history::{ADMIN, Script, ScriptEvent};
use crate::variant::Variant;
use crate::wire::{USERS, user_id};

pub(super) struct Maker<'a> {
    db: Database,
    script: &'a Script,
    variant: Variant,
    pub(super) states: Vec<State>,
    /// The events that lead to each state.
    paths: Vec<Vec<u8>>,
    known: BTreeMap<String, Rows>,
    pub(super) sets: Vec<RoleSet>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(script: &'a Script, variant: Variant) -> Result<Self> {
        let (states, paths, known, sets) = (vec![], vec![], BTreeMap::new(), vec![]);
        let db = Database::migrated()?;
        Ok(Self { db, script, variant, states, paths, known, sets })
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.db.sql.execute("INSERT INTO roles (name) VALUES (?1)", [ADMIN])?;
        for change in &self.script.before {
            let message = self.script.carrying(change).context("a change has no message")?;
            self.db.run(&sql::statements(&plan(QUEUE, &[message], vec![]), UnixMillis(START)))?;
        }
        for user in USERS {
            let watch = "INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 1, 0, 0)";
            self.db.sql.execute(watch, [user])?;
        }
        wrong::begin(&self.db, self.variant)
    }

    pub(super) fn explore(&mut self) -> Result<()> {
        self.note(&[])?;
        let mut index = 0;
        while let Some(path) = self.paths.get(index).cloned() {
            self.db.sql.execute_batch("SAVEPOINT path")?;
            path.iter().try_for_each(|event| self.apply(*event))?;
            let next = (0_u8..).take(self.script.events.len()).map(|event| self.step(&path, event));
            let next = next.collect::<Result<_>>()?;
            if let Some(state) = self.states.get_mut(index) {
                state.next = next;
            }
            self.db.sql.execute_batch("ROLLBACK TO path; RELEASE path")?;
            index += 1;
        }
        Ok(())
    }

    /// Takes in one event, looks at what came of it, and takes it back.
    fn step(&mut self, path: &[u8], event: u8) -> Result<(Rows, [u8; 2])> {
        self.db.sql.execute_batch("SAVEPOINT step")?;
        self.db.sql.execute("UPDATE watches SET version = ?1", [START])?;
        self.apply(event)?;
        let mut bumps = [0; 2];
        for (user, bumps) in USERS.iter().zip(&mut bumps) {
            let version = "SELECT version - ?1 FROM watches WHERE user_id = ?2";
            let rose = self.db.column::<u8>(version, (START, user))?;
            *bumps = rose.first().copied().unwrap_or_default();
        }
        let path: Vec<u8> = path.iter().copied().chain([event]).collect();
        let next = self.note(&path)?;
        self.db.sql.execute_batch("ROLLBACK TO step; RELEASE step")?;
        Ok((next, bumps))
    }

    fn apply(&self, event: u8) -> Result<()> {
        let Some(says) = self.script.events.get(usize::from(event)) else { return Ok(()) };
        match says {
            ScriptEvent::Clerk(message, change) => {
                let message = wrong::message(self.variant, message);
                let plan = plan(QUEUE, &[message], vec![]);
                for statement in sql::statements(&plan, UnixMillis(START)) {
                    let text = wrong::text(self.variant, statement.sql);
                    self.db.sql.prepare_cached(&text)?.execute(bound(&statement))?;
                }
                wrong::after(&self.db, self.variant, change)
            }
            ScriptEvent::Operator(user, granted, at) => {
                let args = vec![
                    Arg::Text(user_id(*user).into()),
                    Arg::Int(1),
                    Arg::Int((*granted).into()),
                    Arg::Int(*at),
                    Arg::Text(at.to_string()),
                    Arg::Text("operator".into()),
                    Arg::Text(String::new()),
                    Arg::Int(0),
                ];
                self.db.run(&[Statement { sql: sql::GRANT, args }])?;
                Ok(())
            }
        }
    }

    /// The number of the state that D1 is in.
    fn note(&mut self, path: &[u8]) -> Result<Rows> {
        let rows = TABLES.iter().map(|query| self.db.rows(query, []));
        let rows = format!("{:?}", rows.collect::<Result<Vec<_>, _>>()?);
        if let Some(number) = self.known.get(&rows) {
            return Ok(*number);
        }
        let mut state = State::default();
        for (user, what) in USERS.iter().zip(&mut state.what) {
            let row = self.db.fill(user)?.context("nobody watches")?;
            *what = self.number(RoleSet { version: 0, ..row.set });
        }
        for (event, says) in (0_u8..).zip(&self.script.events) {
            let ScriptEvent::Clerk(_, change) = says else { continue };
            let (undone, orphan) = self.looks(change)?;
            state.undone |= u8::from(undone) << event;
            state.orphans |= u8::from(orphan) << event;
        }
        let number = Rows::try_from(self.states.len())?;
        self.known.insert(rows, number);
        self.states.push(state);
        self.paths.push(path.to_vec());
        Ok(number)
    }

    /// Whether what a change deletes lives, and whether it names a user who is not there.
    fn looks(&self, change: &merge::EntityChange) -> Result<(bool, bool)> {
        let is_there = |query: &str, id: &str| -> Result<bool> {
            Ok(!self.db.column::<i64>(query, [id])?.is_empty())
        };
        let table = change.kind.table();
        let live = format!("SELECT 1 FROM {table} WHERE id = ?1 AND deleted = 0");
        match &change.state {
            merge::EntityState::Deleted => Ok((is_there(&live, change.id.as_str())?, false)),
            merge::EntityState::Live(live) => {
                let EntityFields::Membership(fields) = &live.fields else {
                    return Ok((false, false));
                };
                Ok((false, !is_there("SELECT 1 FROM users WHERE id = ?1", &fields.user_id)?))
            }
        }
    }

    /// What the law in Rust makes of the events heard, in no order.
    pub(super) fn lawful(&mut self, heard: u16) -> Lawful {
        let mut twin = Twin::default();
        twin.role_name(ADMIN);
        for change in &self.script.before {
            twin.take(change);
        }
        for (event, says) in self.script.events.iter().enumerate() {
            match says {
                _ if heard & (1 << event) == 0 => {}
                ScriptEvent::Clerk(_, change) => {
                    twin.take(change);
                }
                ScriptEvent::Operator(user, granted, at) => {
                    let (user, id) = (user_id(*user), at.to_string());
                    twin.grant(Word { user, role: ADMIN, granted: *granted, at: *at, id: &id });
                }
            }
        }
        let what = USERS.map(|user| self.number(twin.rows().fill(user, 0)));
        let rows = self.known.get(&format!("{:?}", twin.rows().tables())).copied();
        Lawful { rows, what }
    }

    fn number(&mut self, set: RoleSet) -> u8 {
        let known = self.sets.iter().position(|it| *it == set);
        let place = known.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }
}
