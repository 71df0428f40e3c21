//! The outbox: which role caches have a pending hint, and how their replies are recorded.
//!
//! A watch with `version > acked` has a pending hint. The queue message is acknowledged once D1 has
//! committed; from then on the outbox ensures the hint. The sweep resends a lost hint.

use serde::{Deserialize, Serialize};

use crate::limits::{CONCURRENT_HINTS_MAX, HINT_TIMEOUT_MS, SWEEP_INTERVAL_MS};
use crate::role_cache::{Hint, HintReply};
use crate::time::UnixMillis;

/// The most hints that one query for the oldest returns.
pub const HINTS_PER_ROUND_MAX: i64 = 100;

/// Rounds of one sweep. With [`HINTS_PER_ROUND_MAX`] it bounds the subrequests of one invocation to
/// about 1,000 (10,000 are allowed, <https://developers.cloudflare.com/workers/platform/limits/>).
pub const SWEEP_ROUNDS_MAX: u32 = 10;

/// No new round after this time: the next sweep begins after one minute.
pub const SWEEP_MS_MAX: i64 = 25_000;

/// How many groups of [`CONCURRENT_HINTS_MAX`] a round has. Each waits for its slowest hint.
#[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "a constant")]
const WAVES_MAX: i64 = HINTS_PER_ROUND_MAX / CONCURRENT_HINTS_MAX as i64;

// A sweep must end before the next one. Worst case: the last round starts at the deadline and every
// hint times out.
const _: () = assert!(SWEEP_MS_MAX + WAVES_MAX * HINT_TIMEOUT_MS.cast_signed() < SWEEP_INTERVAL_MS);

/// A watch with a pending hint, as a row of [`crate::sql::PENDING`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PendingHint {
    /// The watched user.
    pub user_id: String,
    /// The owner of the watch.
    pub owner: i64,
    /// The version that the cache must reach.
    pub version: i64,
}

impl PendingHint {
    /// The hint to send. `trace_id` is the delivery that caused it, if it is known.
    #[must_use]
    pub fn hint(&self, trace_id: Option<&str>) -> Hint {
        let (user_id, trace_id) = (self.user_id.clone(), trace_id.map(str::to_owned));
        Hint { user_id, owner: self.owner, version: self.version, trace_id }
    }
}

/// The results of one round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HintResults {
    /// Acknowledged: `acked` is set to the version.
    pub acked: Vec<PendingHint>,
    /// No object owns these watches: delete them.
    pub gone: Vec<PendingHint>,
    /// No reply, or refused: they stay pending.
    pub still_pending: Vec<PendingHint>,
    /// The longest time from the commit to the acknowledgement in milliseconds, of the users of
    /// events that were applied in the batch; or 0.
    pub slowest_ms: i64,
}

/// The time since the change that a hint is about, in milliseconds: the trigger that made it
/// pending raised the version to the time of the commit.
#[must_use]
pub fn age(hint: &PendingHint, now: UnixMillis) -> i64 {
    now.since(UnixMillis(hint.version))
}

/// Sorts the hints of one round by reply; `None` if the object did not reply.
#[must_use]
pub fn sort_replies(replies: Vec<(PendingHint, Option<HintReply>)>) -> HintResults {
    let mut results = HintResults::default();
    for (pending, reply) in replies {
        match reply {
            Some(HintReply::Acked) => results.acked.push(pending),
            Some(HintReply::Gone) => results.gone.push(pending),
            Some(HintReply::Refused) | None => results.still_pending.push(pending),
        }
    }
    results
}

/// The hints of one round: those of the users that a batch changed, and the oldest ones. Each user
/// is hinted once, at the highest version.
#[must_use]
pub fn merge_round(touched: Vec<PendingHint>, oldest: Vec<PendingHint>) -> Vec<PendingHint> {
    let mut all = touched;
    all.extend(oldest);
    all.sort_unstable_by(|a, b| (&a.user_id, b.version).cmp(&(&b.user_id, a.version)));
    all.dedup_by(|later, first| later.user_id == first.user_id);
    all
}

/// Returns whether a sweep continues after `rounds` rounds, the last one with `sent` hints, and
/// `elapsed_ms` since it began. It pages through the outbox, so unresponsive objects do not block
/// later ones.
#[must_use]
pub fn sweep_continues(sent: usize, rounds: u32, elapsed_ms: i64) -> bool {
    may_have_more(sent) && rounds < SWEEP_ROUNDS_MAX && elapsed_ms < SWEEP_MS_MAX
}

/// Returns whether there may be more pending hints after a round of `sent` hints.
#[must_use]
pub fn may_have_more(sent: usize) -> bool {
    usize::try_from(HINTS_PER_ROUND_MAX).is_ok_and(|max| max <= sent)
}

#[cfg(test)]
mod tests {
    use super::{PendingHint, merge_round, sort_replies, sweep_continues};
    use crate::role_cache::HintReply;

    fn pending(user_id: &str, version: i64) -> PendingHint {
        PendingHint { user_id: user_id.into(), owner: 1, version }
    }

    #[test]
    fn replies_are_sorted_per_watch() {
        let replies = vec![
            (pending("user_a", 1), Some(HintReply::Acked)),
            (pending("user_b", 2), Some(HintReply::Gone)),
            (pending("user_c", 3), Some(HintReply::Refused)),
            (pending("user_d", 4), None),
        ];
        let results = sort_replies(replies);
        assert_eq!(results.acked, [pending("user_a", 1)]);
        assert_eq!(results.gone, [pending("user_b", 2)]);
        assert_eq!(results.still_pending, [pending("user_c", 3), pending("user_d", 4)]);
    }

    #[test]
    fn a_user_is_hinted_once_per_round_at_the_highest_version() {
        let touched = vec![pending("user_b", 5), pending("user_a", 7)];
        let oldest = vec![pending("user_a", 3), pending("user_c", 1)];
        let want = [pending("user_a", 7), pending("user_b", 5), pending("user_c", 1)];
        assert_eq!(merge_round(touched, oldest), want);
    }

    #[test]
    fn a_sweep_ends_with_the_outbox_or_with_its_budget() {
        assert!(sweep_continues(100, 1, 0));
        assert!(!sweep_continues(99, 1, 0));
        assert!(!sweep_continues(100, 10, 0));
        assert!(!sweep_continues(100, 1, 25_000));
    }
}
