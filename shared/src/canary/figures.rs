//! What the metrics say of the canary.

use super::{CanaryRun, Stage};
use crate::time::UnixMillis;

/// The metrics of the canary, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanaryFigures {
    /// `CANARY_SINCE`; `None` without a canary.
    pub since: Option<UnixMillis>,
    /// `CANARY_LAST_SEEN`; `None` if no run was seen.
    pub last_seen_at: Option<UnixMillis>,
    /// `CANARY_STAGE_SECONDS` of the last run that was seen; empty if there is none.
    pub stages_ms: Vec<(Stage, i64)>,
    /// `CANARY_WAITING_SECONDS`, of each stage; empty without a canary.
    pub waiting_ms: Vec<(Stage, i64)>,
}

/// The figures of the rows of [`crate::sql::canary::recent`]: the oldest run that is remembered,
/// the last one that was seen, and the first and the newest one after it.
///
/// The first one after it says since when the canary waits, and the newest one where it waits now.
/// Where both wait for one stage, the longer time counts.
#[must_use]
pub fn figures(recent: &[CanaryRun], now: UnixMillis) -> CanaryFigures {
    let Some(since) = recent.iter().map(|run| run.began_at).min() else {
        return CanaryFigures::default();
    };
    let last = recent.iter().filter(|run| run.seen_at.is_some()).max_by_key(|run| run.began_at);
    let last_began_at = last.map(|run| run.began_at);
    let waits = recent.iter().filter(|run| last_began_at < Some(run.began_at));
    let waits: Vec<(Stage, i64)> = waits.map(|run| (run.waits_for(), run.waited(now))).collect();
    let longest = |stage: Stage| {
        let of_stage = waits.iter().filter(|(it, _)| *it == stage);
        (stage, of_stage.map(|(_, ms)| *ms).max().unwrap_or_default())
    };
    CanaryFigures {
        since: Some(since),
        last_seen_at: last.and_then(|run| run.seen_at),
        stages_ms: last.map(CanaryRun::stages).unwrap_or_default(),
        waiting_ms: Stage::ALL.map(longest).to_vec(),
    }
}

impl CanaryRun {
    /// How long each stage took whose end is known, or that must have ended before one that is
    /// known. Never negative: two clocks may differ, and Clerk may answer after its delivery. The
    /// sum is the time from the question to Clerk to the latest end.
    #[must_use]
    pub fn stages(&self) -> Vec<(Stage, i64)> {
        let ends = self.ends();
        let mut last = self.asked_at.unwrap_or(self.began_at);
        let mut stages = Vec::new();
        for (at, stage) in Stage::ALL.into_iter().enumerate() {
            // A stage whose end is not known ended when the next one did.
            let later = ends.iter().skip(at).flatten().next();
            let Some(end) = later else { break };
            let end = last.max(*end);
            stages.push((stage, end.since(last)));
            last = end;
        }
        stages
    }

    /// How long it has waited since the last end that is known.
    fn waited(&self, now: UnixMillis) -> i64 {
        let last = self.ends().into_iter().flatten().max().unwrap_or_default();
        now.since(last.max(self.began_at)).max(0)
    }
}
