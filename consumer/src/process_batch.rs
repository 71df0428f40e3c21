//! One batch of either queue: open each, plan once, commit once, settle each, then hint.

use edge::fault_point;
use edge::random::jitter;
use shared::batch::{self, BatchPart, BatchProgress};
use shared::d1_error::D1Error;
use shared::outbox::{self, PendingHint};
use shared::plan::{BatchPlan, DeadLetter, DeliveryOutcome, plan};
use shared::retry::{QueueAction, is_last_attempt, retry_after};
use worker::Env;

use crate::db::ConsumerDb;
use crate::message::{OpenFailure, ReceivedMessage};
use crate::send_hints;

pub(crate) async fn process_batch(env: &Env, queue: &str, handouts: Vec<ReceivedMessage>) {
    let store = ConsumerDb::new(env);
    let mut work = open_messages(queue, &handouts);
    fault_point!(env, "drain-opened", "");
    let pending = commit(env, &store, &mut work).await;
    fault_point!(env, "drain-decided", "");
    for handout in &handouts {
        let decision = work.decisions().iter().find(|decision| decision.message_id == handout.id);
        // A message without a decision would count as done: it is handed out again.
        let action = decision.map_or_else(|| retry_decision(handout.attempts, ""), |v| v.action);
        handout.finish(action);
        fault_point!(env, "drain-settling", &handout.id);
    }
    fault_point!(env, "drain-settled", "");
    send_hints::send_hints(env, &store, outbox::merge_round(pending, vec![])).await;
}

/// Opens each message by itself. One of a newer build waits for the deployment; what will never
/// open is parked.
fn open_messages(queue: &str, handouts: &[ReceivedMessage]) -> BatchProgress {
    let mut decisions = Vec::new();
    let mut whole = BatchPart { queue: queue.into(), ..BatchPart::default() };
    for handout in handouts {
        match handout.open(queue) {
            Ok(message) => whole.messages.push(message),
            Err(OpenFailure::NewerVersion(letter)) if !is_last_attempt(letter.attempts) => {
                let action = retry_decision(letter.attempts, &letter.detail);
                decisions.push(batch::MessageDecision { message_id: letter.message_id, action });
            }
            Err(OpenFailure::NewerVersion(letter) | OpenFailure::Malformed(letter)) => {
                whole.dead_letters.push(*letter);
            }
        }
    }
    BatchProgress::new(whole, decisions)
}

fn retry_decision(attempts: u32, why: &str) -> QueueAction {
    retry_after(&D1Error::Transient(why.into()), attempts, jitter())
}

/// Commits every part, and what a refused one leads to. Gives the hints that are owed.
async fn commit(env: &Env, store: &ConsumerDb, work: &mut BatchProgress) -> Vec<PendingHint> {
    let mut pending = Vec::new();
    while let Some(part) = work.next_part() {
        let planned = plan(&part.queue, &part.messages, part.dead_letters.clone());
        fault_point!(env, "drain-planned", "");
        match store.commit(&planned, edge::clock::now()).await {
            Ok(owed) => {
                fault_point!(env, "drain-committed", "");
                log_batch(&planned);
                pending.extend(owed);
                work.record_commit(&part);
            }
            Err(fault) => {
                let (queue, messages, cause) = (&part.queue, part.len(), fault.text());
                tracing::warn!(queue, messages, cause, "a batch was not committed");
                fault_point!(env, "drain-refused", cause);
                work.record_refusal(part, &fault, jitter());
            }
        }
    }
    pending
}

/// One line for the batch, and one that is loud for each dead letter. What became of each delivery
/// stands in `deliveries`; a line for each would be most of what a batch costs.
fn log_batch(plan: &BatchPlan) {
    for DeadLetter { message_id, reason, detail, attempts, .. } in &plan.dead_letters {
        tracing::error!(message_id, reason, detail, attempts, outcome = "parked", "dead letter");
    }
    let (mut merged, mut ignored, mut parked) = (0_u32, 0_u32, 0_u32);
    for delivery in &plan.deliveries {
        match delivery.outcome {
            DeliveryOutcome::DecidedByRow(_) => merged += 1,
            DeliveryOutcome::Ignored => ignored += 1,
            DeliveryOutcome::Parked => parked += 1,
        }
    }
    tracing::info!(merged, ignored, parked, "a batch was committed");
}
