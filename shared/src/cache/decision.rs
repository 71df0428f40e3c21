//! What the machine is told, and what it says to do.

use crate::role_cache::RoleAnswer;
use crate::roles::RoleSet;
use crate::time::UnixMillis;

/// What a question gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheDecision {
    /// This answer.
    Serve(RoleAnswer),
    /// This answer, and a refill behind it.
    ServeAndRefill(RoleAnswer),
    /// A refill first; then ask again with
    /// [`State::after_fill`](super::CacheState::answer_after_fill).
    Fill,
    /// The fill under way, if there is one, and none after it; then as after
    /// [`CacheDecision::Fill`]. D1 was read a moment ago for a version that it had not reached.
    Join,
    /// No answer now.
    Refuse(RefusalReason),
}

/// Why a question is refused without a read of D1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The version asked for lies too far ahead of the clock to be true.
    Ahead,
    /// The last fill failed a moment ago, and what is in hand may not be served.
    Waiting,
}

/// A fill under way: what to send to D1, and what its answer is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRequest {
    /// The incarnation that asks.
    pub owner: i64,
    /// The floor to send along: a restored D1 is lifted above it.
    pub floor: i64,
    /// Whether to register the watch first, in the same batch. Else it is a read alone.
    pub registers: bool,
    /// Just before it was sent.
    pub sent_at: UnixMillis,
}

/// What D1 answered: the row of [`crate::sql::FILL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillResult {
    /// The incarnation that holds the watch.
    pub owner: i64,
    /// The roles at the watch's version.
    pub set: RoleSet,
}

/// What a fill's answer led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillOutcome {
    /// The set is in.
    Applied,
    /// The watch must be registered (again); begin another fill.
    Again,
    /// The answer belongs to an incarnation that is over.
    Dropped,
}

/// What the alarm found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmAction {
    /// In use: arm it again for this instant.
    Rearm(UnixMillis),
    /// Idle: end the watch of this incarnation in D1, then clear the storage if
    /// [`State::ended`](super::CacheState::watch_ended) says so.
    End(i64),
}
