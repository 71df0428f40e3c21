//! For operators: dead letters, the sweep, the canary, D1, and the metrics themselves.

use shared::metrics::labels as label;
use shared::metrics::table;

use super::WINDOW;
use crate::metrics::board::{Board, Form, Row, Shown, panel, row};
use crate::metrics::figures::{
    D1_QUERIES_MAX, canary_seen, d1_queries, database_days, parked_letters,
};
use crate::metrics::promql::{Expr, counter, gauge, number};

pub(super) fn board() -> Board {
    Board {
        name: "operators",
        title: "Rolecall: operators",
        description: "What waits for somebody, and how much room is left.",
        rows: vec![letters(), sweep(), canary(), database(), itself()],
    }
}

fn letters() -> Row {
    let parked = panel(Form::Stat, "Parked", Shown::Count, "/dead-letters")
        .says("Letters that wait for you.")
        .query("", parked_letters())
        .bounds(1.0, 20.0)
        .alert("RolecallDeadLettersParked");
    let oldest = panel(Form::Stat, "Oldest parked", Shown::Seconds, "/dead-letters")
        .says("How long the oldest of them has waited.")
        .query("", gauge(&table::OLDEST_PARKED_LETTER_AGE).now().max())
        .bounds(86_400.0, 259_200.0)
        .alert("RolecallDeadLetterOld");
    let replays = panel(Form::Stat, "Open replays", Shown::Count, "/replays")
        .says("Replays that are planned, run, or were paused.")
        .query("", gauge(&table::OPEN_REPLAYS).now().max())
        .alert("RolecallDeadLettersParked");
    let letters = || gauge(&table::DEAD_LETTERS);
    let reasons = panel(Form::Bars, "Parked by reason", Shown::Count, "/dead-letters")
        .says("The console's matrix leads from each reason to its letters.")
        .query(
            "{{reason}}",
            letters()
                .with(&label::LETTER_STATE, &["parked"])
                .now()
                .sum_by(&[&label::LETTER_REASON])
                .above(0.0),
        )
        .bounds(1.0, 20.0)
        .alert("RolecallDeadLettersParked");
    let states = panel(Form::Stack, "Letters by state", Shown::Count, "/dead-letters")
        .says("All letters that are kept. Parked and replaying ones are not at their end.")
        .query("{{state}}", letters().now().sum_by(&[&label::LETTER_STATE]))
        .alert("RolecallDeadLettersParked");
    let parking = counter(&table::PARKED).rate(WINDOW);
    let parking = panel(Form::Stack, "Parking", Shown::PerSecond, "/dead-letters")
        .says("Messages that are parked, by reason, each time that they are.")
        .query("{{reason}}", parking.sum_by(&[&label::LETTER_REASON]))
        .alert("RolecallDeadLettersSurge");
    row("Dead letters", vec![parked, oldest, replays, reasons, states, parking])
}

fn sweep() -> Row {
    let last = panel(Form::Lines, "Last sweep", Shown::Seconds, "/")
        .says("Time since the last sweep ended. There is one each minute.")
        .query("since", gauge(&table::LAST_SWEEP).now().max().age())
        .bounds(120.0, 300.0)
        .alert("RolecallSweepStale");
    let steps = counter(&table::SWEEP_STEPS).with(&label::RESULT, &["failed"]).rate(WINDOW);
    let failed = panel(Form::Stack, "Failed steps", Shown::PerSecond, "/")
        .says("Steps of sweeps that failed. The next sweep tries them again.")
        .query("{{step}}", steps.sum_by(&[&label::SWEEP_STEP]))
        .alert("RolecallSweepStepFailing");
    row("Sweep", vec![last, failed])
}

fn canary() -> Row {
    let stages = |metric| gauge(metric).now().max_by(&[&label::CANARY_STAGE]);
    let took = panel(Form::Stack, "Stages of the last run", Shown::Seconds, "/")
        .says("How long the canary's change took from Clerk's API to a guard. Empty without one.")
        .query("{{stage}}", stages(&table::CANARY_STAGE_SECONDS))
        .alert("RolecallCanarySlow");
    let waits = panel(Form::Lines, "Waiting at", Shown::Seconds, "/")
        .says("The stage that the open run waits for, and for how long.")
        .query("{{stage}}", stages(&table::CANARY_WAITING_SECONDS))
        .alert("RolecallCanarySlow");
    let seen = panel(Form::Stat, "Canary seen", Shown::Seconds, "/")
        .says("Time since a guard last saw the canary's change, or since its first run.")
        .query("", canary_seen().age())
        .bounds(180.0, 600.0)
        .alert("RolecallCanarySilent");
    row("Canary", vec![seen, took, waits])
}

fn database() -> Row {
    let days = panel(Form::Stat, "Days until full", Shown::Count, "/")
        .says("If it grows as in the last day. Empty or below 0 if it does not grow.")
        .query("", database_days("1d"))
        .bounds(30.0, 7.0)
        .alert("RolecallD1Filling");
    let size = panel(Form::Lines, "Size", Shown::Bytes, "/")
        .says("Size of the database, and the size at which D1 refuses writes.")
        .query("size", gauge(&table::D1_SIZE).now().max())
        .query("limit", gauge(&table::D1_SIZE_LIMIT).now().max())
        .alert("RolecallD1AlmostFull");
    let queries = panel(Form::Lines, "Queries against the ceiling", Shown::PerSecond, "/")
        .says(
            "All statements, each of a batch by itself, and the number at which one primary of D1 \
             is about full if each takes 1 ms.",
        )
        .query("queries", d1_queries(WINDOW))
        .query("ceiling", number(D1_QUERIES_MAX))
        .alert("RolecallD1QueriesHigh");
    let each = counter(&table::D1_QUERIES).rate(WINDOW);
    let each = panel(Form::Stack, "Queries by Worker", Shown::PerSecond, "/")
        .says("Statements by who asks, and whether D1 answered.")
        .query("{{worker}} {{result}}", each.sum_by(&[&label::WORKER, &label::RESULT]))
        .alert("RolecallD1Down");
    let rows = |metric| counter(metric).rate(WINDOW).sum_by(&[&label::WORKER]);
    let read = panel(Form::Stack, "Rows read", Shown::PerSecond, "/")
        .says("As D1 bills them.")
        .query("{{worker}}", rows(&table::D1_ROWS_READ))
        .alert("RolecallD1QueriesHigh");
    let written = panel(Form::Stack, "Rows written", Shown::PerSecond, "/")
        .says("As D1 bills them.")
        .query("{{worker}}", rows(&table::D1_ROWS_WRITTEN))
        .alert("RolecallD1QueriesHigh");
    row("D1", vec![days, size, queries, each, read, written])
}

fn itself() -> Row {
    let build = panel(Form::Labels, "Build", Shown::Count, "/")
        .says("The console's version, and the newest migration that the database has.")
        .query("{{version}}, schema {{schema}}", Expr::builtin_of_job("rolecall_build_info", ""))
        .alert("RolecallScrapeDown");
    let isolates = panel(Form::Stat, "Isolates", Shown::Count, "/")
        .says("Isolates whose flushes Meter remembers, of the last 24 hours.")
        .query("", gauge(&table::METER_SOURCES).now().max())
        .alert("RolecallMeterStale");
    let flush = gauge(&table::LAST_FLUSH).now().max_by(&[&label::WORKER]).age();
    let flush = panel(Form::Lines, "Last flush", Shown::Seconds, "/")
        .says("Time since Meter took a flush. Only the consumer flushes without traffic.")
        .query("{{worker}}", flush)
        .alert("RolecallMeterStale");
    let flushes = counter(&table::METER_FLUSHES).rate(WINDOW);
    let flushes = panel(Form::Stack, "Flushes", Shown::PerSecond, "/")
        .says("Counted, repeated (a copy, not counted again), or refused (older than 24 hours).")
        .query("{{result}}", flushes.sum_by(&[&label::FLUSH_RESULT]))
        .alert("RolecallMeterDown");
    let dropped = panel(Form::Lines, "Values that Meter does not know", Shown::PerSecond, "/")
        .says("After a rollback of the Worker durable alone: deploy it again.")
        .query("dropped", counter(&table::METER_DROPPED).rate(WINDOW).sum())
        .alert("RolecallMeterStale");
    row("Metrics", vec![isolates, flush, flushes, dropped, build])
}
