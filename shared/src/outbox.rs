//! The outbox: which role caches are owed a hint, and what their answers settle.
//!
//! A watch with `version > acked` is pending. The queue message is acknowledged once D1 has
//! committed; from there the outbox owns the rest. A hint that is lost is sent again by the sweep.

use serde::{Deserialize, Serialize};

use crate::role_cache::{Hint, HintReply};

/// Hints of one round: after a batch, and in each round of the sweep.
pub const ROUND_MAX: i64 = 100;

/// Rounds of one sweep. With [`ROUND_MAX`] it bounds the subrequests of one invocation to about
/// 1,000 (10,000 are allowed, <https://developers.cloudflare.com/workers/platform/limits/>).
pub const SWEEP_ROUNDS_MAX: u32 = 10;

/// A sweep begins no round after this: the next one begins a minute after it.
pub const SWEEP_MS_MAX: i64 = 25_000;

/// A watch whose hint is owed, as a row of [`crate::sql::PENDING`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PendingHint {
    /// The watched user.
    pub user_id: String,
    /// The incarnation of the object that watches.
    pub owner: i64,
    /// The version that it must reach.
    pub version: i64,
}

impl PendingHint {
    /// The hint to send.
    #[must_use]
    pub fn hint(&self) -> Hint {
        Hint { user_id: self.user_id.clone(), owner: self.owner, version: self.version }
    }
}

/// What the answers to one round settle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HintResults {
    /// Taken: `acked` rises to the version.
    pub acked: Vec<PendingHint>,
    /// No object owns these watches: they are deleted.
    pub gone: Vec<PendingHint>,
    /// Unanswered or refused: they stay pending.
    pub owed: Vec<PendingHint>,
}

/// Sorts one round's hints by their answers; `None` is an object that could not be reached.
#[must_use]
pub fn sort_replies(answers: Vec<(PendingHint, Option<HintReply>)>) -> HintResults {
    let mut settled = HintResults::default();
    for (pending, reply) in answers {
        match reply {
            Some(HintReply::Acked) => settled.acked.push(pending),
            Some(HintReply::Gone) => settled.gone.push(pending),
            Some(HintReply::Refused) | None => settled.owed.push(pending),
        }
    }
    settled
}

/// The hints of one round: those of the users that a batch touched, and the oldest of all, each
/// once.
#[must_use]
pub fn merge_round(touched: Vec<PendingHint>, oldest: Vec<PendingHint>) -> Vec<PendingHint> {
    let mut all = touched;
    all.extend(oldest);
    all.sort_unstable_by(|a, b| (&a.user_id, b.version).cmp(&(&b.user_id, a.version)));
    all.dedup_by(|later, first| later.user_id == first.user_id);
    all
}

/// Whether a sweep goes on after a round of `sent` hints, the `rounds`-th, `elapsed_ms` after it
/// began. It pages onward through the outbox: objects that do not answer hold up nobody behind
/// them.
#[must_use]
pub fn sweep_continues(sent: usize, rounds: u32, elapsed_ms: i64) -> bool {
    may_have_more(sent) && rounds < SWEEP_ROUNDS_MAX && elapsed_ms < SWEEP_MS_MAX
}

/// Whether more may be owed behind a round of `sent` hints.
#[must_use]
pub fn may_have_more(sent: usize) -> bool {
    usize::try_from(ROUND_MAX).is_ok_and(|max| max <= sent)
}

#[cfg(test)]
mod tests {
    use super::{PendingHint, merge_round, sort_replies, sweep_continues};
    use crate::role_cache::HintReply;

    fn pending(user_id: &str, version: i64) -> PendingHint {
        PendingHint { user_id: user_id.into(), owner: 1, version }
    }

    #[test]
    fn an_answer_settles_its_own_watch_only() {
        let answers = vec![
            (pending("user_a", 1), Some(HintReply::Acked)),
            (pending("user_b", 2), Some(HintReply::Gone)),
            (pending("user_c", 3), Some(HintReply::Refused)),
            (pending("user_d", 4), None),
        ];
        let settled = sort_replies(answers);
        assert_eq!(settled.acked, [pending("user_a", 1)]);
        assert_eq!(settled.gone, [pending("user_b", 2)]);
        assert_eq!(settled.owed, [pending("user_c", 3), pending("user_d", 4)]);
    }

    #[test]
    fn a_user_is_hinted_once_a_round_at_the_highest_version() {
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
