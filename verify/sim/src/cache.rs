//! The cache half alone, deep: one user's roles in D1, the watch, the outbox, the object, two
//! guards, the alarm, one restore of the database, and a network that loses, repeats and reorders.
//!
//! What the user may do is a number: each commit makes the next one, and even ones grant. So every
//! set that is served can be told from every other, and its time as the truth is known.

mod act;
mod laws;
mod step;

use shared::cache::AgeLimits;
use shared::guard::Need;
use shared::role_cache::RoleQuery;
use stateright::{Model, Property};

pub use act::Act;

use crate::d1::Slot;
use crate::few::Few;
use crate::object::Object;
use crate::variant::Variant;
use crate::wire::{Ms, Read, Sent, Told, user_id};

/// One step of the clock. Longer than a second: within that a set counts as fresh.
pub(crate) const TICK_MS: Ms = 10_000;

/// When the model begins.
const BEGIN: Ms = 1_000_000;

/// Sets that one run can make: the first, and one for each commit.
const SETS_MAX: usize = 6;

/// What is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is chosen by itself")]
pub struct Bounds {
    /// Changes to what the user may do.
    pub commits: u8,
    /// Steps of the clock.
    pub ticks: Ms,
    /// Fills without an instance, and answers to hints, that the network holds at a time. Hints
    /// that differ can always pass each other.
    pub under_way: usize,
    /// Guards that ask at the same time, each as often as it likes.
    pub guards: &'static [Wants],
    /// Whether an idle object ends its watch.
    pub alarms: bool,
    /// Whether the database may be set back once.
    pub restores: bool,
    /// Whether a change may be one for everybody, which the watch takes in later.
    pub everybody: bool,
    /// Whether reads may be answered by a replica that is behind by one change and one tick.
    pub replica: bool,
    /// Whether writes to the disk may fail, and fills and questions for a version are spaced. Else
    /// as much time goes by after each as makes no difference.
    pub trouble: bool,
    /// How far D1's clock is ahead of the object's; each is a state to begin with.
    pub skews: &'static [Ms],
}

/// What a guard asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// What the object holds.
    Plain,
    /// No set older than a second.
    Fresh,
    /// The version that D1 had reached when it asked, or a later one.
    AtLeast,
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
    /// The clock of the object and the guards.
    pub now: Ms,
    /// How far D1's clock is ahead of it.
    pub skew: Ms,
    /// What the user may do now.
    pub truth: u8,
    /// The last set that was made.
    pub made: u8,
    /// The user's watch.
    pub slot: Slot,
    /// The role cache.
    pub object: Object,
    /// Fills whose instance is gone.
    pub orphans: Few<Sent, 2>,
    /// Hints under way. Taking one leaves it there: it may come again.
    pub hints: Few<Told, 2>,
    /// Answers to hints under way, and whether each says that nobody watches.
    pub replies: Few<(Told, bool), 2>,
    /// Ends of watches under way.
    pub unwatches: Few<Ms, 3>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// What a restore would bring back.
    pub copy: Option<(u8, Slot)>,
    /// When a restore did.
    pub restored_at: Option<Ms>,
    /// What a replica that is behind would still say, and when it ceased to be so.
    pub lagging: Option<(Option<Read>, Ms)>,
    /// The greatest version that was served.
    pub served: Ms,
    /// When each set that is still about ceased to be the truth; 0 while it is.
    pub ended: [Ms; SETS_MAX],
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
        asked_at: Ms,
        /// No version below this will do.
        least: Ms,
        /// What the user could do when that was the version.
        since: u8,
        /// Whether the fill under way may be older than the question.
        once_more: bool,
    },
    /// Has an answer and decides by it.
    Holds {
        /// The version of the set.
        version: Ms,
        /// The set.
        what: u8,
        /// Until when it may be relied on.
        good_until: Ms,
    },
}

impl Model for Cache {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let begin = |skew: &Ms| World {
            now: BEGIN,
            skew: *skew,
            truth: 0,
            made: 0,
            slot: Slot::default(),
            object: Object::new(0),
            orphans: Few::default(),
            hints: Few::default(),
            replies: Few::default(),
            unwatches: Few::default(),
            guards: vec![Guard::Idle; self.bounds.guards.len()],
            copy: None,
            restored_at: None,
            lagging: None,
            served: 0,
            ended: [0; SETS_MAX],
            marks: 0,
        };
        self.bounds.skews.iter().map(begin).collect()
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
    pub(crate) fn ages(&self) -> AgeLimits {
        let tick = i64::from(TICK_MS);
        let idle_ms = if self.bounds.alarms { 2 * tick } else { 1 << 30 };
        AgeLimits { soft_ms: tick / 2, hard_ms: tick + tick / 2, idle_ms }
    }

    /// What a guard asks; `least` is the version that it names.
    pub(crate) fn question(&self, guard: usize, least: Ms) -> RoleQuery {
        let wants = self.bounds.guards.get(guard).copied().unwrap_or(Wants::Plain);
        let (fresh, min_version) = (wants == Wants::Fresh, least.into());
        RoleQuery { user_id: user_id(0).into(), fresh, min_version, compact: true }
    }
}

impl World {
    /// What D1's clock says.
    pub(crate) fn d1_now(&self) -> Ms {
        self.now + self.skew
    }
}

/// What the guards ask for: the even sets carry it.
pub(crate) fn need() -> Need {
    let even = (0..SETS_MAX).step_by(2).map(|what| Need::Role(what.to_string()));
    Need::Any(even.collect())
}
