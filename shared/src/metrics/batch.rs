//! What the consumer counts of one batch.

use super::labels::{EVENT_TYPE, OTHER};
use super::table::{BATCHES, MESSAGES, PARKED, RETRIED_MESSAGES};
use super::tally::Tally;
use crate::plan::{BatchPlan, DeliveryOutcome, DeliveryRecord};
use crate::time::UnixMillis;

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

/// How long the stages of one event took, in milliseconds, by the values of the label `stage`.
/// There are none to and from Clerk if its event has no time.
pub type Stages = [(&'static str, Option<i64>); 3];

/// The stages of each event of a batch that was committed at `committed_at`. Replays have none,
/// because they waited for an operator, and neither has what is not synced.
pub fn stages(plan: &BatchPlan, committed_at: UnixMillis) -> impl Iterator<Item = Stages> {
    let merged = plan.deliveries.iter().filter(|delivery| {
        matches!(delivery.outcome, DeliveryOutcome::DecidedByRow(_))
            && delivery.envelope.replay.is_none()
    });
    merged.map(move |delivery| {
        let (event_at, received_at) = (delivery.envelope.event_at, delivery.envelope.received_at);
        [
            ("clerk_to_door", event_at.map(|at| received_at.since(at))),
            ("door_to_applied", Some(committed_at.since(received_at))),
            ("clerk_to_applied", event_at.map(|at| committed_at.since(at))),
        ]
    })
}
