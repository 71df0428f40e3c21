//! The cache half alone, deep: one user's roles in D1, the watch, the outbox, the object, two
//! guards, the alarm, one restore of the database, and a network that loses, repeats and reorders.
//!
//! What the user may do is a number: each commit makes the next one, and even ones grant. So every
//! set that is served can be told from every other, and its time as the truth is known.

mod act;
mod laws;
mod step;

use std::collections::BTreeSet;

use shared::cache::Ages;
use shared::guard::Need;
use shared::object::Ask;
use shared::roles::{RoleSet, Standing};
use shared::time::UnixMillis;
use stateright::{Model, Property};

pub use act::Act;

use crate::d1::Watch;
use crate::object::Object;
use crate::variant::Variant;
use crate::wire::{Sent, Told, user_id};

/// One step of the clock. Longer than a second: within that a set counts as fresh.
pub(crate) const TICK_MS: i64 = 10_000;

/// When the model begins.
const BEGIN: UnixMillis = UnixMillis(1_000_000);

/// Sets that one run can make: the first, and one for each commit.
const SETS_MAX: usize = 6;

/// What is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Changes to what the user may do.
    pub commits: u8,
    /// Steps of the clock.
    pub ticks: i64,
    /// Fills without an instance, and answers to hints, that the network holds at a time. Hints
    /// that differ can always pass each other.
    pub under_way: usize,
    /// Guards that ask at the same time, each as often as it likes.
    pub guards: usize,
    /// Whether an idle object ends its watch.
    pub alarms: bool,
    /// Whether the database may be set back once.
    pub restores: bool,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// What is explored.
    pub bounds: Bounds,
    /// The protocol, or a wrong form of it.
    pub variant: Variant,
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The one clock.
    pub now: UnixMillis,
    /// What the user may do now.
    pub truth: u16,
    /// The last set that was made.
    pub made: u16,
    /// The user's row of `watches`.
    pub slot: Option<Watch>,
    /// The version of the watch that was deleted last, until the clock has passed it.
    pub deleted: i64,
    /// The role cache.
    pub object: Object,
    /// Fills whose instance is gone.
    pub orphans: BTreeSet<Sent>,
    /// Hints under way. Taking one leaves it there: it may come again.
    pub hints: BTreeSet<Told>,
    /// Answers to hints under way, and whether each says that nobody watches.
    pub replies: BTreeSet<(Told, bool)>,
    /// Ends of watches under way.
    pub unwatches: BTreeSet<i64>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// What a restore would bring back.
    pub copy: Option<(u16, Option<Watch>)>,
    /// When a restore did.
    pub restored_at: Option<UnixMillis>,
    /// What a replica would still say of the watch and the roles; wrong forms read it.
    pub lagging: Option<(i64, u16)>,
    /// The greatest version that was served.
    pub served: i64,
    /// When each set that is still about ceased to be the truth; 0 while it is.
    pub ended: [i64; SETS_MAX],
    /// What the last step broke or showed, as bits of `laws`.
    pub marks: u32,
}

/// A guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Asks nothing.
    Idle,
    /// Waits for a fill. Whether it may ask for one more.
    Waits {
        /// When it asked.
        asked_at: UnixMillis,
        /// Whether the fill under way may be older than the question.
        once_more: bool,
    },
    /// Has an answer and decides by it.
    Holds {
        /// The version of the set.
        version: i64,
        /// The set.
        what: u16,
        /// Until when it may be relied on.
        good_until: UnixMillis,
    },
}

impl Model for Cache {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: BEGIN,
            truth: 0,
            made: 0,
            slot: None,
            deleted: 0,
            object: Object::new(0),
            orphans: BTreeSet::new(),
            hints: BTreeSet::new(),
            replies: BTreeSet::new(),
            unwatches: BTreeSet::new(),
            guards: vec![Guard::Idle; self.bounds.guards],
            copy: None,
            restored_at: None,
            lagging: None,
            served: 0,
            ended: [0; SETS_MAX],
            marks: 0,
        }]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        act::list(self, world, acts);
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        next.marks = 0;
        step::step(self, &mut next, act);
        step::forget(&mut next);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(&self.bounds)
    }
}

impl Cache {
    /// Soft: half a tick, so a set of the tick before is refreshed. Hard: one and a half, so a set
    /// of two ticks before is not served. Idle: two ticks, or never.
    pub(crate) fn ages(&self) -> Ages {
        let idle_ms = if self.bounds.alarms { 2 * TICK_MS } else { 1 << 40 };
        Ages { soft_ms: TICK_MS / 2, hard_ms: TICK_MS + TICK_MS / 2, idle_ms }
    }
}

/// The question of a guard. The second one wants no set older than a second.
pub(crate) fn question(guard: usize) -> Ask {
    Ask { user_id: user_id(0).into(), fresh: guard == 1, min_version: 0 }
}

/// A number as the roles that it stands for.
pub(crate) fn roles(version: i64, what: u16) -> RoleSet {
    let roles = vec![what.to_string()];
    RoleSet { version, standing: Standing::Live, roles, organizations: vec![] }
}

/// The number that some roles stand for.
pub(crate) fn number(set: &RoleSet) -> u16 {
    set.roles.first().and_then(|role| role.parse().ok()).unwrap_or(u16::MAX)
}

/// What the guards ask for: the even sets carry it.
pub(crate) fn need() -> Need {
    let even = (0..SETS_MAX).step_by(2).map(|what| Need::Role(what.to_string()));
    Need::Any(even.collect())
}
