//! Inputs and decisions of the cache.

use std::fmt;

use crate::limits::FILLS_MAX;
use crate::role_cache::RoleAnswer;
use crate::roles::RoleSet;
use crate::time::UnixMillis;

/// The decision on a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheDecision {
    /// Send this answer.
    Serve(RoleAnswer),
    /// Send this answer, and refill in the background.
    ServeAndRefill(RoleAnswer),
    /// Fill, then answer with
    /// [`CacheState::answer_after_fill`](super::CacheState::answer_after_fill).
    FillFirst,
    /// Wait for the running fill, if there is one, and start none; then answer as after
    /// [`CacheDecision::FillFirst`]. D1 was read a moment ago for a version not reached yet.
    JoinFill,
    /// Answer with an error.
    Refuse(RefusalReason),
}

/// Why a query is refused without a read of D1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The requested version is too far in the future.
    VersionTooFarAhead,
    /// A fill, load or save failed a moment ago, and no role set may be served meanwhile.
    BackingOff,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VersionTooFarAhead => "the requested version is too far in the future",
            Self::BackingOff => "the last fill, load or save failed, backing off",
        })
    }
}

/// A running fill: what to send to D1, and what its result is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRequest {
    /// The owner that started it.
    pub owner: i64,
    /// The floor to send to D1: a D1 restored from a backup continues above it.
    pub floor: i64,
    /// Whether to register the watch first, in the same batch. Otherwise it only reads.
    pub registers: bool,
    /// Time just before it was sent.
    pub sent_at: UnixMillis,
}

/// The result of a fill: the rows of [`crate::sql::FILL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillResult {
    /// The owner of the watch.
    pub owner: i64,
    /// The role set at the watch's version.
    pub set: RoleSet,
}

/// What the result of a fill led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillOutcome {
    /// The role set is applied.
    Applied,
    /// The watch must be registered (again): begin another fill.
    RegisterAgain,
    /// The fill belongs to an older owner and is ignored.
    Discarded,
}

/// What to do after a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFill {
    /// The roles are there.
    Done,
    /// Begin another fill, which registers the watch or only reads.
    FillAgain {
        /// Whether it registers the watch.
        registers: bool,
    },
    /// `FILLS_MAX` fills were not enough, because of hints or other owners: the roles are
    /// unavailable.
    GiveUp,
}

impl FillOutcome {
    /// What follows, when `fills` were made for this answer.
    #[must_use]
    pub fn next_step(self, fills: u32) -> AfterFill {
        match self {
            Self::Applied => AfterFill::Done,
            Self::RegisterAgain | Self::Discarded if FILLS_MAX <= fills => AfterFill::GiveUp,
            Self::RegisterAgain => AfterFill::FillAgain { registers: true },
            Self::Discarded => AfterFill::FillAgain { registers: false },
        }
    }
}

/// What to do when the alarm fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmAction {
    /// In use: set the alarm to this time.
    Rearm(UnixMillis),
    /// Idle: delete the watch of this owner in D1, then clear the storage if
    /// [`CacheState::watch_ended`](super::CacheState::watch_ended) allows it.
    EndWatch(i64),
}
