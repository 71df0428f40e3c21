//! Ages of authentication factors (the claim `fva`), and reverification requirements.

use serde_json::Value;

use crate::time::UnixMillis;

/// The ages of both factors when the token was issued, in whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorAges {
    first: FactorAge,
    second: FactorAge,
    issued_at: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FactorAge {
    /// The user has no such factor.
    Absent,
    /// Minutes since it was verified.
    Age(u64),
}

impl FactorAges {
    /// Parses `fva`: two whole numbers, where -1 is a factor that the user does not have. Ages
    /// count from `issued_at`, the token's `iat`. `None` for anything else.
    pub(super) fn parse(fva: &Value, issued_at: UnixMillis) -> Option<Self> {
        let [first, second] = fva.as_array()?.as_slice() else { return None };
        Some(Self { first: FactorAge::parse(first)?, second: FactorAge::parse(second)?, issued_at })
    }
}

impl FactorAge {
    fn parse(value: &Value) -> Option<Self> {
        if value.as_i64() == Some(-1) {
            return Some(Self::Absent);
        }
        value.as_u64().map(Self::Age)
    }
}

/// Which factors must be recent. The names are Clerk's
/// (<https://clerk.com/docs/guides/secure/reverification>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReverificationLevel {
    /// The first one.
    FirstFactor,
    /// The second one; the first one for users without a second.
    SecondFactor,
    /// Both; the first one for users without a second.
    MultiFactor,
}

/// A reverification requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reverification {
    /// Which factors.
    pub level: ReverificationLevel,
    /// An age of this many minutes is too old.
    pub after_minutes: u64,
}

const MINUTE_MS: i64 = 60_000;

impl Reverification {
    /// Parses one of Clerk's names (`strict_mfa`, `strict`, `moderate`, `lax`), or a level and its
    /// minutes: `first_factor:5`. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (level, after_minutes) = match text {
            "strict_mfa" => (ReverificationLevel::MultiFactor, 10),
            "strict" => (ReverificationLevel::SecondFactor, 10),
            "moderate" => (ReverificationLevel::SecondFactor, 60),
            "lax" => (ReverificationLevel::SecondFactor, 1_440),
            other => {
                let (level, minutes) = other.split_once(':')?;
                (parse_level(level)?, minutes.parse().ok().filter(|minutes| 0 < *minutes)?)
            }
        };
        Some(Self { level, after_minutes })
    }

    /// Whether the factors, whose ages grew since the token was issued, are recent enough.
    ///
    /// Without a first factor the requirement is never met: every user has one, so the claim is
    /// wrong.
    #[must_use]
    pub fn is_met(self, ages: FactorAges, now: UnixMillis) -> bool {
        let since = u64::try_from(now.since(ages.issued_at) / MINUTE_MS).unwrap_or(0);
        let is_recent = |age: u64| age.saturating_add(since) < self.after_minutes;
        let FactorAge::Age(first) = ages.first else { return false };
        match (self.level, ages.second) {
            (ReverificationLevel::FirstFactor, _)
            | (
                ReverificationLevel::SecondFactor | ReverificationLevel::MultiFactor,
                FactorAge::Absent,
            ) => is_recent(first),
            (ReverificationLevel::SecondFactor, FactorAge::Age(second)) => is_recent(second),
            (ReverificationLevel::MultiFactor, FactorAge::Age(second)) => {
                is_recent(first) && is_recent(second)
            }
        }
    }
}

fn parse_level(level: &str) -> Option<ReverificationLevel> {
    match level {
        "first_factor" => Some(ReverificationLevel::FirstFactor),
        "second_factor" => Some(ReverificationLevel::SecondFactor),
        "multi_factor" => Some(ReverificationLevel::MultiFactor),
        _ => None,
    }
}
