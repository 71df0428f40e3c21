//! From the queue into D1, then hints to the role caches.
//!
//! Both queues, the door's and the dead-letter queue: plan, one D1 batch, acknowledge, hint. Which
//! queue is which the configuration says. Cron: send the hints that are still owed. No public
//! route.
//!
//! The queue handler is exported by hand. The macro of `worker` turns an error into a panic, which
//! would take down the isolate, and hides how often a message has been handed out.

mod process_batch;
mod message;
mod send_hints;
mod queues;
mod db;
mod sweep;

use shared::queue::QueueKind;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, ScheduleContext, ScheduledEvent, event, worker_sys};

#[event(start)]
fn start() {
    edge::log::init();
}

/// Handles one batch of either queue. Each message is acknowledged or retried by itself.
///
/// # Errors
/// Only when the platform's own batch cannot be read; then it hands the batch out again.
#[wasm_bindgen]
pub async fn queue(
    batch: worker_sys::MessageBatch,
    env: Env,
    _context: worker_sys::Context,
) -> Result<JsValue, JsValue> {
    let name = String::from(batch.queue()?);
    let queue = queues::queue_kind(&env, &name);
    // What is of no known queue waits as long as what is dead.
    let handouts = message::receive_batch(&batch, queue.unwrap_or(QueueKind::DeadLetters))?;
    match queue {
        Some(_) => process_batch::process_batch(&env, &name, handouts).await,
        None => queues::retry_all(&name, &handouts),
    }
    Ok(JsValue::UNDEFINED)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweep::sweep(&env).await;
}
