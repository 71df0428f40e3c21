//! The settings of the metrics, of every Worker.

use super::{NumberSetting, RawSetting, SettingError, SettingsReader};
use crate::metrics::isolate::FlushSettings;

/// The number of objects that share the work of `Meter`.
pub const METER_SHARDS: NumberSetting =
    NumberSetting { name: "METER_SHARDS", unit: "objects", min: 1, max: 64, default: 1 };

/// The time between two flushes of an isolate.
pub const METER_INTERVAL_MS: NumberSetting = NumberSetting {
    name: "METER_INTERVAL_MS",
    unit: "milliseconds",
    min: 0,
    max: 3_600_000,
    default: 15_000,
};

/// Parses the settings of the metrics; `raw` returns the raw value of a name.
///
/// # Errors
/// All errors. With any error nothing is flushed.
pub fn flush_settings_from_env(
    raw: &dyn Fn(&str) -> RawSetting,
) -> Result<FlushSettings, Vec<SettingError>> {
    let mut reader = SettingsReader::new(raw);
    let shards = reader.number(&METER_SHARDS);
    let interval_ms = reader.number(&METER_INTERVAL_MS);
    let (Ok(shards), Ok(interval_ms)) = (shards, interval_ms) else { return Err(reader.errors) };
    let shards = u32::try_from(shards.unwrap_or(METER_SHARDS.default)).unwrap_or(1);
    let interval_ms = interval_ms.unwrap_or(METER_INTERVAL_MS.default);
    Ok(FlushSettings { interval_ms, shards })
}
