//! D1's rows on the line: what each event makes of them, whose watches the triggers bump, and what
//! the users may do then. None of it is modelled: the migrations and the statements run on SQLite,
//! once for each state that any order of the events can reach, and the model looks it up.

mod maker;
mod outside;
mod wrong;

use anyhow::Result;
use shared::guard::{Need, RoleSnapshot, roles_meet};
use shared::roles::RoleSet;
use shared::time::UnixMillis;

use super::history::{ADMIN, ORG, PERMISSION, Script};
use crate::variant::Variant;
use maker::Maker;
use outside::Outside;

pub use outside::Rule;

/// D1's rows in one state, by number. They begin as 0.
pub type Rows = u16;

/// One state of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The state after each event, and how often it bumps each user's watch.
    pub next: Vec<(Rows, [u8; 2])>,
    /// What each user may do, by number.
    pub what: [u8; 2],
    /// The events whose delete is undone here, as bits.
    pub undone: u8,
    /// The events that a foreign key would refuse, as bits.
    pub orphans: u8,
}

/// What the law makes of some events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lawful {
    /// The rows; `None` when D1 never comes to them.
    pub rows: Option<Rows>,
    /// What each user may do, by number.
    pub what: [u8; 2],
}

/// Every state of the rows.
#[derive(Clone, Debug)]
pub struct Table {
    states: Vec<State>,
    lawful: Vec<Lawful>,
    grants: Vec<u8>,
    outside: Vec<Outside>,
}

impl Table {
    /// Runs every order of the events.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn new(script: &Script, variant: Variant) -> Result<Self> {
        let mut maker = Maker::new(script, variant)?;
        maker.begin()?;
        maker.explore()?;
        let heard = 0..1_u16 << script.events.len();
        let lawful = heard.map(|heard| maker.lawful(heard)).collect();
        let grants = maker.sets.iter().map(granted).collect();
        let heard = 0..1_u16 << script.events.len();
        let outside = heard.map(|heard| Outside::new(script, heard, &maker.sets)).collect();
        Ok(Self { states: maker.states, lawful, grants, outside })
    }

    /// One state.
    #[must_use]
    pub fn at(&self, rows: Rows) -> Option<&State> {
        self.states.get(usize::from(rows))
    }

    /// What each user may do.
    #[must_use]
    pub fn what(&self, rows: Rows) -> [u8; 2] {
        self.at(rows).map(|state| state.what).unwrap_or_default()
    }

    /// What the law makes of the events heard, given as bits.
    #[must_use]
    pub fn law(&self, heard: u8) -> Option<&Lawful> {
        self.lawful.get(usize::from(heard))
    }

    /// Whether what each user may do is what the events heard leave room for, judged without the
    /// law.
    #[must_use]
    pub fn has_room(&self, rows: Rows, heard: u8, rule: Rule) -> bool {
        let rules = self.outside.get(usize::from(heard));
        rules.is_some_and(|rules| rules.hold(self.what(rows), rule))
    }

    /// What a guard grants from a set, as bits.
    #[must_use]
    pub fn grants(&self, what: u8) -> u8 {
        self.grants.get(usize::from(what)).copied().unwrap_or_default()
    }

    /// How many states there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }
}

/// Which needs a set meets.
fn granted(set: &RoleSet) -> u8 {
    let known = RoleSnapshot { set: set.clone(), good_until: UnixMillis(0) };
    let org = || ORG.to_owned();
    let needs = [
        Need::AppRole(ADMIN.into()),
        Need::OrgRole { org: org(), role: "org:admin".into() },
        Need::OrgRole { org: org(), role: "org:member".into() },
        Need::Permission { org: org(), permission: PERMISSION.into() },
    ];
    let bits = needs
        .iter()
        .zip(0_u8..)
        .filter(|(need, _)| roles_meet(Some(&known), need, UnixMillis(0)).is_ok());
    bits.fold(0, |all, (_, bit)| all | 1 << bit)
}
