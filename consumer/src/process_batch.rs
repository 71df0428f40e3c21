//! Processes one batch of either queue: opens the messages, plans, commits to D1, acknowledges each
//! message, and sends hints.

use edge::fault_point;
use edge::random::jitter;
use shared::batch::BatchProgress;
use shared::inbox::{self, ReceivedMessage};
use shared::metrics::point::BatchPoint;
use shared::outbox::{self, PendingHint};
use shared::plan::{BatchPlan, DeadLetter, OutcomeCounts, plan};
use shared::queue::QueueKind;
use worker::Env;

use crate::analytics;
use crate::count;
use crate::db::ConsumerDb;
use crate::message::QueueMessage;
use crate::send_hints;

pub(crate) async fn process_batch(
    env: &Env,
    queue: &str,
    kind: QueueKind,
    messages: Vec<QueueMessage>,
) {
    let db = ConsumerDb::new(env);
    let received: Vec<ReceivedMessage> = messages.iter().map(|it| it.received.clone()).collect();
    let (part, decisions) = inbox::open_messages(queue, &received, jitter);
    let mut progress = BatchProgress::new(part, decisions);
    fault_point!(env, "batch-opened", "");
    let mut point = BatchPoint::of(messages.len());
    let pending = commit(env, &db, &mut progress, &mut point).await;
    fault_point!(env, "batch-decided", "");
    for message in &messages {
        message.finish(inbox::action_for(&message.received, progress.decisions(), jitter));
        fault_point!(env, "batch-settling", &message.received.id);
    }
    fault_point!(env, "batch-settled", "");
    let hints = send_hints::send_hints(env, &db, outbox::merge_round(pending, vec![])).await;
    point.add_hints(&hints);
    analytics::write(env, kind, &point);
}

/// Commits every part of the batch. Returns the pending hints.
async fn commit(
    env: &Env,
    db: &ConsumerDb,
    progress: &mut BatchProgress,
    point: &mut BatchPoint,
) -> Vec<PendingHint> {
    let mut pending = Vec::new();
    while let Some(part) = progress.next_part() {
        let plan = plan(&part.queue, &part.messages, part.dead_letters.clone());
        let plan = BatchPlan { batch: edge::random::short_id(), ..plan };
        fault_point!(env, "batch-planned", "");
        match db.commit(env, &plan, edge::clock::now()).await {
            Ok(hints) => {
                count::commit(&plan, edge::clock::now(), point);
                fault_point!(env, "batch-committed", "");
                log_commit(&plan);
                pending.extend(hints);
                progress.record_commit(&part);
            }
            Err(error) => {
                let (queue, messages, cause) = (&part.queue, part.len(), error.text());
                tracing::warn!(queue, messages, cause, "D1 batch failed");
                count::failure(&error, point);
                fault_point!(env, "batch-refused", cause);
                progress.record_failure(part, &error, jitter());
            }
        }
    }
    pending
}

/// One line for the batch, and one error for each dead letter. The outcome of each delivery is in
/// `deliveries`: a line for each would be most of what a batch costs.
fn log_commit(plan: &BatchPlan) {
    let batch = plan.batch.as_str();
    for DeadLetter { message_id, reason, detail, attempts, replay, .. } in &plan.dead_letters {
        let (letter, outcome) = (replay.as_ref().map(|tag| tag.letter.as_str()), "parked");
        tracing::error!(message_id, letter, reason, detail, attempts, outcome, "message parked");
    }
    let OutcomeCounts { merged, ignored, parked } = plan.outcome_counts();
    tracing::info!(batch, merged, ignored, parked, "D1 batch committed");
}
