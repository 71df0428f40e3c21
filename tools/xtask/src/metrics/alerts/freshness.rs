//! Are events applied, and soon enough? Does the guard answer?

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::figures::{
    ENQUEUED, LATE_SHARE, late, late_share, no_roles, no_roles_share, unavailable,
    unavailable_share,
};
use crate::metrics::promql::{Expr, counter};

pub(super) fn alerts() -> Vec<Alert> {
    vec![fast(), slow(), stalled(), guard(), caches()]
}

/// Burns the budget of late events this many times too fast, over a long window and a short one,
/// <https://sre.google/workbook/alerting-on-slos/>. A few late events of few are no trend.
fn burns(times: f64, long: &str, short: &str, least: f64) -> Expr {
    let too_many = times * LATE_SHARE;
    late_share(long)
        .above(too_many)
        .and(late_share(short).above(too_many))
        .and(late(long).at_least(least))
}

const WAY: (&str, &str) = ("stage", "clerk_to_applied");
const IN_TIME: [(&str, &str); 2] = [("le", "10.0"), WAY];

fn fast() -> Alert {
    let stages = &table::STAGE_SECONDS;
    Alert {
        name: "RolecallFreshnessFastBurn",
        severity: Severity::Page,
        expr: burns(14.4, "1h", "5m", 5.0),
        minutes: 2,
        summary: "{value} of the events of the last hour were applied late",
        description: "More than 14 % of the events of the last hour and of the last five minutes \
            were applied more than 10 s after Clerk's time of them. At this pace the late events \
            that a month may have are used up in two days.",
        value: Value::Share,
        board: "pipeline",
        cases: vec![
            case("half of the events are late", 1, 90)
                .part(stages, "_bucket", &IN_TIME, "0+1x90")
                .part(stages, "_count", &[WAY], "0+2x90")
                .fires("50%"),
            case("all events are in time", 1, 90).part(stages, "_bucket", &IN_TIME, "0+2x90").part(
                stages,
                "_count",
                &[WAY],
                "0+2x90",
            ),
            case("three late events of three are too few", 1, 90)
                .part(stages, "_bucket", &IN_TIME, "0x90")
                .part(stages, "_count", &[WAY], "0x80 1 2 3x8"),
            case("many were late, but no longer are", 1, 90)
                .part(stages, "_bucket", &IN_TIME, "0x60 0+2x30")
                .part(stages, "_count", &[WAY], "0+2x90"),
        ],
    }
}

fn slow() -> Alert {
    let stages = &table::STAGE_SECONDS;
    Alert {
        name: "RolecallFreshnessSlowBurn",
        severity: Severity::Ticket,
        expr: burns(3.0, "1d", "2h", 10.0),
        minutes: 15,
        summary: "{value} of the events of the last day were applied late",
        description: "More than 3 % of the events of the last day and of the last two hours were \
            applied more than 10 s after Clerk's time of them. At this pace the late events that \
            a month may have are used up in ten days.",
        value: Value::Share,
        board: "pipeline",
        cases: vec![
            case("one of twenty events is late", 5, 1800)
                .part(stages, "_bucket", &IN_TIME, "0+19x360")
                .part(stages, "_count", &[WAY], "0+20x360")
                .fires("5%"),
            case("one of a hundred is late", 5, 1800)
                .part(stages, "_bucket", &IN_TIME, "0+99x360")
                .part(stages, "_count", &[WAY], "0+100x360"),
            case("one late event an hour, of one, for nine hours is too few", 60, 1800)
                .part(stages, "_bucket", &IN_TIME, "0x30")
                .part(stages, "_count", &[WAY], "0x21 0+1x9"),
        ],
    }
}

fn stalled() -> Alert {
    let enqueued = counter(&table::DELIVERIES).with(&label::DOOR_OUTCOME, &ENQUEUED);
    let delivery = [("outcome", "enqueued"), ("type", "user.updated")];
    Alert {
        name: "RolecallConsumerStalled",
        severity: Severity::Page,
        expr: enqueued
            .increase("15m")
            .sum()
            .at_least(5.0)
            .and(counter(&table::MESSAGES).increase("15m").sum().equals(0.0)),
        minutes: 5,
        summary: "{value} deliveries went into the queue, and none was applied",
        description: "For a quarter of an hour the door has put deliveries into the queue and the \
            consumer has committed no batch. Roles do not change.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("the door goes on and the consumer does not", 1, 60)
                .input(&table::DELIVERIES, &delivery, "0+1x60")
                .input(&table::MESSAGES, &[], "0+1x20 20x40")
                .fires("15"),
            case("both go on", 1, 60).input(&table::DELIVERIES, &delivery, "0+1x60").input(
                &table::MESSAGES,
                &[],
                "0+1x60",
            ),
            case("both rest", 1, 60).input(&table::DELIVERIES, &delivery, "7x60").input(
                &table::MESSAGES,
                &[],
                "7x60",
            ),
        ],
    }
}

fn guard() -> Alert {
    let answers = &table::GUARD_ANSWERS;
    let allowed = [("outcome", "allowed"), ("reason", "granted")];
    let old = [("outcome", "unavailable"), ("reason", "role-set-too-old")];
    Alert {
        name: "RolecallGuardUnavailable",
        severity: Severity::Page,
        expr: unavailable_share("10m").above(0.05).and(unavailable("10m").at_least(10.0)),
        minutes: 5,
        summary: "{value} of the guard's answers are 503",
        description: "The guard of the Worker ssr can say neither yes nor no: it denies, and pages \
            answer 503.",
        value: Value::Share,
        board: "guard",
        cases: vec![
            case("one of five answers is none", 1, 60)
                .input(answers, &allowed, "0+8x60")
                .input(answers, &old, "0+2x60")
                .fires("20%"),
            case("one of a hundred is none", 1, 60)
                .input(answers, &allowed, "0+99x60")
                .input(answers, &old, "0+1x60"),
            case("three of three in ten minutes are too few", 1, 60)
                .input(answers, &allowed, "0x60")
                .input(answers, &old, "0x50 1 2 3x8"),
        ],
    }
}

/// The guards of apps count nothing here; the role caches that they ask do.
fn caches() -> Alert {
    let answers = &table::OBJECT_ANSWERS;
    Alert {
        name: "RolecallCachesUnavailable",
        severity: Severity::Page,
        expr: no_roles_share("10m").above(0.05).and(no_roles("10m").at_least(10.0)),
        minutes: 5,
        summary: "{value} of the role caches' answers are 503",
        description: "Role caches have no role set that is fresh enough. The guards of all apps \
            that ask them deny, or answer 503.",
        value: Value::Share,
        board: "guard",
        cases: vec![
            case("half of the answers are none", 1, 60)
                .input(answers, &[("answer", "fill")], "0+4x60")
                .input(answers, &[("answer", "unavailable")], "0+4x60")
                .fires("50%"),
            case("one of a hundred is none", 1, 60)
                .input(answers, &[("answer", "object")], "0+99x60")
                .input(answers, &[("answer", "unavailable")], "0+1x60"),
            case("what a caller asked wrongly is refused", 1, 60)
                .input(answers, &[("answer", "object")], "0+4x60")
                .input(answers, &[("answer", "refused")], "0+4x60"),
        ],
    }
}
