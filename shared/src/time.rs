//! Points in time, in milliseconds. Clerk's seconds in webhooks are converted here.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

/// Values below this are seconds: 1e11 seconds is the year 5138, 1e11 milliseconds is March 1973,
/// and neither can be a Clerk time. Clerk's OpenAPI examples have seconds, its deliveries
/// milliseconds.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// The latest accepted time: 9999-12-31T23:59:59.999Z. Below 2^53, so that it is exact in
/// JavaScript and in SQLite's JSON functions.
const CLERK_MS_MAX: i64 = 253_402_300_799_999;

impl UnixMillis {
    /// Converts a time from Clerk, in seconds or in milliseconds.
    ///
    /// `None` if it is out of range: negative or after the year 9999.
    #[must_use]
    pub fn from_clerk(raw: i64) -> Option<Self> {
        if !(0..=CLERK_MS_MAX).contains(&raw) {
            return None;
        }
        Some(Self(if raw < SECONDS_BELOW { raw * 1000 } else { raw }))
    }

    /// This time plus `ms` milliseconds, saturating.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The milliseconds since `earlier`; negative if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::UnixMillis;

    #[track_caller]
    fn check(raw: i64, want: Option<i64>) {
        assert_eq!(UnixMillis::from_clerk(raw), want.map(UnixMillis));
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        check(1_716_883_200, Some(1_716_883_200_000));
        check(1_744_276_393_644, Some(1_744_276_393_644));
        check(99_999_999_999, Some(99_999_999_999_000));
        check(100_000_000_000, Some(100_000_000_000));
    }

    #[test]
    fn out_of_range_times_are_rejected() {
        check(0, Some(0));
        check(-1, None);
        check(253_402_300_799_999, Some(253_402_300_799_999));
        check(253_402_300_800_000, None);
        check(i64::MAX, None);
    }
}
