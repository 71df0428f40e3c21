//! Processes one batch of either queue: opens the messages, plans, commits to D1, acknowledges each
//! message, and sends hints.

use std::rc::Rc;

use edge::fault_point;
use edge::random::jitter;
use shared::batch::BatchProgress;
use shared::canary::Sighting;
use shared::inbox::{self, ReceivedMessage};
use shared::metrics::batch::Decided;
use shared::metrics::point::BatchPoint;
use shared::outbox::{self, PendingHint};
use shared::plan::{BatchPlan, DeadLetter, OutcomeCounts, plan};
use shared::queue::QueueKind;
use shared::time::UnixMillis;
use shared::trace;
use worker::{Env, worker_sys};

use crate::analytics;
use crate::canary;
use crate::count;
use crate::db::ConsumerDb;
use crate::message::QueueMessage;
use crate::send_hints::{self, HintCauses};

pub(crate) async fn process_batch(
    env: &Env,
    context: &worker_sys::Context,
    queue: &str,
    kind: QueueKind,
    messages: Vec<QueueMessage>,
) {
    let taken_at = edge::clock::now();
    let db = Rc::new(ConsumerDb::new(env));
    let received: Vec<ReceivedMessage> = messages.iter().map(|it| it.received.clone()).collect();
    let (part, decisions) = inbox::open_messages(queue, &received, jitter);
    let opened = canary::sightings(&db, &part, taken_at, None);
    canary::follow_in_background(env, &db, context, opened);
    let mut progress = BatchProgress::new(part, decisions);
    fault_point!(env, "batch-opened", "");
    let Committed { pending, causes, sightings, mut point } =
        commit(env, &db, &mut progress, taken_at).await;
    fault_point!(env, "batch-decided", "");
    for message in &messages {
        message.finish(inbox::action_for(&message.received, progress.decisions(), jitter));
        fault_point!(env, "batch-settling", &message.received.id);
    }
    fault_point!(env, "batch-settled", "");
    let hints = outbox::merge_round(pending, vec![]);
    let hints = send_hints::send_hints(env, &db, hints, &causes).await;
    point.add_end(messages.len(), &hints);
    analytics::write(env, kind, &point);
    canary::follow_in_background(env, &db, context, sightings);
}

/// What the committed parts of a batch leave to do.
#[derive(Default)]
struct Committed {
    pending: Vec<PendingHint>,
    causes: HintCauses,
    sightings: Vec<Sighting>,
    point: BatchPoint,
}

/// Commits every part of the batch.
async fn commit(
    env: &Env,
    db: &ConsumerDb,
    progress: &mut BatchProgress,
    taken_at: UnixMillis,
) -> Committed {
    let mut committed = Committed::default();
    while let Some(part) = progress.next_part() {
        let plan = plan(&part.queue, &part.messages, part.dead_letters.clone());
        let plan = BatchPlan { batch: edge::random::short_id(), ..plan };
        fault_point!(env, "batch-planned", "");
        let began_at = edge::clock::now();
        match db.commit(env, &plan, edge::clock::now()).await {
            Ok((decided, hints)) => {
                let now = edge::clock::now();
                let decided = Decided::new(&plan, decided);
                count::commit(&plan, &decided, now, &mut committed.point);
                fault_point!(env, "batch-committed", "");
                log_commit(&plan, &part.queue, began_at);
                committed.pending.extend(hints);
                committed.causes.traces.extend(trace::traces_of_users(&plan));
                committed.causes.applied.extend(decided.users_of_applied());
                committed.sightings.extend(canary::sightings(db, &part, taken_at, Some(now)));
                progress.record_commit(&part);
            }
            Err(error) => {
                let (queue, messages, cause) = (&part.queue, part.len(), error.text());
                let duration_ms = edge::clock::now().since(began_at);
                let (batch_id, trace_ids) = (plan.batch.as_str(), trace::trace_ids(&plan));
                tracing::warn!(
                    batch_id,
                    queue,
                    messages,
                    cause,
                    duration_ms,
                    trace_ids,
                    "D1 batch failed"
                );
                count::failure(&error, &mut committed.point);
                fault_point!(env, "batch-refused", cause);
                progress.record_failure(part, &error, jitter());
            }
        }
    }
    committed
}

/// One line for the batch, and one error for each dead letter. The outcome of each delivery is in
/// `deliveries`: a line for each would be most of what a batch costs.
fn log_commit(plan: &BatchPlan, queue: &str, began_at: UnixMillis) {
    let (batch_id, trace_ids) = (plan.batch.as_str(), trace::trace_ids(plan));
    let duration_ms = edge::clock::now().since(began_at);
    for letter in &plan.dead_letters {
        let DeadLetter { message_id, reason, detail, attempts, replay, envelope, .. } = letter;
        let trace_id = envelope.as_ref().map(|it| it.svix_id.as_str());
        let (letter_id, outcome) = (replay.as_ref().map(|tag| tag.letter.as_str()), "parked");
        tracing::error!(
            trace_id,
            batch_id,
            message_id,
            letter_id,
            reason,
            detail,
            attempts,
            outcome,
            "message parked"
        );
    }
    let OutcomeCounts { merged, ignored, parked } = plan.outcome_counts();
    tracing::info!(
        batch_id,
        queue,
        merged,
        ignored,
        parked,
        duration_ms,
        trace_ids,
        "D1 batch committed"
    );
}
