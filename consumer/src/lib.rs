//! From the queue into D1, then hints to the role caches.
//!
//! Queue `rolecall-events`: plan, one D1 batch, acknowledge, hint. Queue `rolecall-dead`: park what
//! the platform gave up. Cron: send the hints that are still owed. No public route.
//!
//! The queue handler is exported by hand. The macro of `worker` turns an error into a panic, which
//! would take down the isolate, and hides how often a message has been handed out.

mod drain;
mod handout;
mod park;
mod push;
mod store;
mod sweep;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, ScheduleContext, ScheduledEvent, event, worker_sys};

/// The queue that the door fills.
const EVENTS: &str = "rolecall-events";

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
    let queue = batch.queue()?;
    let messages = handout::read(&batch)?;
    if queue == EVENTS {
        drain::drain(&env, messages).await;
    } else {
        park::park_all(&env, &String::from(queue), messages).await;
    }
    Ok(JsValue::UNDEFINED)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweep::sweep(&env).await;
}
