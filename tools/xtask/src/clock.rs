//! The clock: the only place of the tasks that reads the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A stopwatch. It runs from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "a developer's machine has a clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time since the start, for people: `120 ms`, `3.4 s`, `2 min 5 s`.
    pub(crate) fn shown(self) -> String {
        show(self.elapsed())
    }
}

/// The time in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a developer's machine has a clock")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

fn show(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_in_its_own_unit() {
        assert_eq!(show(Duration::from_millis(120)), "120 ms");
        assert_eq!(show(Duration::from_millis(3_400)), "3.4 s");
        assert_eq!(show(Duration::from_secs(125)), "2 min 5 s");
    }
}
