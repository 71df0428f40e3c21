//! What the platform moved to `rolecall-dead`: it is parked with what is known, or kept for later.
//!
//! The consumer parks a message itself on its last attempt, so a message comes here when even that
//! failed: D1 was down. It waits in the queue until D1 is back, for as long as the queue retains
//! it.

use edge::fault_point;
use shared::fault::{Disposition, Fault};
use shared::limits::ATTEMPTS_MAX;
use shared::plan::{DeadLetter, plan};
use worker::Env;

use crate::handout::{Handout, Unopened};
use crate::store::Store;

pub(crate) async fn park_all(env: &Env, queue: &str, handouts: Vec<Handout>) {
    let store = Store::new(env);
    let letters: Vec<_> = handouts.iter().map(|handout| letter(queue, handout)).collect();
    fault_point!(env, "park-begun", "");
    match park(&store, queue, letters.clone()).await {
        Ok(()) => {
            fault_point!(env, "park-committed", "");
            for handout in &handouts {
                handout.settle(Disposition::Ack);
            }
            fault_point!(env, "park-settled", "");
            return;
        }
        Err(Fault::Content(_)) => {}
        Err(fault) => {
            tracing::error!(messages = letters.len(), cause = fault.cause(), "not parked");
            return handouts.iter().for_each(Handout::retry_by_default);
        }
    }
    // One by one: a letter that D1 refuses must not hold up the others.
    for (handout, letter) in handouts.iter().zip(letters) {
        match park(&store, queue, vec![letter]).await {
            Ok(()) => handout.settle(Disposition::Ack),
            Err(fault) => {
                tracing::error!(message_id = handout.id, cause = fault.cause(), "not parked");
                handout.retry_by_default();
            }
        }
    }
}

async fn park(store: &Store, queue: &str, letters: Vec<DeadLetter>) -> Result<(), Fault> {
    for DeadLetter { message_id, reason, .. } in &letters {
        tracing::error!(message_id, reason, outcome = "parked", "dead letter");
    }
    let planned = plan(queue, &[], letters);
    store.commit(&planned, edge::clock::now()).await.map(|_| ())
}

fn letter(queue: &str, handout: &Handout) -> DeadLetter {
    let detail = "every attempt failed and the message could not be parked: was D1 down?";
    match handout.open(queue) {
        Ok(message) => {
            let letter = message.park(queue, "retries-exhausted", detail);
            // The count began anew in this queue.
            DeadLetter { attempts: ATTEMPTS_MAX, ..letter }
        }
        Err(Unopened::Newer(letter) | Unopened::Never(letter)) => *letter,
    }
}
