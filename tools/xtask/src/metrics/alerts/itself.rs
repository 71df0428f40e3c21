//! The metrics themselves: an alert that cannot fire is no news that all is well.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Case, Severity, Value, case};
use crate::metrics::promql::{Expr, JOBS, counter, gauge, observations};

pub(super) fn alerts() -> Vec<Alert> {
    vec![watchdog(), scrape_down(), absent(), meter_down(), meter_stale(), not_counting()]
}

fn up() -> String {
    format!("up{{job=~\"{JOBS}\"}}")
}

fn watchdog() -> Alert {
    Alert {
        name: "RolecallWatchdog",
        severity: Severity::Info,
        expr: Expr::builtin("vector(1)"),
        minutes: 0,
        summary: "This alert always fires",
        description: "It proves that rules are evaluated and that alerts arrive. Send it to a \
            service that calls you when it no longer comes.",
        value: Value::Number,
        board: "overview",
        cases: vec![case("always", 1, 5).up("1x5").fires_alone("1")],
    }
}

fn scrape_down() -> Alert {
    Alert {
        name: "RolecallScrapeDown",
        severity: Severity::Page,
        expr: Expr::builtin(&up()).equals(0.0),
        minutes: 3,
        summary: "Prometheus cannot scrape the console",
        description: "Without /metrics no other alert of Rolecall can fire. This says nothing of \
            the guards: they do not need the console.",
        value: Value::Number,
        board: "overview",
        cases: vec![
            case("the console is away", 1, 10).up("1x3 0x7").fires("0"),
            case("one scrape failed", 1, 10).up("1x3 0 1x6"),
        ],
    }
}

fn absent() -> Alert {
    Alert {
        name: "RolecallScrapeAbsent",
        severity: Severity::Page,
        expr: Expr::builtin(&format!("absent({})", up())),
        // Two scrapes and more: after a restart of Prometheus the first is yet to come.
        minutes: 3,
        summary: "Prometheus has no job rolecall",
        description: "Prometheus scrapes no job whose name begins with rolecall: its \
            configuration lost it, or named it otherwise.",
        value: Value::Number,
        board: "overview",
        cases: vec![
            case("there is no such job", 1, 10).fires_alone("1"),
            case("there is one", 1, 10).up("1x10"),
            case("it comes a moment after the start", 1, 10).up("_ _ 1x8"),
        ],
    }
}

fn meter_down() -> Alert {
    Alert {
        name: "RolecallMeterDown",
        severity: Severity::Ticket,
        expr: gauge(&table::METER_UP).now().min().equals(0.0),
        minutes: 5,
        summary: "Meter does not answer the console",
        description: "What isolates count is absent from /metrics: the door, the stages, the \
            guard. Alerts on them cannot fire. Roles and guards do not depend on Meter.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("a shard is away", 1, 20).input(&table::METER_UP, &[], "1x5 0x15").fires("0"),
            case("one scrape had no answer", 1, 20).input(&table::METER_UP, &[], "1x5 0 1x14"),
        ],
    }
}

fn last_flush(worker: &'static str) -> Expr {
    gauge(&table::LAST_FLUSH).with(&label::WORKER, &[worker]).now().max()
}

fn meter_stale() -> Alert {
    // The consumer flushes at each sweep; the others only when they had something to count.
    let last = || last_flush("consumer");
    // Before the first flush there is no time that could be old.
    let answers = gauge(&table::METER_UP).now().min().equals(1.0);
    let of = |worker| [("worker", worker)];
    Alert {
        name: "RolecallMeterStale",
        severity: Severity::Ticket,
        expr: last().age().above(120.0).or(answers.unless(last())),
        minutes: 10,
        summary: "Meter gets no flushes of the consumer",
        description: "The consumer flushes what it counted at each sweep, once a minute, and no \
            flush has come for twelve minutes. What it counts stands still or is absent, and \
            alerts on it cannot fire.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("the flushes end", 1, 40)
                .input(&table::METER_UP, &[], "1x40")
                .input(&table::LAST_FLUSH, &of("consumer"), "0+60x20 1200x20")
                .input(&table::LAST_FLUSH, &of("ssr"), "0+60x40")
                .fires(""),
            case("there was none since the start", 1, 40)
                .input(&table::METER_UP, &[], "1x40")
                .input(&table::LAST_FLUSH, &of("ssr"), "0+60x40")
                .fires(""),
            case("they go on, and a Worker without traffic is silent", 1, 40)
                .input(&table::METER_UP, &[], "1x40")
                .input(&table::LAST_FLUSH, &of("consumer"), "0+60x40")
                .input(&table::LAST_FLUSH, &of("ssr"), "0x40"),
            case("Meter is down, which is another alert", 1, 40).input(
                &table::METER_UP,
                &[],
                "0x40",
            ),
        ],
    }
}

/// A flush is expected after traffic, and this old at most: a backlog is worked off without new
/// deliveries.
const FLUSH_S: f64 = 21_600.0;

fn not_counting() -> Alert {
    let silent = |traffic: Expr, worker| {
        let flushes = last_flush(worker).age().below(FLUSH_S);
        traffic.at_least(5.0).unless(flushes).labeled(&label::WORKER, worker)
    };
    let stages = observations(&table::STAGE_SECONDS).with(&label::STAGE, &["clerk_to_door"]);
    let hints = counter(&table::HINTS).with(&label::HINT_ANSWER, &["acked"]);
    Alert {
        name: "RolecallWorkerNotCounting",
        severity: Severity::Ticket,
        expr: silent(stages.increase("1h").sum(), "ingest")
            .or(silent(hints.increase("1h").sum(), "durable")),
        minutes: 15,
        summary: "Meter gets no flushes of the Worker {worker}",
        description: "The consumer sees the traffic of the Worker {worker}, and Meter has had no \
            flush of it for six hours, or never. Alerts on what it counts cannot fire.",
        value: Value::Number,
        board: "operators",
        cases: not_counting_cases(),
    }
}

fn not_counting_cases() -> Vec<Case> {
    let (stages, hints) = (&table::STAGE_SECONDS, &table::HINTS);
    let stage = [("stage", "clerk_to_door")];
    let acked = [("answer", "acked")];
    let of = |worker| [("worker", worker)];
    vec![
        case("ingest has no binding", 5, 120)
            .part(stages, "_count", &stage, "0+5x24")
            .fires_with(&of("ingest"), ""),
        case("durable lost its binding", 5, 600)
            .input(hints, &acked, "0+5x120")
            .input(&table::LAST_FLUSH, &of("durable"), "0x120")
            .fires_with(&of("durable"), ""),
        case("both flush", 5, 120)
            .part(stages, "_count", &stage, "0+5x24")
            .input(hints, &acked, "0+5x24")
            .input(&table::LAST_FLUSH, &of("ingest"), "0+300x24")
            .input(&table::LAST_FLUSH, &of("durable"), "0+300x24"),
        case("both rest", 5, 600)
            .part(stages, "_count", &stage, "5x120")
            .input(hints, &acked, "5x120")
            .input(&table::LAST_FLUSH, &of("ingest"), "0x120"),
    ]
}
