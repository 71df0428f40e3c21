//! Each minute: the hints that are still owed, oldest first, page by page within a budget.

use shared::fault::Fault;
use shared::outbox::{Pending, goes_on};
use worker::Env;

use crate::push;
use crate::store::Store;

pub(crate) async fn sweep(env: &Env) {
    let store = Store::new(env);
    if let Err(fault) = store.keep_settings().await {
        tracing::error!(cause = fault.cause(), "the settings were not kept");
    }
    match pages(env, &store).await {
        Ok(sent) => tracing::info!(sent, "swept"),
        Err(fault) => tracing::error!(cause = fault.cause(), "the sweep stopped"),
    }
}

async fn pages(env: &Env, store: &Store) -> Result<usize, Fault> {
    let begun = edge::clock::now();
    let mut last: Option<Pending> = None;
    let (mut rounds, mut total) = (0, 0);
    loop {
        let page = store.pending(last.as_ref()).await?;
        let sent = page.len();
        last = page.last().cloned();
        push::push(env, store, page).await;
        rounds += 1;
        total += sent;
        if !goes_on(sent, rounds, edge::clock::now().since(begun)) {
            return Ok(total);
        }
    }
}
