//! How old a set may grow.

use crate::limits::{ROLES_HARD_MS_DEFAULT, ROLES_SOFT_MS_DEFAULT};

/// Ages, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Past this a set is served and refreshed behind the answer.
    pub soft_ms: i64,
    /// Past this a set is not served.
    pub hard_ms: i64,
    /// An object that nobody asked for so long ends its watch.
    pub idle_ms: i64,
}

/// Thirty days.
pub const IDLE_MS_DEFAULT: i64 = 30 * 24 * 3_600_000;

/// An hour: whatever it is set to, a set is not served longer than this without D1.
const HARD_MS_MAX: i64 = 3_600_000;

impl Ages {
    /// Refuses ages that would void the bound on staleness, or serve nothing at all. A soft age
    /// beyond the hard one means the hard one.
    ///
    /// # Errors
    /// What to set otherwise.
    pub fn checked(self) -> Result<Self, &'static str> {
        if !(1..=HARD_MS_MAX).contains(&self.hard_ms) {
            return Err("ROLES_HARD_MS lies outside 1 to 3600000");
        }
        if self.soft_ms < 0 {
            return Err("ROLES_SOFT_MS is below 0");
        }
        if self.idle_ms < 1 {
            return Err("ROLES_IDLE_MS is below 1");
        }
        Ok(Self { soft_ms: self.soft_ms.min(self.hard_ms), ..self })
    }
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            soft_ms: ROLES_SOFT_MS_DEFAULT,
            hard_ms: ROLES_HARD_MS_DEFAULT,
            idle_ms: IDLE_MS_DEFAULT,
        }
    }
}
