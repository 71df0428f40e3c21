//! Counts what this isolate does, and flushes it to `Meter`.
//!
//! Counting is a few memory writes. A flush is one request to `Meter`: at most one per interval of
//! an isolate, never one per request. `shared::metrics` decides; here is the I/O.

use std::cell::{Cell, RefCell};

use shared::metrics::kind::Metric;
use shared::metrics::tally::Tally;

thread_local! {
    static WORKER: Cell<&'static str> = const { Cell::new("") };
    static TALLY: RefCell<Tally> = RefCell::new(Tally::default());
}

/// Names this Worker, as in `wrangler.toml`: `ingest`. Called once, when the isolate starts.
pub fn init(worker: &'static str) {
    WORKER.set(worker);
}

/// The name of this Worker: a value of `shared::metrics::labels::WORKER`.
#[must_use]
pub fn worker() -> &'static str {
    WORKER.get()
}

/// Adds to a counter of `shared::metrics::table`.
pub fn count(metric: &'static Metric, labels: &[&str], more: u64) {
    TALLY.with_borrow_mut(|tally| tally.count(metric, labels, more));
}

/// Adds an observation to a histogram, in milliseconds if its unit is seconds.
pub fn observe(metric: &'static Metric, labels: &[&str], value: i64) {
    TALLY.with_borrow_mut(|tally| tally.observe(metric, labels, value));
}
