//! The first step of a sweep: sends the pending hints, oldest first, page by page within a budget.
//! Each page also raises the versions of the next watches that have not seen the last change for
//! all users.

use std::cell::RefCell;

use edge::fault_point;
use shared::d1_error::D1Error;
use shared::outbox::{PendingHint, may_have_more, sweep_continues};
use worker::Env;

use crate::db::ConsumerDb;
use crate::send_hints::{self, HintCauses};

thread_local! {
    /// Where the last sweep of this isolate used up its budget. The next one continues there, so
    /// that unresponsive objects do not block the others.
    static RESUME: RefCell<Option<PendingHint>> = const { RefCell::new(None) };
}

/// Gives the number of hints sent.
pub(crate) async fn send_pages(env: &Env, db: &ConsumerDb) -> Result<usize, D1Error> {
    let started = edge::clock::now();
    let mut last = RESUME.take();
    let (mut rounds, mut total) = (0, 0);
    loop {
        let page = db.sweep_page(last.as_ref()).await?;
        fault_point!(env, "sweep-read", "");
        let sent = page.len();
        last = page.last().cloned();
        send_hints::send_hints(env, db, page, &HintCauses::default()).await;
        fault_point!(env, "sweep-sent", "");
        rounds += 1;
        total += sent;
        if !sweep_continues(sent, rounds, edge::clock::now().since(started)) {
            RESUME.replace(last.filter(|_| may_have_more(sent)));
            return Ok(total);
        }
    }
}
