//! The statements of `Meter`, on the SQLite of its own object.

/// Creates the tables.
pub const SCHEMA: &str = text!("meter_schema");

/// All kept rows.
pub const LOAD: &str = text!("meter_load");

/// Writes kept rows: `?1` is a JSON list of `{key, value}`.
pub const WRITE: &str = text!("meter_write");

/// Deletes kept rows: `?1` is a JSON list of keys.
pub const FORGET: &str = text!("meter_forget");

/// Writes the totals `?2` of the charts at time `?1`, once.
pub const HISTORY_WRITE: &str = text!("meter_history_write");

/// Deletes the history before time `?1`.
pub const HISTORY_FORGET: &str = text!("meter_history_forget");

/// The totals of the charts at each time of the JSON list `?1`, null where they are today's.
pub const HISTORY: &str = text!("meter_history");
