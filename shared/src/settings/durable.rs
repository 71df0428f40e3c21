//! The role caches' settings.

use super::{NumberSetting, RawSetting, SettingError, SettingProblem, SettingsReader};
use crate::cache::{AgeLimits, IDLE_MS_DEFAULT};
use crate::limits::{
    ROLES_HARD_MS_DEFAULT, ROLES_HARD_MS_MAX, ROLES_IDLE_MS_MAX, ROLES_SOFT_MS_DEFAULT,
};

/// Past this age a set is served and refreshed behind the answer.
pub const ROLES_SOFT_MS: NumberSetting = NumberSetting {
    name: "ROLES_SOFT_MS",
    unit: "milliseconds",
    min: 0,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_SOFT_MS_DEFAULT,
};

/// Past this age a set is not served. None at all would serve nothing.
pub const ROLES_HARD_MS: NumberSetting = NumberSetting {
    name: "ROLES_HARD_MS",
    unit: "milliseconds",
    min: 1,
    max: ROLES_HARD_MS_MAX,
    default: ROLES_HARD_MS_DEFAULT,
};

/// A cache that nobody asked for so long is dropped.
pub const ROLES_IDLE_MS: NumberSetting = NumberSetting {
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
pub fn age_limits_from_env(
    raw: &dyn Fn(&str) -> RawSetting,
) -> Result<AgeLimits, Vec<SettingError>> {
    let mut reader = SettingsReader::new(raw);
    let soft = reader.number(&ROLES_SOFT_MS);
    let hard = reader.number(&ROLES_HARD_MS);
    let idle = reader.number(&ROLES_IDLE_MS);
    let (Ok(soft), Ok(hard), Ok(idle)) = (soft, hard, idle) else { return Err(reader.mistakes) };
    let hard_ms = hard.unwrap_or(ROLES_HARD_MS.default);
    if soft.is_some_and(|soft_ms| hard_ms < soft_ms) {
        let said = "is more than ROLES_HARD_MS: write at most as many milliseconds";
        reader.report(ROLES_SOFT_MS.name, SettingProblem::Other(said));
        return Err(reader.mistakes);
    }
    let soft_ms = soft.unwrap_or(ROLES_SOFT_MS.default).min(hard_ms);
    Ok(AgeLimits { soft_ms, hard_ms, idle_ms: idle.unwrap_or(ROLES_IDLE_MS.default) })
}
