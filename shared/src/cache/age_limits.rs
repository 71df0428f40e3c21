//! How old a set may grow.

use crate::limits::{ROLES_HARD_MS_DEFAULT, ROLES_SOFT_MS_DEFAULT};

/// Ages, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeLimits {
    /// Past this a set is served and refreshed behind the answer.
    pub soft_ms: i64,
    /// Past this a set is not served.
    pub hard_ms: i64,
    /// An object that nobody asked for so long ends its watch.
    pub idle_ms: i64,
}

/// Thirty days.
pub const IDLE_MS_DEFAULT: i64 = 30 * 24 * 3_600_000;

impl Default for AgeLimits {
    fn default() -> Self {
        Self {
            soft_ms: ROLES_SOFT_MS_DEFAULT,
            hard_ms: ROLES_HARD_MS_DEFAULT,
            idle_ms: IDLE_MS_DEFAULT,
        }
    }
}
