//! When an isolate flushes what it has counted, and what it does until that is answered.
//!
//! At most one flush is open. Without an answer the same flush is sent again, with the same
//! sequence, so `Meter` counts it once, whether the flush was lost or its answer. What is counted
//! meanwhile goes into the next one.

use super::flush::{Flush, FlushResult};
use super::tally::Tally;
use crate::time::UnixMillis;

/// How long an attempt may be open. An invocation that was ended never says how its attempt went.
pub const ANSWER_MS_MAX: i64 = 30_000;

/// The least time between two forced flushes: small batches that follow each other share one.
pub const FORCED_MS_MIN: i64 = 1_000;

/// What a flush says of its sender besides what was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushSettings {
    /// The time between two flushes.
    pub interval_ms: i64,
    /// The number of shards of `Meter`.
    pub shards: u32,
}

/// The flusher of an isolate.
#[derive(Debug)]
pub struct Flusher {
    source: String,
    worker: &'static str,
    /// Of the newest flush.
    sequence: u64,
    /// The flush that is not answered, and whether an attempt is open.
    unanswered: Option<(Flush, bool)>,
    /// When the last attempt began.
    attempted_at: Option<UnixMillis>,
    /// When the forced flush goes that waits for its time.
    forced_at: Option<UnixMillis>,
}

impl Flusher {
    /// The flusher of an isolate with this random name.
    #[must_use]
    pub fn new(source: String, worker: &'static str) -> Self {
        Self { source, worker, sequence: 0, unanswered: None, attempted_at: None, forced_at: None }
    }

    /// The isolate's random name.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How long a forced flush waits before it asks for [`Self::next`]. `None` if another one
    /// waits: it takes along what was counted until then.
    pub fn wait_ms(&mut self, now: UnixMillis) -> Option<i64> {
        let waited = self.waited_ms(now);
        if FORCED_MS_MIN <= waited {
            return Some(0);
        }
        if self.forced_at.is_some_and(|at| now <= at) {
            return None;
        }
        let wait_ms = FORCED_MS_MIN - waited;
        self.forced_at = Some(now.plus(wait_ms));
        Some(wait_ms)
    }

    /// The time since the last attempt. A clock that went back must not stop the flushes.
    fn waited_ms(&self, now: UnixMillis) -> i64 {
        self.attempted_at.map_or(i64::MAX, |at| now.since(at).saturating_abs())
    }

    /// The flush to send now, if one is due. `is_forced` does not wait for the interval, unless the
    /// last attempt failed: a `Meter` that is down must not cost every batch its timeout.
    pub fn next(
        &mut self,
        tally: &mut Tally,
        now: UnixMillis,
        settings: FlushSettings,
        is_forced: bool,
    ) -> Option<Flush> {
        let waited = self.waited_ms(now);
        let is_due = settings.interval_ms <= waited;
        if let Some((flush, is_open)) = &mut self.unanswered {
            let wait_ms = if *is_open { ANSWER_MS_MAX } else { settings.interval_ms };
            if waited < wait_ms {
                return None;
            }
            *is_open = true;
            self.attempted_at = Some(now);
            return Some(flush.clone());
        }
        if tally.is_empty() || !(is_due || is_forced) {
            return None;
        }
        self.sequence = self.sequence.saturating_add(1);
        let flush = Flush {
            source: self.source.clone(),
            sequence: self.sequence,
            worker: self.worker.to_owned(),
            at: now,
            shards: settings.shards,
            values: std::mem::take(tally).into(),
        };
        self.unanswered = Some((flush.clone(), true));
        self.attempted_at = Some(now);
        Some(flush)
    }

    /// Notes how an attempt ended: `None` is a failure. After any answer the flush is forgotten.
    pub fn record_answer(&mut self, sequence: u64, answer: Option<FlushResult>) {
        let Some((flush, is_open)) = &mut self.unanswered else { return };
        // An answer may come after its flush was answered at another attempt.
        if flush.sequence != sequence {
            return;
        }
        match answer {
            Some(_) => self.unanswered = None,
            None => *is_open = false,
        }
    }
}

/// The shard that takes the flushes of a source: FNV-1a, so that every build agrees.
#[must_use]
pub fn shard_of(source: &str, shards: u32) -> u32 {
    let hash = source
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % shards.max(1)
}

#[cfg(test)]
mod tests {
    use super::{FORCED_MS_MIN, FlushSettings, Flusher};
    use crate::metrics::flush::FlushResult;
    use crate::metrics::table::BATCH_FAILURES;
    use crate::metrics::tally::Tally;
    use crate::time::UnixMillis;

    const SETTINGS: FlushSettings = FlushSettings { interval_ms: 15_000, shards: 1 };

    #[test]
    fn batches_that_follow_each_other_share_a_flush() {
        let (mut flusher, mut tally) = (Flusher::new("a".into(), "consumer"), Tally::default());
        let at = UnixMillis;
        let mut send = |flusher: &mut Flusher, now| {
            tally.count(&BATCH_FAILURES, &["transient"], 1);
            let flush = flusher.next(&mut tally, now, SETTINGS, true).unwrap();
            flusher.record_answer(flush.sequence, Some(FlushResult::Counted));
        };
        assert_eq!(flusher.wait_ms(at(5_000)), Some(0));
        send(&mut flusher, at(5_000));
        assert_eq!(flusher.wait_ms(at(5_200)), Some(800));
        assert_eq!(flusher.wait_ms(at(5_300)), None, "one waits");
        assert_eq!(flusher.wait_ms(at(6_000)), Some(0), "it did not come");
        send(&mut flusher, at(6_000));
        assert_eq!(flusher.wait_ms(at(6_001)), Some(FORCED_MS_MIN - 1));
        assert_eq!(flusher.wait_ms(at(1_000)), Some(0), "the clock went back");
    }
}
