//! The canary: one user whose change is followed from Clerk to a guard.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::figures::canary_seen;
use crate::metrics::promql::gauge;

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
        cases: vec![
            case("the sender takes long", 1, 20)
                .input(&table::CANARY_STAGE_SECONDS, &[("stage", "sender")], "25x20")
                .input(&table::CANARY_STAGE_SECONDS, &[("stage", "queue")], "1x20")
                .input(&table::CANARY_WAITING_SECONDS, &[("stage", "sender")], "0x20")
                .fires_with(&[("stage", "sender")], "25s"),
            case("it waits for the hint", 1, 20)
                .input(&table::CANARY_STAGE_SECONDS, &[("stage", "hint")], "1x20")
                .input(&table::CANARY_WAITING_SECONDS, &[("stage", "hint")], "0x10 60+60x9")
                .fires_with(&[("stage", "hint")], "10m 0s"),
            case("each stage is quick", 1, 20)
                .input(&table::CANARY_STAGE_SECONDS, &[("stage", "sender")], "1x20")
                .input(&table::CANARY_WAITING_SECONDS, &[("stage", "sender")], "0 5 0 9 0x16"),
        ],
    }
}

fn silent() -> Alert {
    Alert {
        name: "RolecallCanarySilent",
        severity: Severity::Page,
        expr: canary_seen().age().above(600.0),
        minutes: 1,
        summary: "No guard has seen a change of the canary for {value}",
        description: "The canary changes each minute. If no guard sees it, as a rule nobody's \
            changes arrive, or the canary itself does not run.",
        value: Value::Seconds,
        board: "operators",
        cases: vec![
            case("it was seen, and then no more", 1, 40)
                .input(&table::CANARY_SINCE, &[], "0x40")
                .input(&table::CANARY_LAST_SEEN, &[], "0+60x10 600x30")
                .fires("30m 0s"),
            case("it was never seen", 1, 40)
                .input(&table::CANARY_SINCE, &[], "0x40")
                .fires("40m 0s"),
            case("it is seen each minute", 1, 40).input(&table::CANARY_SINCE, &[], "0x40").input(
                &table::CANARY_LAST_SEEN,
                &[],
                "0+60x40",
            ),
            case("there is no canary", 1, 40).input(&table::D1_UP, &[], "1x40"),
        ],
    }
}
