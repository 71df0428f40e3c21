//! Faults, named by the next step, and what becomes of a queue message.

use crate::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX, DEAD_RETRY_S_MAX, RETENTION_S};

/// What D1's refusal of a batch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum D1Error {
    /// The batch holds something that D1 will never take: find it and put it aside.
    Rejected(String),
    /// The world hiccuped: the same batch is good, come back later.
    Transient(String),
    /// D1 is full, or the batch asks too much of it: find out which, with less of it.
    Overloaded(String),
}

/// D1 has no error codes, only texts,
/// <https://developers.cloudflare.com/d1/observability/debug-d1/>.
const REJECTED: [&str; 6] = [
    "D1_TYPE_ERROR",
    "constraint failed",
    "SQLITE_CONSTRAINT",
    "too big",
    "malformed JSON",
    "datatype mismatch",
];

/// As above: shed load rather than come back at once.
const OVERLOADED: [&str; 5] = [
    "overloaded",
    "Too many requests queued",
    "exceeded timeout",
    "exceeded its memory limit",
    "exceeded its CPU time limit",
];

impl D1Error {
    /// Reads the text of a D1 error. Whatever is not known is transient: the message is tried
    /// again for days, and a table that a migration renames for a moment poisons nothing.
    #[must_use]
    pub fn classify(cause: &str) -> Self {
        let names = |texts: &[&str]| texts.iter().any(|text| cause.contains(text));
        if names(&REJECTED) {
            Self::Rejected(cause.into())
        } else if names(&OVERLOADED) {
            Self::Overloaded(cause.into())
        } else {
            Self::Transient(cause.into())
        }
    }

    /// The reason as `dead_letters.reason` spells it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "refused-by-database",
            Self::Transient(_) => "retries-exhausted",
            Self::Overloaded(_) => "overloaded",
        }
    }

    /// The error's own text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Rejected(cause) | Self::Transient(cause) | Self::Overloaded(cause) => cause,
        }
    }
}

/// What becomes of a queue message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueAction {
    /// It is done with: its effects or its dead letter are committed.
    Ack,
    /// Hand it out again after this many seconds.
    RetryAfter(u32),
}

/// Whether the platform drops the message unless this attempt settles it. `attempts` counts on
/// from the door's queue to the dead-letter queue.
#[must_use]
pub fn is_last_attempt(attempts: u32) -> bool {
    ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX <= attempts
}

/// Seconds until the first retry in each of the two queues; each further one waits twice as long.
const RETRY_S_FIRST: [u32; 2] = [2, 60];

/// The same for an overloaded D1.
const OVERLOADED_S_FIRST: [u32; 2] = [30, 600];

/// Seconds at most between two attempts in the door's queue.
const RETRY_S_MAX: u32 = 600;

/// Of a delay in the dead-letter queue this part is spread; in the door's queue it is half.
const DEAD_SPREAD: u32 = 8;

/// How long a message waits: growing with the attempts, and spread by `jitter`, any number, so
/// that a batch that failed together does not return together.
///
/// `attempts` counts on from the door's queue to the dead-letter queue. There the delay begins anew
/// at a minute, so that an outage that is over soon costs little, and grows to three hours, so that
/// the attempts last for days.
#[must_use]
pub fn retry_after(fault: &D1Error, attempts: u32, jitter: u32) -> QueueAction {
    let first = match fault {
        D1Error::Overloaded(_) => OVERLOADED_S_FIRST,
        D1Error::Rejected(_) | D1Error::Transient(_) => RETRY_S_FIRST,
    };
    let delay = retry_s_max(first, attempts);
    let spread = delay / if attempts <= ATTEMPTS_MAX { 2 } else { DEAD_SPREAD };
    QueueAction::RetryAfter(delay - spread + jitter % (spread + 1))
}

const fn retry_s_max(first: [u32; 2], attempts: u32) -> u32 {
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

/// Seconds at most from a message's first attempt in the dead-letter queue to its last.
const fn dead_s_max(first: [u32; 2]) -> u32 {
    let (mut attempts, mut sum) = (ATTEMPTS_MAX + 1, 0);
    while attempts < ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX {
        sum += retry_s_max(first, attempts);
        attempts += 1;
    }
    sum
}

// The last attempt must come before the queue forgets the message: a day of it is left for waiting
// in line.
const _: () = assert!(dead_s_max(RETRY_S_FIRST) + 86_400 <= RETENTION_S);
const _: () = assert!(dead_s_max(OVERLOADED_S_FIRST) + 86_400 <= RETENTION_S);

/// What the runtime says of a call to an object that failed,
/// <https://developers.cloudflare.com/durable-objects/best-practices/error-handling/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectCallError {
    /// It may pass: the same call is good, through a new stub.
    Retryable,
    /// The object has more to do than it can: each further call makes that worse.
    Overloaded,
    /// Neither is said: the object itself failed, and would again.
    Permanent,
}

impl ObjectCallError {
    /// Reads the two marks on the error. One that carries both is overloaded.
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

/// Calls of one question, the first included. The runtime has tried each one several times itself.
const CALLS_MAX: u32 = 3;

/// Milliseconds at most until the second call; the third waits up to twice as long.
const CALL_AGAIN_MS_FIRST: u32 = 100;

/// How long to wait before calling again after `calls` calls have failed, the last one so; `None`:
/// not again. Spread by `jitter`, any number: those who failed together do not return together.
#[must_use]
pub fn retry_call_ms(fault: ObjectCallError, calls: u32, jitter: u32) -> Option<u32> {
    match fault {
        ObjectCallError::Retryable if (1..CALLS_MAX).contains(&calls) => {
            let half = (CALL_AGAIN_MS_FIRST << (calls - 1)) / 2;
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
        D1Error, ObjectCallError, QueueAction, is_last_attempt, retry_after, retry_call_ms,
    };

    #[track_caller]
    fn check(cause: &str, want: &str) {
        assert_eq!(D1Error::classify(cause).reason(), want);
    }

    #[test]
    fn a_refusal_is_named_by_the_next_step() {
        check(
            "D1_ERROR: CHECK constraint failed: banned IN (0, 1): SQLITE_CONSTRAINT",
            "refused-by-database",
        );
        check("D1_TYPE_ERROR: Type 'bigint' not supported", "refused-by-database");
        check("D1_ERROR: string or blob too big: SQLITE_TOOBIG", "refused-by-database");
        check("D1_ERROR: Network connection lost.", "retries-exhausted");
        check("D1_ERROR: no such table: users: SQLITE_ERROR", "retries-exhausted");
        check("D1 DB is overloaded. Requests queued for too long.", "overloaded");
        check(
            "D1 DB storage operation exceeded timeout which caused object to be reset.",
            "overloaded",
        );
    }

    /// Each cause holds one of the texts alone.
    #[test]
    fn every_text_names_its_fault_by_itself() {
        for cause in [
            "D1_TYPE_ERROR: Type 'bigint' not supported",
            "D1_ERROR: UNIQUE constraint failed: roles.name",
            "D1_ERROR: audit is append only: SQLITE_CONSTRAINT",
            "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
            "D1_ERROR: malformed JSON: SQLITE_ERROR",
            "D1_ERROR: datatype mismatch: SQLITE_MISMATCH",
        ] {
            check(cause, "refused-by-database");
        }
        for cause in [
            "D1 DB is overloaded.",
            "D1_ERROR: Too many requests queued.",
            "D1 DB storage operation exceeded timeout.",
            "D1 DB's isolate exceeded its memory limit and was reset.",
            "D1 DB exceeded its CPU time limit and was reset.",
        ] {
            check(cause, "overloaded");
        }
    }

    fn delay(fault: &D1Error, attempts: u32, jitter: u32) -> u32 {
        match retry_after(fault, attempts, jitter) {
            QueueAction::RetryAfter(s) => s,
            QueueAction::Ack => panic!("a fault was acknowledged"),
        }
    }

    #[test]
    fn delays_grow_are_jittered_and_end() {
        let fault = D1Error::Transient(String::new());
        let delay = |attempts, jitter| delay(&fault, attempts, jitter);
        assert_eq!((delay(1, 0), delay(1, 1)), (1, 2));
        assert_eq!((delay(4, 0), delay(4, 8)), (8, 16));
        assert_eq!(delay(9, 256), 512);
        for jitter in 0..1000 {
            assert!((128..=256).contains(&delay(8, jitter)));
        }
    }

    #[test]
    fn in_the_dead_letter_queue_delays_begin_at_a_minute_and_grow_to_three_hours() {
        let fault = D1Error::Transient(String::new());
        let most = |attempts| (0..2000).map(|jitter| delay(&fault, attempts, jitter)).max();
        let first: Vec<_> = (10..=19).filter_map(most).collect();
        assert_eq!(first, [60, 120, 240, 480, 960, 1920, 3840, 7680, 10_800, 10_800]);
        assert_eq!(most(109), Some(10_800));
        for jitter in 0..5000 {
            assert!((9_450..=10_800).contains(&delay(&fault, 60, jitter)));
        }
    }

    #[test]
    fn the_attempts_of_the_dead_letter_queue_last_for_days_and_end_before_its_retention() {
        const DAY_S: u32 = 86_400;
        for fault in [D1Error::Transient(String::new()), D1Error::Overloaded(String::new())] {
            for jitter in [0, 1, 7, 999, u32::MAX] {
                let waits: u32 = (10..110).map(|it| delay(&fault, it, jitter)).sum();
                assert!((10 * DAY_S..=13 * DAY_S).contains(&waits), "{waits} s");
            }
        }
    }

    #[test]
    fn the_last_attempt_is_the_last_of_the_dead_letter_queue() {
        assert!(!is_last_attempt(9), "the platform moves it to the dead-letter queue");
        assert!(!is_last_attempt(109));
        assert!(is_last_attempt(110));
    }

    #[test]
    fn c_8_a_call_is_made_again_a_few_times_and_never_when_the_object_is_overloaded() {
        let again = |fault, calls| [0, 49, 1_000].map(|it| retry_call_ms(fault, calls, it));
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
}
