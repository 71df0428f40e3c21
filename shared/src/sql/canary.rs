//! Statements of the canary.

use serde_json::json;

use super::{Arg, Statement};
use crate::canary::{CanaryRun, KEPT_MS};
use crate::time::UnixMillis;

const BEGIN: &str = text!("canary_begin");
const LEARN: &str = text!("canary_learn");
const NEWEST: &str = text!("canary_newest");
const RECENT: &str = text!("canary_recent");
const FORGET: &str = text!("canary_forget");

/// After every time: all are below 2^53.
const ALL_TIME: UnixMillis = UnixMillis(1 << 53);

/// Reads the newest run, as [`CanaryRun`].
#[must_use]
pub fn newest() -> Statement {
    Statement { sql: NEWEST, args: vec![] }
}

/// Inserts a run, unless another sweep began one after `newest` was read. Returns its row.
#[must_use]
pub fn begin(run: &CanaryRun, newest: Option<&CanaryRun>) -> Statement {
    let newest = newest.map_or(0, |run| run.began_at.0);
    let args = vec![Arg::Int(run.began_at.0), Arg::Text(run.role.clone()), Arg::Int(newest)];
    Statement { sql: BEGIN, args }
}

/// Writes what a run has learned. What is written stays, so a repeat changes nothing.
#[must_use]
pub fn learn(run: &CanaryRun) -> Statement {
    Statement { sql: LEARN, args: vec![Arg::Text(json!(run).to_string())] }
}

/// Removes the runs that are older than a day.
#[must_use]
pub fn forget(now: UnixMillis) -> Statement {
    Statement { sql: FORGET, args: vec![Arg::Int(now.plus(-KEPT_MS).0)] }
}

/// Removes every run: there is no canary any more.
#[must_use]
pub fn forget_all() -> Statement {
    Statement { sql: FORGET, args: vec![Arg::Int(ALL_TIME.0)] }
}

/// Reads what [`crate::canary::figures::figures`] needs: at most four runs, the oldest first.
#[must_use]
pub fn recent() -> Statement {
    Statement { sql: RECENT, args: vec![] }
}
