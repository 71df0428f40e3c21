//! Age limits of a role set.

use crate::limits::{ROLES_HARD_MS_DEFAULT, ROLES_SOFT_MS_DEFAULT};

/// Age limits, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeLimits {
    /// Older role sets are served and refreshed in the background.
    pub soft_ms: i64,
    /// Older role sets are not served.
    pub hard_ms: i64,
    /// After this time without a query the object ends its watch.
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
