//! The role caches' settings.

use super::{NumberSetting, RawSetting, SettingError, SettingProblem, SettingsReader};
use crate::cache::{AgeLimits, IDLE_MS_DEFAULT};
use crate::limits::{
    ROLES_HARD_MS_DEFAULT, ROLES_HARD_MS_MAX, ROLES_IDLE_MS_MAX, ROLES_SOFT_MS_DEFAULT,
};

/// Older role sets are served and refreshed in the background.
pub const ROLES_SOFT_MS: NumberSetting = NumberSetting {
    name: "ROLES_SOFT_MS",
    unit: "milliseconds",
    min: 0,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_SOFT_MS_DEFAULT,
};

/// Older role sets are not served. 0 would disable the cache.
pub const ROLES_HARD_MS: NumberSetting = NumberSetting {
    name: "ROLES_HARD_MS",
    unit: "milliseconds",
    min: 1,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_HARD_MS_DEFAULT,
};

/// An unused role cache is deleted after this time.
pub const ROLES_IDLE_MS: NumberSetting = NumberSetting {
    name: "ROLES_IDLE_MS",
    unit: "milliseconds",
    min: 1,
    max: ROLES_IDLE_MS_MAX,
    default: IDLE_MS_DEFAULT,
};

/// Parses the age limits; `raw` returns the raw value of a name.
///
/// The default soft age is capped at the hard age.
///
/// # Errors
/// All errors. With any error no role set is served.
pub fn age_limits_from_env(
    raw: &dyn Fn(&str) -> RawSetting,
) -> Result<AgeLimits, Vec<SettingError>> {
    let mut reader = SettingsReader::new(raw);
    let soft = reader.number(&ROLES_SOFT_MS);
    let hard = reader.number(&ROLES_HARD_MS);
    let idle = reader.number(&ROLES_IDLE_MS);
    let (Ok(soft), Ok(hard), Ok(idle)) = (soft, hard, idle) else { return Err(reader.errors) };
    let hard_ms = hard.unwrap_or(ROLES_HARD_MS.default);
    if soft.is_some_and(|soft_ms| hard_ms < soft_ms) {
        let problem = "is greater than ROLES_HARD_MS: write at most that value";
        reader.report(ROLES_SOFT_MS.name, SettingProblem::Other(problem));
        return Err(reader.errors);
    }
    let soft_ms = soft.unwrap_or(ROLES_SOFT_MS.default).min(hard_ms);
    Ok(AgeLimits { soft_ms, hard_ms, idle_ms: idle.unwrap_or(ROLES_IDLE_MS.default) })
}
