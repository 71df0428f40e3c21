//! How many letters may be sent now. At most the letters of one minute are sent at once, however
//! long nobody carried the replay on.

use crate::time::UnixMillis;

const MINUTE_MS: i64 = 60_000;

/// Letters that may be sent now, and the beginning of the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Letters that may be sent.
    pub letters: u32,
    /// Since when [`Self::sent`] counts.
    pub started_at: UnixMillis,
    /// Letters sent since then.
    pub sent: i64,
}

/// The allowance of a replay of `rate` letters a minute that has sent `sent` letters since
/// `started_at`.
#[must_use]
pub fn allowance(rate: u32, started_at: UnixMillis, sent: i64, now: UnixMillis) -> Allowance {
    let rate = i64::from(rate.max(1));
    let elapsed = now.since(started_at).max(0);
    let allowed = rate.saturating_mul(elapsed) / MINUTE_MS - sent;
    if rate < allowed {
        let letters = u32::try_from(rate).unwrap_or(u32::MAX);
        return Allowance { letters, started_at: now.plus(-MINUTE_MS), sent: 0 };
    }
    let letters = u32::try_from(allowed.max(0)).unwrap_or(u32::MAX);
    Allowance { letters, started_at, sent }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::{Allowance, allowance};
    use crate::time::UnixMillis;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    #[test]
    fn letters_are_allowed_as_time_passes() {
        let letters = |sent, ms| allowance(60, at(0), sent, at(ms)).letters;
        assert_eq!((letters(0, 0), letters(0, 999), letters(0, 1_000)), (0, 0, 1));
        assert_eq!((letters(1, 1_000), letters(9, 1_000), letters(0, 60_000)), (0, 0, 60));
        let want = Allowance { letters: 60, started_at: at(940_000), sent: 0 };
        assert_eq!(allowance(60, at(0), 9, at(1_000_000)), want);
        assert_eq!(allowance(60, at(0), 0, at(-5)).letters, 0, "a clock that went back");
    }

    proptest! {
        /// In no window are more letters sent than its time allows, and those of one minute.
        #[test]
        fn the_rate_is_kept(
            rate in 1..6_000_u32,
            steps in prop::collection::vec((0..200_000_i64, 0..9_000_u32), 1..40),
        ) {
            let (mut now, mut started_at, mut sent) = (at(0), at(0), 0);
            let mut log: Vec<(i64, i64)> = Vec::new();
            for (wait, wish) in steps {
                now = now.plus(wait);
                let it = allowance(rate, started_at, sent, now);
                let taken = i64::from(wish.min(it.letters));
                (started_at, sent) = (it.started_at, it.sent + taken);
                log.push((now.0, taken));
            }
            for (first, (from, _)) in log.iter().enumerate() {
                let mut total = 0;
                for (until, taken) in &log[first..] {
                    total += taken;
                    let rate = i64::from(rate);
                    assert!(total <= rate + rate * (until - from) / 60_000 + 1, "{log:?}");
                }
            }
        }
    }
}
