//! The point that the consumer writes to Analytics Engine for each batch of a queue: numbers alone.

use super::batch::Stages;
use crate::outbox::HintResults;
use crate::plan::{BatchPlan, OutcomeCounts};

/// The binding of the data set. Without it no point is written.
pub const ANALYTICS_BINDING: &str = "ANALYTICS";

/// What one batch of a queue did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchPoint {
    /// Messages that the queue delivered.
    pub messages: u32,
    /// D1 batches that were committed.
    pub commits: u32,
    /// D1 batches that were not.
    pub failures: u32,
    /// Deliveries that were applied, superseded or duplicate.
    pub merged: u32,
    /// Deliveries of types that are not synced.
    pub ignored: u32,
    /// Messages that were parked.
    pub parked: u32,
    /// Hints that were acknowledged.
    pub hints_acked: u32,
    /// Hints that are still to be sent.
    pub hints_pending: u32,
    /// The longest time of each stage in milliseconds, or 0.
    pub clerk_to_door_ms: i64,
    /// See [`Self::clerk_to_door_ms`].
    pub door_to_applied_ms: i64,
    /// See [`Self::clerk_to_door_ms`].
    pub clerk_to_applied_ms: i64,
    /// See [`Self::clerk_to_door_ms`].
    pub applied_to_visible_ms: i64,
}

impl BatchPoint {
    /// The columns `double1`, `double2` and so on, by their names. Only ever extended at the end:
    /// the stored points keep their columns.
    #[must_use]
    pub fn doubles(&self) -> [(&'static str, f64); 12] {
        let ms = |ms: i64| f64::from(u32::try_from(ms.max(0)).unwrap_or(u32::MAX));
        [
            ("messages", self.messages.into()),
            ("commits", self.commits.into()),
            ("failures", self.failures.into()),
            ("merged", self.merged.into()),
            ("ignored", self.ignored.into()),
            ("parked", self.parked.into()),
            ("hints_acked", self.hints_acked.into()),
            ("hints_pending", self.hints_pending.into()),
            ("clerk_to_door_ms", ms(self.clerk_to_door_ms)),
            ("door_to_applied_ms", ms(self.door_to_applied_ms)),
            ("clerk_to_applied_ms", ms(self.clerk_to_applied_ms)),
            ("applied_to_visible_ms", ms(self.applied_to_visible_ms)),
        ]
    }

    /// Adds a committed part of the batch.
    pub fn add_commit(&mut self, plan: &BatchPlan) {
        let OutcomeCounts { merged, ignored, .. } = plan.outcome_counts();
        self.commits += 1;
        self.merged += merged;
        self.ignored += ignored;
        self.parked += plan.messages().saturating_sub(merged).saturating_sub(ignored);
    }

    /// Adds the number of messages, and their hints.
    pub fn add_end(&mut self, messages: usize, hints: &HintResults) {
        self.messages += number(messages);
        self.hints_acked += number(hints.acked.len());
        self.hints_pending += number(hints.still_pending.len());
        self.applied_to_visible_ms = self.applied_to_visible_ms.max(hints.slowest_ms);
    }

    /// Adds the stages of one event.
    pub fn add_stages(&mut self, stages: Stages) {
        let [clerk_to_door, door_to_applied, clerk_to_applied] = stages.map(|(_, took)| took);
        let longest = |known: &mut i64, took: Option<i64>| *known = (*known).max(took.unwrap_or(0));
        longest(&mut self.clerk_to_door_ms, clerk_to_door);
        longest(&mut self.door_to_applied_ms, door_to_applied);
        longest(&mut self.clerk_to_applied_ms, clerk_to_applied);
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::BatchPoint;

    #[test]
    fn a_point_has_the_longest_time_of_each_stage() {
        let mut point = BatchPoint::default();
        let stages = |times: [Option<i64>; 3]| times.map(|took| ("", took));
        point.add_stages(stages([Some(5), Some(1), Some(6)]));
        point.add_stages(stages([None, Some(9), None]));
        point.add_stages(stages([Some(-7), Some(2), Some(i64::MAX)]));
        let last = &point.doubles()[8..];
        let names = ["clerk_to_door_ms", "door_to_applied_ms", "clerk_to_applied_ms"];
        let values = [5.0, 9.0, f64::from(u32::MAX)];
        let want: Vec<_> = names.into_iter().zip(values).collect();
        assert_eq!(last, [want, vec![("applied_to_visible_ms", 0.0)]].concat());
    }
}
