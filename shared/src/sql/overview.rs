//! Statements of the overview and of the metrics.

use serde::Deserialize;
use serde_json::json;

use super::{Arg, Statement};
use crate::json::deserialize_from_object;
use crate::operators::api::overview::FlowHour;
use crate::time::UnixMillis;

/// The last hours with a commit, the newest first, at most `?1`: rows of [`FlowRow`].
const FLOW: &str = text!("flow_hours");

/// One row, [`StateOfThings`].
const STATE_OF_THINGS: &str = text!("overview");

/// Parked and replaying letters by reason: rows of [`ReasonCount`].
const REASON_COUNTS: &str = text!("reason_counts");

/// The newest migration: one row, [`SchemaRow`]. The table is D1's own, and is not there in a
/// database that was migrated by other means.
const SCHEMA: &str = text!("schema");

/// Hours of [`flow`].
pub const FLOW_HOURS: i64 = 24;

/// Pending hints that are counted.
pub const PENDING_HINTS_MAX: i64 = 1_000;

/// A row of `flow`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct FlowRow {
    /// Hours since 1970.
    pub hour: i64,
    /// See [`FlowHour`].
    pub batches: i64,
    /// See [`FlowHour`].
    pub messages: i64,
    /// See [`FlowHour`].
    pub ignored: i64,
    /// See [`FlowHour`].
    pub parked: i64,
    /// See [`FlowHour`].
    pub lag_ms_max: i64,
    /// The sum of the batches' longest times.
    pub lag_ms_sum: i64,
    /// The last commit.
    pub last_at: UnixMillis,
}

/// What the tables say now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct StateOfThings {
    /// The end of the last sweep.
    pub last_sweep_at: Option<UnixMillis>,
    /// At most [`PENDING_HINTS_MAX`].
    pub pending_hints: i64,
    /// The version of the oldest one.
    pub oldest_pending_hint: Option<UnixMillis>,
    /// When the oldest parked letter was first seen.
    pub oldest_parked_at: Option<UnixMillis>,
    /// Replays that are not at their end.
    pub open_replays: i64,
}

/// Letters of one state and reason.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct ReasonCount {
    /// `parked` or `replaying`.
    pub state: String,
    /// `dead_letters.reason`.
    pub reason: String,
    /// How many.
    pub letters: i64,
}

/// The newest migration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct SchemaRow {
    /// The name of its file.
    pub name: String,
}

deserialize_from_object!(FlowRow, StateOfThings, ReasonCount, SchemaRow);

/// Reads the last [`FLOW_HOURS`] hours with a commit, the newest first.
#[must_use]
pub fn flow() -> Statement {
    Statement { sql: FLOW, args: vec![Arg::Int(FLOW_HOURS)] }
}

/// Reads the last hour with a commit.
#[must_use]
pub fn last_hour() -> Statement {
    Statement { sql: FLOW, args: vec![Arg::Int(1)] }
}

/// Reads what the tables say now.
#[must_use]
pub fn state_of_things() -> Statement {
    Statement { sql: STATE_OF_THINGS, args: vec![Arg::Int(PENDING_HINTS_MAX)] }
}

/// Counts the letters in these states by reason.
#[must_use]
pub fn reason_counts(states: &[&str]) -> Statement {
    Statement { sql: REASON_COUNTS, args: vec![Arg::Text(json!(states).to_string())] }
}

/// Reads the newest migration.
#[must_use]
pub fn schema() -> Statement {
    Statement { sql: SCHEMA, args: vec![] }
}

impl FlowRow {
    /// The hour as the API shows it.
    #[must_use]
    pub fn shown(&self) -> FlowHour {
        FlowHour {
            at: UnixMillis(self.hour.saturating_mul(3_600_000)),
            batches: self.batches,
            messages: self.messages,
            ignored: self.ignored,
            parked: self.parked,
            lag_ms_max: self.lag_ms_max,
            lag_ms_mean: self.lag_ms_sum.checked_div(self.batches).unwrap_or_default(),
        }
    }
}
