//! One batch of either queue: open each, plan once, commit once, settle each, then hint.

use edge::chance::jitter;
use edge::fault_point;
use shared::batch::{self, Part, Work};
use shared::fault::{Disposition, Fault, is_last, retry_after};
use shared::outbox::{self, Pending};
use shared::plan::{DeadLetter, Plan, Verdict, plan};
use worker::Env;

use crate::handout::{Handout, Unopened};
use crate::push;
use crate::store::Store;

pub(crate) async fn drain(env: &Env, queue: &str, handouts: Vec<Handout>) {
    let store = Store::new(env);
    let mut work = open_all(queue, &handouts);
    fault_point!(env, "drain-opened", "");
    let pending = commit(env, &store, &mut work).await;
    fault_point!(env, "drain-decided", "");
    for handout in &handouts {
        let verdict = work.verdicts().iter().find(|verdict| verdict.message_id == handout.id);
        // A message without a verdict would count as done: it is handed out again.
        let disposition = verdict.map_or_else(|| later(handout.attempts, ""), |v| v.disposition);
        handout.settle(disposition);
        fault_point!(env, "drain-settling", &handout.id);
    }
    fault_point!(env, "drain-settled", "");
    push::push(env, &store, outbox::round(pending, vec![])).await;
}

/// Opens each message by itself. One of a newer build waits for the deployment; what will never
/// open is parked.
fn open_all(queue: &str, handouts: &[Handout]) -> Work {
    let mut verdicts = Vec::new();
    let mut whole = Part { queue: queue.into(), ..Part::default() };
    for handout in handouts {
        match handout.open(queue) {
            Ok(message) => whole.messages.push(message),
            Err(Unopened::Newer(letter)) if !is_last(letter.attempts) => {
                let disposition = later(letter.attempts, &letter.detail);
                verdicts.push(batch::Verdict { message_id: letter.message_id, disposition });
            }
            Err(Unopened::Newer(letter) | Unopened::Never(letter)) => whole.letters.push(*letter),
        }
    }
    Work::of(whole, verdicts)
}

fn later(attempts: u32, why: &str) -> Disposition {
    retry_after(&Fault::Transient(why.into()), attempts, jitter())
}

/// Commits every part, and what a refused one leads to. Gives the hints that are owed.
async fn commit(env: &Env, store: &Store, work: &mut Work) -> Vec<Pending> {
    let mut pending = Vec::new();
    while let Some(part) = work.next_part() {
        let planned = plan(&part.queue, &part.messages, part.letters.clone());
        fault_point!(env, "drain-planned", "");
        match store.commit(&planned, edge::clock::now()).await {
            Ok(owed) => {
                fault_point!(env, "drain-committed", "");
                log(&planned);
                pending.extend(owed);
                work.committed(&part);
            }
            Err(fault) => {
                let (queue, messages, cause) = (&part.queue, part.len(), fault.cause());
                tracing::warn!(queue, messages, cause, "a batch was not committed");
                fault_point!(env, "drain-refused", cause);
                work.refused(part, &fault, jitter());
            }
        }
    }
    pending
}

/// One line for the batch, and one that is loud for each dead letter. What became of each delivery
/// stands in `deliveries`; a line for each would be most of what a batch costs.
fn log(plan: &Plan) {
    for DeadLetter { message_id, reason, detail, attempts, .. } in &plan.dead_letters {
        tracing::error!(message_id, reason, detail, attempts, outcome = "parked", "dead letter");
    }
    let (mut merged, mut ignored, mut parked) = (0_u32, 0_u32, 0_u32);
    for delivery in &plan.deliveries {
        match delivery.verdict {
            Verdict::ByRow(_) => merged += 1,
            Verdict::Ignored => ignored += 1,
            Verdict::Parked => parked += 1,
        }
    }
    tracing::info!(merged, ignored, parked, "a batch was committed");
}
