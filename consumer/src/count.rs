//! Counts what the consumer does. What D1 knows is counted in its batch.

use shared::d1_error::D1Error;
use shared::metrics::batch;
use shared::metrics::labels::OTHER;
use shared::metrics::point::BatchPoint;
use shared::metrics::table::{
    BATCH_FAILURES, HINTS, MESSAGE_ACTIONS, MESSAGE_ATTEMPTS, STAGE_SECONDS, SWEEP_STEPS,
};
use shared::plan::BatchPlan;
use shared::queue::QueueKind;
use shared::retry::{QueueAction, is_dropped};
use shared::role_cache::HintReply;
use shared::time::UnixMillis;

/// A D1 batch was committed at `now`.
pub(crate) fn commit(plan: &BatchPlan, now: UnixMillis, point: &mut BatchPoint) {
    point.add_commit(plan);
    for stages in batch::stages(plan, now) {
        point.add_stages(stages);
        for (stage, took) in stages {
            if let Some(ms) = took {
                edge::metrics::observe(&STAGE_SECONDS, &[stage], ms);
            }
        }
    }
}

/// A D1 batch was not committed.
pub(crate) fn failure(error: &D1Error, point: &mut BatchPoint) {
    point.failures += 1;
    edge::metrics::count(&BATCH_FAILURES, &[error.kind()], 1);
}

/// The queue was told what to do with a message.
pub(crate) fn action(queue: Option<QueueKind>, action: QueueAction, attempts: u32) {
    let queue = queue.map_or(OTHER, QueueKind::as_str);
    let told = match action {
        QueueAction::Ack => "acked",
        QueueAction::RetryAfter(_) if is_dropped(action, attempts) => "dropped",
        QueueAction::RetryAfter(_) => "retried",
    };
    edge::metrics::count(&MESSAGE_ACTIONS, &[queue, told], 1);
    if told != "retried" {
        edge::metrics::observe(&MESSAGE_ATTEMPTS, &[queue], attempts.into());
    }
}

/// A role cache answered a hint, or did not. `took` is the time from the commit to the answer.
pub(crate) fn hint(reply: Option<HintReply>, took: i64) {
    edge::metrics::count(&HINTS, &[reply.map_or("failed", HintReply::as_str)], 1);
    if reply == Some(HintReply::Acked) {
        edge::metrics::observe(&STAGE_SECONDS, &["applied_to_visible"], took);
    }
}

/// A step of a sweep ended. `step` is a value of its label.
pub(crate) fn sweep_step<T, E>(step: &str, done: &Result<T, E>) {
    let result = if done.is_ok() { "ok" } else { "failed" };
    edge::metrics::count(&SWEEP_STEPS, &[step, result], 1);
}
