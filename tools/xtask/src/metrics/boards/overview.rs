//! Whether all is well, in one look.

use shared::metrics::labels as label;
use shared::metrics::table;

use super::{QUANTILES, WHOLE, WINDOW};
use crate::metrics::board::{Board, Form, Panel, Row, Shown, panel, row};
use crate::metrics::figures::{database_share, fresh_share, parked_letters, unavailable_share};
use crate::metrics::promql::{Expr, buckets, counter, gauge};

pub(super) fn board() -> Board {
    Board {
        name: "overview",
        title: "Rolecall: overview",
        description: "Whether roles are fresh, and whether somebody must act.",
        rows: vec![now(), flow(), metrics()],
    }
}

fn now() -> Row {
    let fresh = panel(Form::Stat, "Fresh events", Shown::Share, "/")
        .says(
            "Share of the events in the time shown that were applied within 10 s of Clerk's time \
             of them. The objective is 99 %.",
        )
        .query("", fresh_share(WHOLE))
        .bounds(0.99, 0.95)
        .alert("RolecallFreshnessFastBurn");
    let letters = panel(Form::Stat, "Parked dead letters", Shown::Count, "/dead-letters")
        .says("Messages that could not be applied and wait for an operator.")
        .query("", parked_letters())
        .bounds(1.0, 20.0)
        .alert("RolecallDeadLettersParked");
    let hint = panel(Form::Stat, "Oldest pending hint", Shown::Seconds, "/")
        .says("How long a role cache has waited to be told of a change. The sweep tells it again.")
        .query("", gauge(&table::OLDEST_PENDING_HINT_AGE).now().max())
        .bounds(60.0, 300.0)
        .alert("RolecallHintOverdue");
    let guard = panel(Form::Stat, "Guard without an answer", Shown::Share, "/")
        .says("Share of the guard's answers that were 503 in the time shown.")
        .query("", unavailable_share(WHOLE))
        .bounds(0.001, 0.05)
        .alert("RolecallGuardUnavailable");
    let sweep = panel(Form::Stat, "Last sweep", Shown::Seconds, "/")
        .says("Time since the last sweep ended. There is one each minute.")
        .query("", gauge(&table::LAST_SWEEP).now().max().age())
        .bounds(120.0, 300.0)
        .alert("RolecallSweepStale");
    let size = panel(Form::Stat, "Database used", Shown::Share, "/")
        .says("Size of the database, as a share of the size at which D1 refuses writes.")
        .query("", database_share())
        .bounds(0.7, 0.95)
        .alert("RolecallD1Filling");
    row("Now", vec![fresh, letters, hint, guard, sweep, size])
}

fn flow() -> Row {
    let events = counter(&table::EVENTS).rate(WINDOW);
    let applied = panel(Form::Stack, "Events", Shown::PerSecond, "/")
        .says("Messages in committed batches by what became of them. These counts are exact.")
        .query("{{outcome}}", events.sum_by(&[&label::EVENT_OUTCOME]))
        .alert("RolecallConsumerStalled");
    let stages = buckets(&table::STAGE_SECONDS).with(&label::STAGE, &["clerk_to_applied"]);
    let mut lag = panel(Form::Lines, "From Clerk to the database", Shown::Seconds, "/")
        .says("Time from Clerk's time of an event to its commit. Most is the queue's: about 1 s.")
        .alert("RolecallFreshnessSlowBurn");
    for (quantile, name) in QUANTILES {
        lag = lag.query(name, stages.rate(WINDOW).quantile(quantile, &[]));
    }
    let answers = counter(&table::GUARD_ANSWERS).rate(WINDOW);
    let guard = panel(Form::Stack, "Guard answers", Shown::PerSecond, "/")
        .says("Answers of the guard in the Worker ssr. Unavailable is 503: it denies.")
        .query("{{outcome}}", answers.sum_by(&[&label::GUARD_OUTCOME]))
        .alert("RolecallGuardUnavailable");
    let canary = panel(Form::Lines, "Canary", Shown::Seconds, "/")
        .says("Time of each stage of the canary's last run. Empty without a canary.")
        .query(
            "{{stage}}",
            gauge(&table::CANARY_STAGE_SECONDS).now().max_by(&[&label::CANARY_STAGE]),
        )
        .alert("RolecallCanarySlow");
    row("Flow", vec![applied, lag, guard, canary])
}

fn metrics() -> Row {
    row("Alerts and metrics", vec![alerts(), sources()])
}

fn alerts() -> Panel {
    let firing = "alertname=~\"Rolecall.*\",alertname!=\"RolecallWatchdog\",alertstate=\"firing\"";
    let text = format!("count by (alertname, severity) (ALERTS{{{firing}}})");
    panel(Form::Stack, "Firing alerts", Shown::Count, "/")
        .says("Alerts of Rolecall that fire, but for the Watchdog, which always does.")
        .query("{{severity}}: {{alertname}}", Expr::builtin(&text))
        .alert("RolecallWatchdog")
}

fn sources() -> Panel {
    panel(Form::Lines, "Sources of metrics", Shown::UpOrDown, "/")
        .says("Whether the console, D1 and Meter answered. What is down leaves gaps elsewhere.")
        .query("console", Expr::builtin_of_job("up", "").max())
        .query("D1", gauge(&table::D1_UP).now().min())
        .query("Meter", gauge(&table::METER_UP).now().min())
        .alert("RolecallScrapeDown")
}
