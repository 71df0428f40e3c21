//! The canary: one user whose change is followed from Clerk to a guard.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Case, Severity, Value, case};
use crate::metrics::figures::canary_seen;
use crate::metrics::promql::{counter, gauge};

pub(super) fn alerts() -> Vec<Alert> {
    vec![slow(), silent()]
}

fn slow() -> Alert {
    let took = gauge(&table::CANARY_STAGE_SECONDS).now().max_by(&[&label::CANARY_STAGE]);
    let waits = gauge(&table::CANARY_WAITING_SECONDS).now().max_by(&[&label::CANARY_STAGE]);
    Alert {
        name: "RolecallCanarySlow",
        severity: Severity::Ticket,
        expr: took.above(10.0).or(waits.above(30.0)),
        minutes: 3,
        summary: "The canary is slow at the stage {stage}",
        description: "The canary's change took {value} for the stage {stage}, or has waited there \
            for as long. Other users' changes take the same way.",
        value: Value::Seconds,
        board: "operators",
        cases: slow_cases(),
    }
}

/// For each stage one in which an open run waits for it.
const WAITS: [(&str, &str); 6] = [
    ("it waits for Clerk's API", "clerk"),
    ("it waits for the delivery", "sender"),
    ("it waits for the door", "door"),
    ("it waits for the queue", "queue"),
    ("it waits for D1", "d1"),
    ("it waits for the hint", "hint"),
];

fn slow_cases() -> Vec<Case> {
    let (took, waits) = (&table::CANARY_STAGE_SECONDS, &table::CANARY_WAITING_SECONDS);
    let mut cases = vec![
        case("the sender took long", 1, 20)
            .input(took, &[("stage", "sender")], "25x20")
            .input(took, &[("stage", "queue")], "1x20")
            .input(waits, &[("stage", "sender")], "0x20")
            .fires_with(&[("stage", "sender")], "25s"),
        case("each stage is quick", 1, 20).input(took, &[("stage", "sender")], "1x20").input(
            waits,
            &[("stage", "sender")],
            "0 5 0 9 0x16",
        ),
    ];
    cases.extend(WAITS.map(|(about, stage)| {
        let quick = if stage == "hint" { "d1" } else { "hint" };
        case(about, 1, 20)
            .input(took, &[("stage", stage)], "1x20")
            .input(took, &[("stage", quick)], "1x20")
            .input(waits, &[("stage", stage)], "0x10 60+60x9")
            .input(waits, &[("stage", quick)], "0x20")
            .fires_with(&[("stage", stage)], "10m 0s")
    }));
    cases
}

fn silent() -> Alert {
    // A canary that is on, and of which there is no run: its series are absent.
    let steps = counter(&table::SWEEP_STEPS).with(&label::SWEEP_STEP, &["canary"]);
    let is_on = steps.increase("5m").sum().above(0.0);
    let answers = gauge(&table::D1_UP).now().min().equals(1.0);
    let unknown = is_on.and(answers).unless(gauge(&table::CANARY_SINCE).now().max());
    Alert {
        name: "RolecallCanarySilent",
        severity: Severity::Page,
        expr: canary_seen().age().above(240.0).or(unknown),
        // Longer than the window above: a canary that was switched off is not silent.
        minutes: 6,
        summary: "No guard sees the changes of the canary",
        description: "The canary changes each minute, and no guard has seen a change for ten \
            minutes. As a rule nobody's changes arrive, or the canary itself does not run.",
        value: Value::Number,
        board: "operators",
        cases: silent_cases(),
    }
}

fn silent_cases() -> Vec<Case> {
    let steps = &table::SWEEP_STEPS;
    let step = |result| [("result", result), ("step", "canary")];
    vec![
        case("it was seen, and then no more", 1, 40)
            .input(&table::CANARY_SINCE, &[], "0x40")
            .input(&table::CANARY_LAST_SEEN, &[], "0+60x10 600x30")
            .fires(""),
        case("it was never seen", 1, 40).input(&table::CANARY_SINCE, &[], "0x40").fires(""),
        case("it is on, and never began a run", 1, 40)
            .input(&table::D1_UP, &[], "1x40")
            .input(steps, &step("failed"), "0+1x40")
            .input(steps, &step("ok"), "0x40")
            .fires(""),
        case("it is seen each minute", 1, 40)
            .input(&table::D1_UP, &[], "1x40")
            .input(steps, &step("ok"), "0+1x40")
            .input(&table::CANARY_SINCE, &[], "0x40")
            .input(&table::CANARY_LAST_SEEN, &[], "0+60x40"),
        case("it was switched off", 1, 26)
            .input(&table::D1_UP, &[], "1x40")
            .input(steps, &step("ok"), "0+1x20 20x20")
            .input(&table::CANARY_SINCE, &[], "0x20 stale")
            .input(&table::CANARY_LAST_SEEN, &[], "0+60x20 stale"),
        case("D1 is down, which is another alert", 1, 40).input(&table::D1_UP, &[], "0x40").input(
            steps,
            &step("failed"),
            "0+1x40",
        ),
        case("there is no canary", 1, 40)
            .input(&table::D1_UP, &[], "1x40")
            .input(steps, &step("failed"), "0x40")
            .input(steps, &step("ok"), "0x40"),
    ]
}
