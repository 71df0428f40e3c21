//! Statements of the metrics: the exact counters, and what the console's scrape reads.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Arg, Statement, canary, json_list_of, overview};
use crate::json::deserialize_from_object;
use crate::metrics::batch;
use crate::metrics::flush::SeriesValue;
use crate::metrics::labels::OTHER;
use crate::metrics::table::EVENTS;
use crate::operators::letter::LetterState;
use crate::plan::{BatchPlan, DeadLetter};

const TOTALS_RAISED: &str = text!("totals_raised");
const TOTALS: &str = text!("totals");
const DECIDED: &str = text!("decided");

/// A row of `totals`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct TotalRow {
    /// The metric's name.
    pub metric: String,
    /// The label values, separated by commas.
    pub labels: String,
    /// The count.
    pub total: i64,
}

deserialize_from_object!(TotalRow);

/// Counts a batch and each of its messages once. Comes after the deliveries, whose outcomes it
/// counts, and before the dead letters: it must see which of them are there already.
pub(super) fn totals_raised(plan: &BatchPlan) -> Statement {
    let deliveries = batch::deliveries(plan).map(|(delivery, is_first)| {
        let svix_id = delivery.envelope.svix_id.as_str();
        let mut row = json!({ "svix_id": svix_id, "type": batch::event_type(delivery) });
        if !is_first && let Some(row) = row.as_object_mut() {
            row.insert("outcome".into(), batch::REPEATED.into());
        }
        row
    });
    let unopened = plan.unopened_letters();
    let unopened = unopened.map(|letter| json!({ "letter": letter.row_id(), "type": OTHER }));
    let messages: Vec<Value> = deliveries.chain(unopened).collect();
    let more: Vec<SeriesValue> = batch::exact(plan).into();
    let more = more.iter().map(|it| json!([it.metric, it.labels.join(","), it.value]));
    let args = vec![
        json_list_of(messages),
        Arg::Text(EVENTS.name.into()),
        Arg::Text(plan.batch.clone()),
        json_list_of(more),
    ];
    Statement { sql: TOTALS_RAISED, args }
}

/// Reads what a batch decided, as [`batch::DecidedRow`]: at most one row for each of its messages.
pub(super) fn decided(plan: &BatchPlan) -> Statement {
    let deliveries = plan.deliveries.iter().map(|it| it.envelope.svix_id.as_str());
    let deliveries: BTreeSet<&str> = deliveries.collect();
    let letters: BTreeSet<&str> = plan.unopened_letters().map(DeadLetter::row_id).collect();
    let args = vec![json_list_of(deliveries), Arg::Text(plan.batch.clone()), json_list_of(letters)];
    Statement { sql: DECIDED, args }
}

/// Whether this is the statement that reads [`batch::DecidedRow`]s.
#[must_use]
pub fn is_decided(statement: &Statement) -> bool {
    statement.sql == DECIDED
}

/// Reads every exact counter, as [`TotalRow`].
#[must_use]
pub fn totals() -> Statement {
    Statement { sql: TOTALS, args: vec![] }
}

/// All that a scrape reads from D1, in one batch: [`TotalRow`]s, one `overview::StateOfThings`, the
/// last hour as `overview::FlowRow`, letters in every state as `overview::ReasonCount`, and the
/// canary's runs as [`canary::recent`] reads them.
#[must_use]
pub fn scrape() -> [Statement; 5] {
    let letters = overview::reason_counts(&LetterState::ALL.map(LetterState::as_str));
    [totals(), overview::state_of_things(), overview::last_hour(), letters, canary::recent()]
}

impl From<TotalRow> for SeriesValue {
    fn from(row: TotalRow) -> Self {
        let labels = row.labels.split(',').filter(|value| !value.is_empty());
        Self {
            metric: row.metric,
            labels: labels.map(str::to_owned).collect(),
            value: u64::try_from(row.total).unwrap_or_default(),
            buckets: vec![],
        }
    }
}
