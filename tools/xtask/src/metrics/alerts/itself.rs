//! The metrics themselves: an alert that cannot fire is no news that all is well.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::promql::{Expr, JOBS, gauge};

pub(super) fn alerts() -> Vec<Alert> {
    vec![watchdog(), scrape_down(), absent(), meter_down(), meter_stale(), meter_unfed()]
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

fn meter_stale() -> Alert {
    // The consumer flushes at each sweep; the others only when they had something to count.
    let flush = gauge(&table::LAST_FLUSH).with(&label::WORKER, &["consumer"]);
    let of = |worker| [("worker", worker)];
    Alert {
        name: "RolecallMeterStale",
        severity: Severity::Ticket,
        expr: flush.now().max().age().above(600.0),
        minutes: 2,
        summary: "Meter has had no flush of the consumer for {value}",
        description: "The consumer flushes what it counted at each sweep, once a minute. What \
            isolates count stands still, and alerts on it cannot fire.",
        value: Value::Seconds,
        board: "operators",
        cases: vec![
            case("the flushes end", 1, 40)
                .input(&table::LAST_FLUSH, &of("consumer"), "0+60x20 1200x20")
                .input(&table::LAST_FLUSH, &of("ssr"), "0+60x40")
                .fires("20m 0s"),
            case("they go on, and a Worker without traffic is silent", 1, 40)
                .input(&table::LAST_FLUSH, &of("consumer"), "0+60x40")
                .input(&table::LAST_FLUSH, &of("ssr"), "0x40"),
        ],
    }
}

/// Without the binding a Worker counts nothing, and says nothing of it.
fn meter_unfed() -> Alert {
    let answers = gauge(&table::METER_UP).now().max().equals(1.0);
    let flush = gauge(&table::LAST_FLUSH).with(&label::WORKER, &["consumer"]);
    let of = |worker| [("worker", worker)];
    Alert {
        name: "RolecallMeterUnfed",
        severity: Severity::Ticket,
        expr: answers.unless(flush.now().max()),
        minutes: 10,
        summary: "Meter has never had a flush of the consumer",
        description: "Meter answers, and knows of no flush of the consumer. What the consumer \
            counts is 0 for good, and alerts on it cannot fire.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("the consumer has no binding", 1, 20)
                .input(&table::METER_UP, &[], "1x20")
                .input(&table::LAST_FLUSH, &of("ssr"), "0+60x20")
                .fires("1"),
            case("it flushes", 1, 20).input(&table::METER_UP, &[], "1x20").input(
                &table::LAST_FLUSH,
                &of("consumer"),
                "0+60x20",
            ),
        ],
    }
}
