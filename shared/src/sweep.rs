//! The steps of a sweep.

/// A step, which fails or not for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepStep {
    /// Stores the default role of the settings.
    DefaultRole,
    /// Sends the pending hints.
    Hints,
    /// Returns letters whose message was lost.
    Returned,
    /// Removes grants whose end has come.
    Ended,
    /// Carries open replays on.
    Replayed,
    /// Begins a replay of the letters that time may have helped.
    Started,
    /// Keeps the canary on its way.
    Canary,
    /// Records the end of the sweep.
    Heartbeat,
}

impl SweepStep {
    /// Its name in the report, and the value of the label `step`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DefaultRole => "default_role",
            Self::Hints => "hints",
            Self::Returned => "returned",
            Self::Ended => "ended",
            Self::Replayed => "replayed",
            Self::Started => "started",
            Self::Canary => "canary",
            Self::Heartbeat => "heartbeat",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SweepStep;
    use crate::metrics::labels::SWEEP_STEP;

    #[test]
    fn each_step_is_in_the_table_of_metrics() {
        let all = [
            SweepStep::DefaultRole,
            SweepStep::Hints,
            SweepStep::Returned,
            SweepStep::Ended,
            SweepStep::Replayed,
            SweepStep::Started,
            SweepStep::Canary,
            SweepStep::Heartbeat,
        ];
        assert_eq!(all.map(SweepStep::as_str), SWEEP_STEP.values);
    }
}
