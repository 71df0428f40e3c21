//! Figures that dashboards and alerts share, so that both mean the same.

use shared::metrics::labels as label;
use shared::metrics::table;

use super::promql::{Expr, bucket, counter, gauge, observations};

/// An event is fresh if it was applied this many seconds after Clerk's time of it. The queue waits
/// a second for a batch to fill.
const FRESH: &str = "10";

/// The share of events that may be late: the objective is that 99 of 100 are fresh.
pub(crate) const LATE_SHARE: f64 = 0.01;

/// Queries a second at which one primary of D1 is full: what Cloudflare states for queries of 1 ms
/// each, <https://developers.cloudflare.com/d1/platform/limits/>. A query is a statement.
pub(crate) const D1_QUERIES_MAX: f64 = 1_000.0;

/// Reasons of the door's refusals that are ours to mend; the others are the sender's.
pub(crate) const OUR_REFUSALS: [&str; 3] = ["misconfigured", "over-capacity", "queue-unavailable"];

/// Outcomes at the door that put a message into the queue.
pub(crate) const ENQUEUED: [&str; 2] = ["enqueued", "enqueued-unreadable"];

const WHOLE_WAY: [&str; 1] = ["clerk_to_applied"];

/// Events that were applied in a window.
pub(crate) fn applied(window: &str) -> Expr {
    observations(&table::STAGE_SECONDS).with(&label::STAGE, &WHOLE_WAY).increase(window).sum()
}

/// Those of them that were late.
pub(crate) fn late(window: &str) -> Expr {
    applied(window).minus(fresh(window))
}

/// The share of them that was late.
pub(crate) fn late_share(window: &str) -> Expr {
    late(window).divided_by(applied(window))
}

/// The share of them that was fresh.
pub(crate) fn fresh_share(window: &str) -> Expr {
    fresh(window).divided_by(applied(window))
}

fn fresh(window: &str) -> Expr {
    bucket(&table::STAGE_SECONDS, FRESH).with(&label::STAGE, &WHOLE_WAY).increase(window).sum()
}

/// Answers of the guard in a window that say neither yes nor no.
pub(crate) fn unavailable(window: &str) -> Expr {
    let answers = counter(&table::GUARD_ANSWERS).with(&label::GUARD_OUTCOME, &["unavailable"]);
    answers.increase(window).sum()
}

/// Their share of all answers.
pub(crate) fn unavailable_share(window: &str) -> Expr {
    unavailable(window).divided_by(counter(&table::GUARD_ANSWERS).increase(window).sum())
}

/// Answers of role caches in a window that have no role set.
pub(crate) fn no_roles(window: &str) -> Expr {
    let answers = counter(&table::OBJECT_ANSWERS).with(&label::OBJECT_ANSWER, &["unavailable"]);
    answers.increase(window).sum()
}

/// Their share of all answers.
pub(crate) fn no_roles_share(window: &str) -> Expr {
    no_roles(window).divided_by(counter(&table::OBJECT_ANSWERS).increase(window).sum())
}

/// Letters that wait for an operator.
pub(crate) fn parked_letters() -> Expr {
    gauge(&table::DEAD_LETTERS).with(&label::LETTER_STATE, &["parked"]).now().sum()
}

/// The database's size, as a share of what it may be.
pub(crate) fn database_share() -> Expr {
    gauge(&table::D1_SIZE).now().max().divided_by(gauge(&table::D1_SIZE_LIMIT).now().max())
}

/// Days until the database is full, if it grows as in this window.
pub(crate) fn database_days(window: &str) -> Expr {
    let left = gauge(&table::D1_SIZE_LIMIT).now().max().minus(gauge(&table::D1_SIZE).now().max());
    left.divided_by(gauge(&table::D1_SIZE).slope(window).max().times(86_400.0))
}

/// Statements a second of all Workers.
pub(crate) fn d1_queries(window: &str) -> Expr {
    counter(&table::D1_QUERIES).rate(window).sum()
}

/// When a guard last saw the canary, or when it began if none ever did.
pub(crate) fn canary_seen() -> Expr {
    gauge(&table::CANARY_LAST_SEEN).now().max().or(gauge(&table::CANARY_SINCE).now().max())
}
