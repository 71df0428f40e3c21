//! The one place that reads the clock.

use shared::time::UnixMillis;

/// The current time. In workerd the clock does not advance between two I/O operations.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> UnixMillis {
    let ms = worker::Date::now().as_millis();
    UnixMillis(i64::try_from(ms).unwrap_or(i64::MAX))
}
