//! Each minute: the hints that are still owed, oldest first, page by page within a budget. Each
//! page also lets the next watches take in what has changed for everybody.

use std::cell::RefCell;

use edge::fault_point;
use shared::fault::Fault;
use shared::outbox::{Pending, goes_on, is_full};
use worker::Env;

use crate::push;
use crate::store::Store;

pub(crate) async fn sweep(env: &Env) {
    let store = Store::new(env);
    if let Err(fault) = store.keep_settings().await {
        tracing::error!(cause = fault.cause(), "the settings were not kept");
    }
    fault_point!(env, "sweep-begun", "");
    match pages(env, &store).await {
        Ok(sent) => tracing::info!(sent, "swept"),
        Err(fault) => tracing::error!(cause = fault.cause(), "the sweep stopped"),
    }
}

thread_local! {
    /// Where the last sweep of this isolate ran out of its budget: the next one goes on there, so
    /// that many objects that do not answer hold up nobody behind them for long.
    static RESUME: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

async fn pages(env: &Env, store: &Store) -> Result<usize, Fault> {
    let begun = edge::clock::now();
    let mut last = RESUME.take();
    let (mut rounds, mut total) = (0, 0);
    loop {
        let page = store.page(last.as_ref()).await?;
        fault_point!(env, "sweep-read", "");
        let sent = page.len();
        last = page.last().cloned();
        push::push(env, store, page).await;
        fault_point!(env, "sweep-pushed", "");
        rounds += 1;
        total += sent;
        if !goes_on(sent, rounds, edge::clock::now().since(begun)) {
            RESUME.replace(last.filter(|_| is_full(sent)));
            return Ok(total);
        }
    }
}
