//! What the cache half consists of: its bounds, its state, and small helpers on both.

use shared::cache::AgeLimits;
use shared::guard::Need;
use shared::role_cache::RoleQuery;

use crate::d1::Slot;
use crate::object::{Object, Stage};
use crate::small_set::SmallSet;
use crate::variant::Variant;
use crate::wire::{FillRow, HintKey, Ms, SentFill, user_id};

/// One step of the clock. Longer than a second: within that a set counts as fresh.
pub(super) const TICK_MS: Ms = 10_000;

/// When the model begins.
pub(super) const BEGIN: Ms = 1_000_000;

/// Sets that one run can make: the first, and one for each commit.
pub(super) const SETS_MAX: usize = 6;

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
    pub orphans: SmallSet<SentFill, 2>,
    /// Hints under way. Taking one leaves it there: it may come again.
    pub hints: SmallSet<HintKey, 2>,
    /// Answers to hints under way, and whether each says that nobody watches.
    pub replies: SmallSet<(HintKey, bool), 2>,
    /// Ends of watches under way.
    pub unwatches: SmallSet<Ms, 3>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// What a restore would bring back.
    pub copy: Option<(u8, Slot)>,
    /// When a restore did.
    pub restored_at: Option<Ms>,
    /// What a replica that is behind would still say, and when it ceased to be so.
    pub lagging: Option<(Option<FillRow>, Ms)>,
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

impl Cache {
    /// Soft: half a tick, so a set of the tick before is refreshed. Hard: one and a half, so a set
    /// of two ticks before is not served. Idle: two ticks, or never.
    pub(super) fn ages(&self) -> AgeLimits {
        let tick = i64::from(TICK_MS);
        let idle_ms = if self.bounds.alarms { 2 * tick } else { 1 << 30 };
        AgeLimits { soft_ms: tick / 2, hard_ms: tick + tick / 2, idle_ms }
    }

    /// What a guard asks; `least` is the version that it names.
    pub(super) fn question(&self, guard: usize, least: Ms) -> RoleQuery {
        let wants = self.bounds.guards.get(guard).copied().unwrap_or(Wants::Plain);
        let (fresh, min_version) = (wants == Wants::Fresh, least.into());
        RoleQuery { user_id: user_id(0).into(), fresh, min_version, compact: true }
    }
}

impl World {
    /// What D1's clock says.
    pub(super) fn d1_now(&self) -> Ms {
        self.now + self.skew
    }

    /// Every set that somebody may still serve or be served, from a replica that is behind as well.
    pub(super) fn readable_sets(&self) -> impl Iterator<Item = FillRow> + Clone + '_ {
        let read = |version, what| FillRow { owner: 0, version, what };
        let object = &self.object;
        let held = [&object.memory, &object.disk].into_iter().filter_map(|kept| kept.entry);
        let flight = object.flight.and_then(|flight| match flight.stage {
            Stage::Answered(read) => read,
            Stage::Sent => None,
        });
        let guards = self.guards.iter().filter_map(move |guard| match *guard {
            Guard::Holds { version, what, .. } => Some(read(version, what)),
            Guard::Idle | Guard::Waits { .. } => None,
        });
        let lagging = self.lagging.and_then(|(read, _)| read);
        held.map(move |held| read(held.version, held.what))
            .chain(flight)
            .chain(guards)
            .chain(lagging)
    }
}

/// What the guards ask for: the even sets carry it.
pub(super) fn need() -> Need {
    let even = (0..SETS_MAX).step_by(2).map(|what| Need::AppRole(what.to_string()));
    Need::Any(even.collect())
}
