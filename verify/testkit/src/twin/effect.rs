//! What writes did.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

/// How often the version of each watched user rose.
pub type Bumps = BTreeMap<String, u32>;

/// What some statements did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Rows that the statements wrote, those of triggers apart.
    pub rows: usize,
    /// By how much each watched user's version rose.
    pub bumps: Bumps,
}

impl AddAssign for Effect {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        rise(&mut self.bumps, other.bumps);
    }
}

impl Effect {
    pub(super) fn add(&mut self, bumps: Bumps) {
        self.rows += 1;
        rise(&mut self.bumps, bumps);
    }
}

/// Each of these once more.
pub(super) fn once(users: BTreeSet<String>) -> Bumps {
    users.into_iter().map(|user| (user, 1)).collect()
}

/// All of these together.
pub(super) fn rise(bumps: &mut Bumps, others: Bumps) {
    for (user, times) in others {
        *bumps.entry(user).or_default() += times;
    }
}
