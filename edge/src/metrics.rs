//! Counts what this isolate does, and flushes it to `Meter`.
//!
//! Counting is a few memory writes. A flush is one request to `Meter`: at most one per interval of
//! an isolate, never one per request. `shared::metrics` decides; here is the I/O. Nothing that
//! fails here delays or changes an answer.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use shared::limits::METER_TIMEOUT_MS;
use shared::metrics::flush::{
    FLUSH_URL, Flush, FlushReply, FlushResult, METER_BINDING, shard_name,
};
use shared::metrics::isolate::{FlushSettings, Flusher, shard_of};
use shared::metrics::kind::Metric;
use shared::metrics::tally::Tally;
use shared::time::UnixMillis;
use worker::{Delay, Env, ObjectNamespace};

use crate::object;

/// The least time between two warnings of an isolate.
const WARNING_INTERVAL_MS: i64 = 60_000;

thread_local! {
    static WORKER: Cell<&'static str> = const { Cell::new("") };
    static TALLY: RefCell<Tally> = RefCell::new(Tally::default());
    static ISOLATE: RefCell<Option<Isolate>> = const { RefCell::new(None) };
}

/// How this isolate flushes; `None` without the binding, or with an invalid setting.
type Isolate = Option<Sender>;

struct Sender {
    flusher: Flusher,
    settings: FlushSettings,
    warned_at: Option<UnixMillis>,
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

/// Adds all of a tally.
pub fn add(more: &Tally) {
    TALLY.with_borrow_mut(|tally| tally.add(more));
}

/// Flushes behind the answer, if the interval has passed and something was counted. `wait_until` is
/// that of the request.
pub fn flush_later(env: &Env, wait_until: impl FnOnce(LocalBoxFuture<'static, ()>)) {
    if let Some(sending) = begin(env, false) {
        wait_until(Box::pin(sending));
    }
}

/// Flushes what was counted, whether or not the interval has passed: at most once a second. A call
/// that comes earlier waits for the end of that second, and those that come meanwhile leave it to
/// the one that waits.
pub async fn flush(env: &Env) {
    let wait_ms = ISOLATE.with_borrow_mut(|isolate| {
        let Some(sender) = isolate.get_or_insert_with(|| sender(env)) else { return Some(0) };
        sender.flusher.wait_ms(crate::clock::now())
    });
    let Some(wait_ms) = wait_ms.map(i64::unsigned_abs) else { return };
    if 0 < wait_ms {
        Delay::from(Duration::from_millis(wait_ms)).await;
    }
    if let Some(sending) = begin(env, true) {
        sending.await;
    }
}

/// The flush that is due.
fn begin(env: &Env, is_forced: bool) -> Option<impl Future<Output = ()> + use<>> {
    let (flush, shard) = ISOLATE.with_borrow_mut(|isolate| {
        let isolate = isolate.get_or_insert_with(|| sender(env));
        TALLY.with_borrow_mut(|tally| {
            let Some(Sender { flusher, settings, .. }) = isolate else {
                // Metrics are off: nothing is kept.
                *tally = Tally::default();
                return None;
            };
            let now = crate::clock::now();
            let flush = flusher.next(tally, now, *settings, is_forced)?;
            Some((flush, shard_of(flusher.source(), settings.shards)))
        })
    })?;
    let meter = env.durable_object(METER_BINDING);
    Some(async move {
        let sequence = flush.sequence;
        let answer = match meter {
            Ok(meter) => send(&meter, &shard_name(shard), &flush).await.map(|it| it.result),
            Err(error) => Err(error.to_string()),
        };
        record_answer(sequence, answer);
    })
}

fn sender(env: &Env) -> Isolate {
    env.durable_object(METER_BINDING).ok()?;
    let settings =
        shared::settings::metrics::flush_settings_from_env(&|name| crate::settings::raw(env, name));
    let settings = settings.inspect_err(|errors| crate::settings::log_errors(errors)).ok()?;
    // Without a random name two isolates could be taken for one.
    let source = crate::random::uuid().ok()?;
    Some(Sender { flusher: Flusher::new(source, worker()), settings, warned_at: None })
}

fn record_answer(sequence: u64, answer: Result<FlushResult, String>) {
    let now = crate::clock::now();
    let cause = ISOLATE.with_borrow_mut(|isolate| {
        let sender = isolate.as_mut()?.as_mut()?;
        sender.flusher.record_answer(sequence, answer.as_ref().ok().copied());
        let cause = match answer {
            Ok(FlushResult::Refused) => "Meter refused it; its counts are lost".to_owned(),
            Ok(FlushResult::Counted | FlushResult::Repeated) => return None,
            Err(cause) => cause,
        };
        if sender.warned_at.is_some_and(|at| now.since(at).abs() < WARNING_INTERVAL_MS) {
            return None;
        }
        sender.warned_at = Some(now);
        Some(cause)
    });
    if let Some(cause) = cause {
        tracing::warn!(cause, "flush of metrics failed");
    }
}

async fn send(meter: &ObjectNamespace, shard: &str, flush: &Flush) -> Result<FlushReply, String> {
    object::post_json(meter, shard, (FLUSH_URL, flush), METER_TIMEOUT_MS).await
}
