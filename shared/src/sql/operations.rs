//! Statements of what the consumer records about itself, and of what its sweep ends.

use serde_json::json;

use super::{Arg, Statement, json_list_of};
use crate::limits::SWEEP_ROWS_MAX;
use crate::operators::settle::EndedGrant;
use crate::plan::BatchPlan;
use crate::time::UnixMillis;

const FLOW: &str = text!("flow");
const HEARTBEAT: &str = text!("heartbeat");
const GRANTS_ENDING: &str = text!("grants_ending");
const GRANTS_ENDED: &str = text!("grants_ended");

const HOUR_MS: i64 = 3_600_000;

/// Adds a batch to the flow of its hour. Its lag is the longest time from the arrival of a delivery
/// at ingest to `now`; a replayed message has none.
#[must_use]
pub fn flow(plan: &BatchPlan, now: UnixMillis) -> Statement {
    let counts = plan.outcome_counts();
    let messages = plan.messages();
    let parked = messages.saturating_sub(counts.merged).saturating_sub(counts.ignored);
    let envelopes = plan.deliveries.iter().map(|delivery| &delivery.envelope);
    let first_time = envelopes.filter(|envelope| envelope.replay.is_none());
    let lag = first_time.map(|envelope| now.since(envelope.received_at)).max();
    let args = vec![
        Arg::Int(now.0.div_euclid(HOUR_MS)),
        Arg::Int(messages.into()),
        Arg::Int(counts.ignored.into()),
        Arg::Int(parked.into()),
        Arg::Int(lag.unwrap_or_default().max(0)),
        Arg::Int(now.0),
    ];
    Statement { sql: FLOW, args }
}

/// Records that `name` ran, with a JSON object of what it did.
#[must_use]
pub fn heartbeat(name: &str, now: UnixMillis, detail: &str) -> Statement {
    let args = vec![Arg::Text(name.into()), Arg::Int(now.0), Arg::Text(detail.into())];
    Statement { sql: HEARTBEAT, args }
}

/// Reads at most [`SWEEP_ROWS_MAX`] grants whose end has come, as [`EndedGrant`].
#[must_use]
pub fn grants_ending(now: UnixMillis) -> Statement {
    Statement { sql: GRANTS_ENDING, args: vec![Arg::Int(now.0), Arg::Int(SWEEP_ROWS_MAX)] }
}

/// Removes them.
#[must_use]
pub fn grants_ended(grants: &[EndedGrant], now: UnixMillis) -> Statement {
    let rows = grants
        .iter()
        .map(|grant| json!({ "user_id": grant.user_id, "role_id": grant.role_id, "id": grant.id }));
    Statement { sql: GRANTS_ENDED, args: vec![json_list_of(rows), Arg::Int(now.0)] }
}
