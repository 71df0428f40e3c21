//! Each minute: the hints that are still owed, oldest first, page by page within a budget. Each
//! page also lets the next watches take in what has changed for everybody.

use std::cell::RefCell;

use edge::fault_point;
use shared::d1_error::D1Error;
use shared::outbox::{PendingHint, may_have_more, sweep_continues};
use worker::Env;

use crate::db::ConsumerDb;
use crate::send_hints;

pub(crate) async fn sweep(env: &Env) {
    let store = ConsumerDb::new(env);
    if let Err(fault) = store.write_default_role().await {
        tracing::error!(cause = fault.text(), "the settings were not kept");
    }
    fault_point!(env, "sweep-begun", "");
    match pages(env, &store).await {
        Ok(sent) => tracing::info!(sent, "swept"),
        Err(fault) => tracing::error!(cause = fault.text(), "the sweep stopped"),
    }
}

thread_local! {
    /// Where the last sweep of this isolate ran out of its budget: the next one goes on there, so
    /// that many objects that do not answer hold up nobody behind them for long.
    static RESUME: RefCell<Option<PendingHint>> = const { RefCell::new(None) };
}

async fn pages(env: &Env, store: &ConsumerDb) -> Result<usize, D1Error> {
    let begun = edge::clock::now();
    let mut last = RESUME.take();
    let (mut rounds, mut total) = (0, 0);
    loop {
        let page = store.sweep_page(last.as_ref()).await?;
        fault_point!(env, "sweep-read", "");
        let sent = page.len();
        last = page.last().cloned();
        send_hints::send_hints(env, store, page).await;
        fault_point!(env, "sweep-pushed", "");
        rounds += 1;
        total += sent;
        if !sweep_continues(sent, rounds, edge::clock::now().since(begun)) {
            RESUME.replace(last.filter(|_| may_have_more(sent)));
            return Ok(total);
        }
    }
}
