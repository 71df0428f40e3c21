//! What the consumer counts of one batch.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::labels::{EVENT_TYPE, OTHER};
use super::table::{BATCHES, EVENTS, MESSAGES, PARKED, RETRIED_MESSAGES};
use super::tally::Tally;
use crate::event::Payload;
use crate::json::deserialize_from_object;
use crate::plan::{BatchPlan, DeadLetter, DeliveryOutcome, DeliveryRecord};
use crate::time::UnixMillis;

/// The outcome of a message whose delivery had its outcome before.
pub const REPEATED: &str = "repeated";

/// The exact counters that do not depend on what D1 finds.
#[must_use]
pub fn exact(plan: &BatchPlan) -> Tally {
    let mut tally = Tally::default();
    tally.count(&BATCHES, &[], 1);
    tally.count(&MESSAGES, &[], plan.messages().into());
    tally.count(&RETRIED_MESSAGES, &[], plan.retried.into());
    for letter in &plan.dead_letters {
        tally.count(&PARKED, &[&letter.reason], 1);
    }
    tally
}

/// The label of a delivery's event type.
#[must_use]
pub fn event_type(delivery: &DeliveryRecord) -> &'static str {
    let known = EVENT_TYPE.values.iter().copied();
    known.into_iter().find(|it| *it == delivery.envelope.event_type).unwrap_or(OTHER)
}

/// The deliveries of a batch, each with whether it is the first one of its `svix-id` in the batch.
pub fn deliveries(plan: &BatchPlan) -> impl Iterator<Item = (&DeliveryRecord, bool)> {
    let mut seen = BTreeSet::new();
    let deliveries = plan.deliveries.iter();
    deliveries.map(move |it| (it, seen.insert(it.envelope.svix_id.as_str())))
}

/// The values of the label `stage`: from Clerk's time of an event to its arrival at the door.
pub const CLERK_TO_DOOR: &str = "clerk_to_door";

/// From there to the commit.
pub const DOOR_TO_APPLIED: &str = "door_to_applied";

/// From Clerk's time to the commit.
pub const CLERK_TO_APPLIED: &str = "clerk_to_applied";

/// From the commit to the acknowledged hint.
pub const APPLIED_TO_VISIBLE: &str = "applied_to_visible";

/// How long the stages of one event took, in milliseconds, by the values of the label `stage`.
/// There are none to and from Clerk if its event has no time.
pub type Stages = [(&'static str, Option<i64>); 3];

/// What a batch decided, as a row of `decided.sql`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct DecidedRow {
    /// The `svix-id` of a delivery, or the id of a letter.
    pub id: String,
    /// A delivery's outcome; of a letter that it was there already.
    pub outcome: String,
}

deserialize_from_object!(DecidedRow);

/// What D1 decided in a batch that was committed.
#[derive(Debug)]
pub struct Decided<'plan> {
    plan: &'plan BatchPlan,
    /// By `svix-id` of the deliveries that got their outcome in this batch, and by the id of the
    /// letters that were there already.
    outcomes: BTreeMap<String, String>,
}

impl<'plan> Decided<'plan> {
    /// What D1 answered about a plan.
    pub fn new(plan: &'plan BatchPlan, rows: impl IntoIterator<Item = DecidedRow>) -> Self {
        let outcomes = rows.into_iter().map(|row| (row.id, row.outcome)).collect();
        Self { plan, outcomes }
    }

    /// The messages and their outcomes, as `totals` has them. D1 knows them exactly, and a scrape
    /// shows those; the isolate counts them for the charts.
    #[must_use]
    pub fn messages(&self) -> Tally {
        let mut tally = Tally::default();
        tally.count(&MESSAGES, &[], self.plan.messages().into());
        for (delivery, is_first) in deliveries(self.plan) {
            let outcome = self.outcome(delivery).filter(|_| is_first).unwrap_or(REPEATED);
            tally.count(&EVENTS, &[event_type(delivery), outcome], 1);
        }
        for letter in self.plan.unopened_letters().map(DeadLetter::row_id) {
            let outcome = self.outcomes.get(letter).map_or("parked", String::as_str);
            tally.count(&EVENTS, &[OTHER, outcome], 1);
        }
        tally
    }

    /// The stages of each event that the rows decided in this batch, at `committed_at`. Copies have
    /// none. Nor have replays, because they waited for an operator, nor what is not synced.
    pub fn stages(&self, committed_at: UnixMillis) -> impl Iterator<Item = Stages> {
        self.timed().map(move |(delivery, _)| {
            let envelope = &delivery.envelope;
            let (event_at, received_at) = (envelope.event_at, envelope.received_at);
            [
                (CLERK_TO_DOOR, event_at.map(|at| received_at.since(at))),
                (DOOR_TO_APPLIED, Some(committed_at.since(received_at))),
                (CLERK_TO_APPLIED, event_at.map(|at| committed_at.since(at))),
            ]
        })
    }

    /// The users of the events that have [stages](Self::stages) and were applied: their hints are
    /// the last stage.
    pub fn users_of_applied(&self) -> impl Iterator<Item = String> {
        let applied = self.timed().filter(|(_, outcome)| *outcome == "applied");
        applied.flat_map(|(delivery, _)| match &delivery.envelope.payload {
            Payload::Event(event) => event.users.iter().map(ToString::to_string).collect(),
            Payload::Ignored | Payload::Unreadable(_) => vec![],
        })
    }

    fn timed(&self) -> impl Iterator<Item = (&'plan DeliveryRecord, &str)> {
        let first = deliveries(self.plan).filter(|(_, is_first)| *is_first);
        let merged = first.map(|(delivery, _)| delivery).filter(|delivery| {
            matches!(delivery.outcome, DeliveryOutcome::DecidedByRow(_))
                && delivery.envelope.replay.is_none()
        });
        merged.filter_map(|delivery| Some((delivery, self.outcome(delivery)?)))
    }

    fn outcome(&self, delivery: &DeliveryRecord) -> Option<&str> {
        self.outcomes.get(delivery.envelope.svix_id.as_str()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{APPLIED_TO_VISIBLE, CLERK_TO_APPLIED, CLERK_TO_DOOR, DOOR_TO_APPLIED, REPEATED};
    use crate::metrics::labels::{EVENT_OUTCOME, STAGE};

    #[test]
    fn each_stage_and_the_outcome_of_copies_are_in_the_table_of_metrics() {
        let stages = [CLERK_TO_DOOR, DOOR_TO_APPLIED, CLERK_TO_APPLIED, APPLIED_TO_VISIBLE];
        assert_eq!(stages, STAGE.values);
        assert!(EVENT_OUTCOME.values.contains(&REPEATED));
    }
}
