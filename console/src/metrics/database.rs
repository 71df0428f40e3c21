//! What D1 knows, as values of a scrape.

use shared::canary::CanaryRun;
use shared::canary::figures::figures;
use shared::metrics::kind::Origin;
use shared::metrics::labels;
use shared::metrics::table;
use shared::operators::letter_reason;
use shared::sql::metrics::TotalRow;
use shared::sql::overview::{FlowRow, ReasonCount, StateOfThings};
use shared::time::UnixMillis;

use super::samples::Samples;

/// What a scrape reads.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFigures {
    /// The exact counters.
    pub(super) totals: Vec<TotalRow>,
    /// What the tables say now.
    pub(super) state: StateOfThings,
    /// The last hours with a commit, the newest first.
    pub(super) flow: Vec<FlowRow>,
    /// Letters by state and reason.
    pub(super) letters: Vec<ReasonCount>,
    /// Runs of the canary, as `sql::canary::recent` reads them.
    pub(super) canary: Vec<CanaryRun>,
    /// Bytes of the database.
    pub(super) size: Option<i64>,
}

/// Adds the values of the time `now`.
pub(super) fn add(samples: &mut Samples, figures: DatabaseFigures, now: UnixMillis) {
    samples.begin(Origin::Database);
    figures.totals.into_iter().for_each(|row| samples.add(&row.into()));
    letters(samples, &figures.letters);
    let state = &figures.state;
    let age = |at: Option<UnixMillis>| at.map_or(0, |at| now.since(at).max(0));
    samples.gauge(&table::PENDING_HINTS, &[], state.pending_hints);
    samples.gauge(&table::OLDEST_PENDING_HINT_AGE, &[], age(state.oldest_pending_hint));
    samples.gauge(&table::OLDEST_PARKED_LETTER_AGE, &[], age(state.oldest_parked_at));
    samples.gauge(&table::OPEN_REPLAYS, &[], state.open_replays);
    // A time that is not known has no series: an age of 0 would look fresh.
    if let Some(row) = figures.flow.first() {
        samples.gauge(&table::LAST_BATCH, &[], row.last_at.0);
    }
    if let Some(at) = state.last_sweep_at {
        samples.gauge(&table::LAST_SWEEP, &[], at.0);
    }
    if let Some(size) = figures.size {
        samples.gauge(&table::D1_SIZE, &[], size);
    }
    canary(samples, &figures.canary, now);
}

fn letters(samples: &mut Samples, counts: &[ReasonCount]) {
    // Each state and reason has its series from the beginning, as counters have.
    for state in labels::LETTER_STATE.values {
        for reason in letter_reason::ALL {
            samples.gauge(&table::DEAD_LETTERS, &[state, reason], 0);
        }
    }
    for count in counts {
        let reason = letter_reason::known(&count.reason);
        samples.gauge(&table::DEAD_LETTERS, &[&count.state, reason], count.letters);
    }
}

fn canary(samples: &mut Samples, runs: &[CanaryRun], now: UnixMillis) {
    let figures = figures(runs, now);
    if let Some(since) = figures.since {
        samples.gauge(&table::CANARY_SINCE, &[], since.0);
    }
    if let Some(seen_at) = figures.last_seen_at {
        samples.gauge(&table::CANARY_LAST_SEEN, &[], seen_at.0);
    }
    for (stage, ms) in figures.stages_ms {
        samples.gauge(&table::CANARY_STAGE_SECONDS, &[stage.as_str()], ms);
    }
    for (stage, ms) in figures.waiting_ms {
        samples.gauge(&table::CANARY_WAITING_SECONDS, &[stage.as_str()], ms);
    }
}

#[cfg(test)]
mod tests;
