//! Counts what the consumer does. What D1 knows is counted in its batch.

use shared::d1_error::D1Error;
use shared::metrics::batch::{APPLIED_TO_VISIBLE, Decided};
use shared::metrics::labels::OTHER;
use shared::metrics::point::BatchPoint;
use shared::metrics::table::{
    BATCH_FAILURES, HINTS, MESSAGE_ACTIONS, MESSAGE_ATTEMPTS, STAGE_SECONDS, SWEEP_STEPS,
};
use shared::plan::BatchPlan;
use shared::queue::QueueKind;
use shared::retry::{QueueAction, is_dropped};
use shared::role_cache::HintReply;
use shared::sweep::SweepStep;
use shared::time::UnixMillis;

/// A D1 batch was committed at `now`.
pub(crate) fn commit(
    plan: &BatchPlan,
    decided: &Decided<'_>,
    now: UnixMillis,
    point: &mut BatchPoint,
) {
    point.add_commit(plan);
    edge::metrics::add(&decided.messages());
    for stages in decided.stages(now) {
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
    edge::metrics::count(&MESSAGE_ACTIONS, &[queue, action.as_str(attempts)], 1);
    if action == QueueAction::Ack || is_dropped(action, attempts) {
        edge::metrics::observe(&MESSAGE_ATTEMPTS, &[queue], attempts.into());
    }
}

/// A role cache answered a hint, or did not.
pub(crate) fn hint(reply: Option<HintReply>) {
    edge::metrics::count(&HINTS, &[reply.map_or(HintReply::NONE, HintReply::as_str)], 1);
}

/// A role cache acknowledged the hint of a user whose event was applied, so many milliseconds after
/// the commit.
pub(crate) fn visible(took: i64) {
    edge::metrics::observe(&STAGE_SECONDS, &[APPLIED_TO_VISIBLE], took);
}

/// A step of a sweep ended.
pub(crate) fn sweep_step<T, E>(step: SweepStep, done: &Result<T, E>) {
    let result = if done.is_ok() { "ok" } else { "failed" };
    edge::metrics::count(&SWEEP_STEPS, &[step.as_str(), result], 1);
}
