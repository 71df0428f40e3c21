//! The role caches' settings.

use super::{Count, Mistake, Raw, Reader, Wrong};
use crate::cache::{Ages, IDLE_MS_DEFAULT};
use crate::limits::{
    ROLES_HARD_MS_DEFAULT, ROLES_HARD_MS_MAX, ROLES_IDLE_MS_MAX, ROLES_SOFT_MS_DEFAULT,
};

/// Past this age a set is served and refreshed behind the answer.
pub const ROLES_SOFT_MS: Count = Count {
    name: "ROLES_SOFT_MS",
    unit: "milliseconds",
    min: 0,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_SOFT_MS_DEFAULT,
};

/// Past this age a set is not served. None at all would serve nothing.
pub const ROLES_HARD_MS: Count = Count {
    name: "ROLES_HARD_MS",
    unit: "milliseconds",
    min: 1,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_HARD_MS_DEFAULT,
};

/// A cache that nobody asked for so long is dropped.
pub const ROLES_IDLE_MS: Count = Count {
    name: "ROLES_IDLE_MS",
    unit: "milliseconds",
    min: 1,
    max: ROLES_IDLE_MS_MAX,
    default: IDLE_MS_DEFAULT,
};

/// Reads the ages that a set may reach; `raw` gives what stands under a name.
///
/// A soft age that nobody wrote is at most the hard one.
///
/// # Errors
/// Everything that is wrong: with any of it no set is served.
pub fn read(raw: &dyn Fn(&str) -> Raw) -> Result<Ages, Vec<Mistake>> {
    let mut reader = Reader::new(raw);
    let soft = reader.count(&ROLES_SOFT_MS);
    let hard = reader.count(&ROLES_HARD_MS);
    let idle = reader.count(&ROLES_IDLE_MS);
    let (Ok(soft), Ok(hard), Ok(idle)) = (soft, hard, idle) else { return Err(reader.mistakes) };
    let hard_ms = hard.unwrap_or(ROLES_HARD_MS.default);
    if soft.is_some_and(|soft_ms| hard_ms < soft_ms) {
        let said = "is more than ROLES_HARD_MS: write at most as many milliseconds";
        reader.note(ROLES_SOFT_MS.name, Wrong::Said(said));
        return Err(reader.mistakes);
    }
    let soft_ms = soft.unwrap_or(ROLES_SOFT_MS.default).min(hard_ms);
    Ok(Ages { soft_ms, hard_ms, idle_ms: idle.unwrap_or(ROLES_IDLE_MS.default) })
}
