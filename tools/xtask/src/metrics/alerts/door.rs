//! What arrives from Clerk, and what is refused.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::figures::OUR_REFUSALS;
use crate::metrics::promql::counter;

pub(super) fn alerts() -> Vec<Alert> {
    vec![silence(), surge(), failing()]
}

const UPDATED: [(&str, &str); 2] = [("outcome", "enqueued"), ("type", "user.updated")];

fn silence() -> Alert {
    let deliveries = || counter(&table::DELIVERIES);
    Alert {
        name: "RolecallSilence",
        severity: Severity::Page,
        expr: deliveries()
            .increase("2h")
            .sum()
            .equals(0.0)
            .and(deliveries().increase_before("2h", "1d").sum().at_least(10.0))
            .and(deliveries().increase_before("2h", "1w").sum().at_least(10.0)),
        minutes: 5,
        summary: "Clerk has delivered nothing for two hours",
        description: "The door has accepted no delivery for two hours. In the same two hours of \
            yesterday and of a week ago there were at least ten each.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("a steady flow ends", 30, 10_400)
                .input(&table::DELIVERIES, &UPDATED, "0+20x340 6800x20")
                .fires("0"),
            case("the flow goes on", 30, 10_400).input(&table::DELIVERIES, &UPDATED, "0+20x360"),
            case("these hours were silent a week ago too", 30, 10_400).input(
                &table::DELIVERIES,
                &UPDATED,
                "0x30 0+20x310 6200x20",
            ),
            case("in the first week nobody knows what is usual", 30, 2_900).input(
                &table::DELIVERIES,
                &UPDATED,
                "0+20x80 1600x30",
            ),
        ],
    }
}

fn surge() -> Alert {
    let senders = || {
        let refusals = counter(&table::REFUSALS).without(&label::DOOR_REFUSAL, &OUR_REFUSALS);
        refusals.increase("15m").sum()
    };
    let forged = [("reason", "bad-signature")];
    Alert {
        name: "RolecallRefusalsSurge",
        severity: Severity::Ticket,
        expr: senders().at_least(20.0).unless(
            counter(&table::DELIVERIES).increase("15m").sum().above_all(senders().times(4.0)),
        ),
        minutes: 5,
        summary: "The door refused {value} requests in a quarter of an hour",
        description: "More than a fifth of all requests to the door were refused for something \
            that the sender did: a wrong signature, an old time, another instance. If Clerk sent \
            them, they are not applied.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("all signatures are wrong, and nothing was ever accepted", 1, 60)
                .input(&table::REFUSALS, &forged, "0+4x60")
                .fires("60"),
            case("half of all requests are refused", 1, 60)
                .input(&table::REFUSALS, &forged, "0+4x60")
                .input(&table::DELIVERIES, &UPDATED, "0+4x60")
                .fires("60"),
            case("one of ten is refused", 1, 60).input(&table::REFUSALS, &forged, "0+4x60").input(
                &table::DELIVERIES,
                &UPDATED,
                "0+36x60",
            ),
            case("a few are refused", 1, 60).input(&table::REFUSALS, &forged, "0x50 0+1x10"),
            case("what is ours to mend is another alert", 1, 60).input(
                &table::REFUSALS,
                &[("reason", "misconfigured")],
                "0+4x60",
            ),
        ],
    }
}

fn failing() -> Alert {
    let refusals = counter(&table::REFUSALS).with(&label::DOOR_REFUSAL, &OUR_REFUSALS);
    Alert {
        name: "RolecallDoorFailing",
        severity: Severity::Page,
        expr: refusals.increase("10m").sum_by(&[&label::DOOR_REFUSAL]).at_least(3.0),
        minutes: 2,
        summary: "The door cannot take deliveries: {reason}",
        description: "In ten minutes the door refused {value} deliveries because of {reason}. \
            Clerk tries them again for about a day, and gives up on them then.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("the queue takes nothing", 1, 30)
                .input(&table::REFUSALS, &[("reason", "queue-unavailable")], "0+1x30")
                .fires_with(&[("reason", "queue-unavailable")], "10"),
            case("it failed twice", 1, 30).input(
                &table::REFUSALS,
                &[("reason", "queue-unavailable")],
                "0x25 1 2x4",
            ),
            case("what the sender did is another alert", 1, 30).input(
                &table::REFUSALS,
                &[("reason", "bad-signature")],
                "0+1x30",
            ),
        ],
    }
}
