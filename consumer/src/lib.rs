//! From the queue into D1, then hints to the role caches.
//!
//! Serves both queues, the events queue and the dead-letter queue, in the same way: open, plan, one
//! D1 batch, acknowledge, hint. The settings say which queue is which. Cron: sends the pending
//! hints, and keeps the canary on its way. No public route.
//!
//! The queue handler is exported by hand. The macro of `worker` turns an error into a panic, which
//! would stop the isolate, and it hides the attempts.

mod process_batch;
mod message;
mod count;
mod analytics;
mod send_hints;
mod send_pages;
mod canary;
mod clerk;
mod queues;
mod db;
mod sweep;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;
use worker::{Env, ScheduleContext, ScheduledEvent, event, worker_sys};

#[event(start)]
fn start() {
    edge::start("consumer");
}

/// Handles one batch of either queue. Each message is acknowledged or retried on its own.
///
/// # Errors
/// Only when the batch object itself cannot be read. Then Queues delivers the batch again.
#[wasm_bindgen]
pub async fn queue(
    batch: worker_sys::MessageBatch,
    env: Env,
    context: worker_sys::Context,
) -> Result<JsValue, JsValue> {
    let name = String::from(batch.queue()?);
    let queue = queues::queue_kind(&env, &name);
    let messages = message::receive_batch(&batch, queue)?;
    match queue {
        Some(kind) => {
            process_batch::process_batch(&env, &context, &name, kind, messages).await;
        }
        None => queues::retry_all(&name, &messages),
    }
    // A promise of `waitUntil` that is rejected would fail the batch: this one never is.
    let flush = future_to_promise(async move {
        edge::metrics::flush(&env).await;
        Ok(JsValue::UNDEFINED)
    });
    if context.wait_until(&flush).is_err() {
        tracing::warn!("metrics of the batch are flushed with the next one");
    }
    Ok(JsValue::UNDEFINED)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweep::sweep(&env).await;
    edge::metrics::flush(&env).await;
}
