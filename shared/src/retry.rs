//! The back-off: when a queue message is delivered again, and when an object is called again.
//!
//! Two others: for fills in [`crate::cache`], for key fetches in [`crate::session::jwks_cache`].

use crate::d1_error::D1Error;
use crate::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX, DEAD_RETRY_S_MAX, RETENTION_S};

/// What Queues is told about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueAction {
    /// Acknowledge: its changes or its dead letter are committed.
    Ack,
    /// Deliver it again after this many seconds.
    RetryAfter(u32),
}

/// Whether Queues drops the message if this attempt does not acknowledge it. `attempts` is the
/// total over both queues.
#[must_use]
pub fn is_last_attempt(attempts: u32) -> bool {
    ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX <= attempts
}

/// Whether Queues drops the message: this was its last attempt, and it is not acknowledged.
#[must_use]
pub fn is_dropped(action: QueueAction, attempts: u32) -> bool {
    action != QueueAction::Ack && is_last_attempt(attempts)
}

impl QueueAction {
    /// What the consumer's metrics call it. `attempts` is the total over both queues.
    #[must_use]
    pub fn as_str(self, attempts: u32) -> &'static str {
        match self {
            Self::Ack => "acked",
            Self::RetryAfter(_) if is_dropped(self, attempts) => "dropped",
            Self::RetryAfter(_) => "retried",
        }
    }
}

/// Seconds until the first retry, in the events queue and in the dead-letter queue. Each further
/// delay is twice as long.
const RETRY_S_FIRST: [u32; 2] = [2, 60];

/// The same for an overloaded D1.
const OVERLOADED_S_FIRST: [u32; 2] = [30, 600];

/// The longest delay in the events queue, in seconds.
const RETRY_S_MAX: u32 = 600;

/// The jitter is this part (one eighth) of a delay in the dead-letter queue. In the events queue it
/// is half.
const DEAD_JITTER_DIVISOR: u32 = 8;

/// The back-off of a message: the delay grows with the attempts, and `jitter` (random) spreads
/// it, so that messages that failed together do not return together.
///
/// `attempts` is the total over both queues. In the dead-letter queue the delay starts again at a
/// minute, so that a short outage costs little time, and grows to three hours, so that the attempts
/// last for days.
#[must_use]
pub fn retry_after(error: &D1Error, attempts: u32, jitter: u32) -> QueueAction {
    let first = match error {
        D1Error::Overloaded(_) => OVERLOADED_S_FIRST,
        D1Error::Rejected(_) | D1Error::Transient(_) => RETRY_S_FIRST,
    };
    let delay = delay_s(first, attempts);
    let spread = delay / if attempts <= ATTEMPTS_MAX { 2 } else { DEAD_JITTER_DIVISOR };
    QueueAction::RetryAfter(delay - spread + jitter % (spread + 1))
}

const fn delay_s(first: [u32; 2], attempts: u32) -> u32 {
    let [events, dead] = first;
    let (first, attempts, most) = if attempts <= ATTEMPTS_MAX {
        (events, attempts, RETRY_S_MAX)
    } else {
        (dead, attempts - ATTEMPTS_MAX, DEAD_RETRY_S_MAX)
    };
    let doublings = attempts.saturating_sub(1);
    let delay = if doublings < 16 { first.saturating_mul(1 << doublings) } else { most };
    if delay < most { delay } else { most }
}

/// The longest time from the first to the last attempt in the dead-letter queue, in seconds.
const fn dead_s_max(first: [u32; 2]) -> u32 {
    let (mut attempts, mut sum) = (ATTEMPTS_MAX + 1, 0);
    while attempts < ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX {
        sum += delay_s(first, attempts);
        attempts += 1;
    }
    sum
}

// The last attempt must come before Queues deletes the message. A day is kept for waiting in the
// queue.
const _: () = assert!(dead_s_max(RETRY_S_FIRST) + 86_400 <= RETENTION_S);
const _: () = assert!(dead_s_max(OVERLOADED_S_FIRST) + 86_400 <= RETENTION_S);

/// Why a call of a Durable Object failed,
/// <https://developers.cloudflare.com/durable-objects/best-practices/error-handling/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectCallError {
    /// Temporary: retry the same call with a new stub.
    Retryable,
    /// The object is overloaded: another call would make that worse.
    Overloaded,
    /// Neither flag is set: the object itself failed, and would fail again.
    Permanent,
}

impl ObjectCallError {
    /// Reads the error's flags `retryable` and `overloaded`. With both it is overloaded.
    #[must_use]
    pub fn classify(is_retryable: impl Fn() -> bool, is_overloaded: impl Fn() -> bool) -> Self {
        if is_overloaded() {
            Self::Overloaded
        } else if is_retryable() {
            Self::Retryable
        } else {
            Self::Permanent
        }
    }
}

/// The most calls for one role query, the first included. The runtime retries each one itself.
const CALLS_MAX: u32 = 3;

/// The longest delay before the second call, in milliseconds. The third waits up to twice as long.
const CALL_RETRY_MS_FIRST: u32 = 100;

/// The back-off of an object call: milliseconds to wait after `calls` failed calls, the last of
/// them with `error`. `None`: do not call again. `jitter` (random) spreads the calls that
/// failed together.
#[must_use]
pub fn retry_call_ms(error: ObjectCallError, calls: u32, jitter: u32) -> Option<u32> {
    match error {
        ObjectCallError::Retryable if (1..CALLS_MAX).contains(&calls) => {
            let half = (CALL_RETRY_MS_FIRST << (calls - 1)) / 2;
            Some(half + jitter % (half + 1))
        }
        ObjectCallError::Retryable | ObjectCallError::Overloaded | ObjectCallError::Permanent => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ObjectCallError, QueueAction, is_dropped, is_last_attempt, retry_after, retry_call_ms,
    };
    use crate::d1_error::D1Error;
    use crate::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX};
    use crate::metrics::labels::MESSAGE_ACTION;

    fn delay(error: &D1Error, attempts: u32, jitter: u32) -> u32 {
        match retry_after(error, attempts, jitter) {
            QueueAction::RetryAfter(s) => s,
            QueueAction::Ack => panic!("a failed message was acknowledged"),
        }
    }

    #[test]
    fn delays_grow_up_to_a_maximum_with_jitter() {
        let error = D1Error::Transient(String::new());
        let delay = |attempts, jitter| delay(&error, attempts, jitter);
        assert_eq!((delay(1, 0), delay(1, 1)), (1, 2));
        assert_eq!((delay(4, 0), delay(4, 8)), (8, 16));
        assert_eq!(delay(9, 256), 512);
        for jitter in 0..1000 {
            assert!((128..=256).contains(&delay(8, jitter)));
        }
    }

    #[test]
    fn in_the_dead_letter_queue_delays_begin_at_a_minute_and_grow_to_three_hours() {
        let error = D1Error::Transient(String::new());
        let most = |attempts| (0..2000).map(|jitter| delay(&error, attempts, jitter)).max();
        let first: Vec<_> = (10..=19).filter_map(most).collect();
        assert_eq!(first, [60, 120, 240, 480, 960, 1920, 3840, 7680, 10_800, 10_800]);
        assert_eq!(most(109), Some(10_800));
        for jitter in 0..5000 {
            assert!((9_450..=10_800).contains(&delay(&error, 60, jitter)));
        }
    }

    #[test]
    fn the_attempts_of_the_dead_letter_queue_last_for_days_and_end_before_its_retention() {
        const DAY_S: u32 = 86_400;
        for error in [D1Error::Transient(String::new()), D1Error::Overloaded(String::new())] {
            for jitter in [0, 1, 7, 999, u32::MAX] {
                let waits: u32 = (10..110).map(|it| delay(&error, it, jitter)).sum();
                assert!((10 * DAY_S..=13 * DAY_S).contains(&waits), "{waits} s");
            }
        }
    }

    #[test]
    fn the_last_attempt_is_the_last_of_the_dead_letter_queue() {
        assert!(!is_last_attempt(9), "the platform moves it to the dead-letter queue");
        assert!(!is_last_attempt(109));
        assert!(is_last_attempt(110));
        assert!(is_dropped(QueueAction::RetryAfter(1), 110));
        assert!(!is_dropped(QueueAction::RetryAfter(1), 109));
        assert!(!is_dropped(QueueAction::Ack, 110));
    }

    #[test]
    fn c_8_a_call_is_made_again_a_few_times_and_never_when_the_object_is_overloaded() {
        let again = |error, calls| [0, 49, 1_000].map(|it| retry_call_ms(error, calls, it));
        let (retryable, overloaded) = (
            ObjectCallError::classify(|| true, || false),
            ObjectCallError::classify(|| true, || true),
        );
        assert_eq!(
            (retryable, overloaded),
            (ObjectCallError::Retryable, ObjectCallError::Overloaded)
        );
        assert_eq!(ObjectCallError::classify(|| false, || true), ObjectCallError::Overloaded);
        assert_eq!(ObjectCallError::classify(|| false, || false), ObjectCallError::Permanent);
        assert_eq!(again(retryable, 1), [Some(50), Some(99), Some(81)]);
        assert_eq!(again(retryable, 2), [Some(100), Some(149), Some(191)]);
        assert_eq!(again(retryable, 3), [None; 3], "a guard has little time");
        for calls in 1..4 {
            assert_eq!(again(overloaded, calls), [None; 3]);
            assert_eq!(again(ObjectCallError::Permanent, calls), [None; 3]);
        }
    }

    #[test]
    fn each_action_is_in_the_table_of_metrics() {
        let retry = QueueAction::RetryAfter(1);
        let last = ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX;
        let values = [QueueAction::Ack.as_str(last), retry.as_str(1), retry.as_str(last)];
        assert_eq!(values, MESSAGE_ACTION.values);
    }
}
