//! What waits: dead letters, hints, and what the sweep carries on.

use shared::metrics::labels as label;
use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::figures::parked_letters;
use crate::metrics::promql::{counter, gauge};

pub(super) fn alerts() -> Vec<Alert> {
    vec![parked(), old_letter(), parking(), dropped(), hint(), batches(), sweep(), step()]
}

const PARKED: [(&str, &str); 2] = [("reason", "shape"), ("state", "parked")];

fn parked() -> Alert {
    Alert {
        name: "RolecallDeadLettersParked",
        severity: Severity::Ticket,
        expr: parked_letters().above(0.0),
        minutes: 15,
        summary: "{value} dead letters wait for an operator",
        description: "Messages that could not be applied are parked with their reason. What they \
            say about a user is not in the roles.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("two letters are parked", 1, 30)
                .input(&table::DEAD_LETTERS, &PARKED, "0x5 2x25")
                .fires("2"),
            case("they were discarded", 1, 30)
                .input(&table::DEAD_LETTERS, &PARKED, "0x5 2x5 0x20")
                .input(
                    &table::DEAD_LETTERS,
                    &[("reason", "shape"), ("state", "discarded")],
                    "0x10 2x20",
                ),
        ],
    }
}

fn old_letter() -> Alert {
    Alert {
        name: "RolecallDeadLetterOld",
        severity: Severity::Ticket,
        expr: gauge(&table::OLDEST_PARKED_LETTER_AGE).now().max().above(259_200.0),
        minutes: 5,
        summary: "A dead letter has waited for {value}",
        description: "A parked letter is older than three days: nobody has replayed or discarded \
            it.",
        value: Value::Seconds,
        board: "operators",
        cases: vec![
            case("a letter is four days old", 1, 20)
                .input(&table::OLDEST_PARKED_LETTER_AGE, &[], "345600x20")
                .fires("4d 0h 0m 0s"),
            case("the oldest is a day old", 1, 20).input(
                &table::OLDEST_PARKED_LETTER_AGE,
                &[],
                "86400x20",
            ),
        ],
    }
}

fn parking() -> Alert {
    Alert {
        name: "RolecallDeadLettersSurge",
        severity: Severity::Page,
        expr: counter(&table::PARKED)
            .increase("15m")
            .sum_by(&[&label::LETTER_REASON])
            .at_least(20.0),
        minutes: 0,
        summary: "{value} messages were parked in a quarter of an hour: {reason}",
        description: "Many messages fail for one reason, {reason}. As a rule a deployment, a \
            migration or a change at Clerk is behind it, and goes on to fail.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("each minute two are parked", 1, 30)
                .input(&table::PARKED, &[("reason", "refused-by-database")], "0+2x30")
                .fires_with(&[("reason", "refused-by-database")], "30"),
            case("now and then one is parked", 1, 30).input(
                &table::PARKED,
                &[("reason", "refused-by-database")],
                "0x20 1 2x9",
            ),
        ],
    }
}

/// The only way to lose what the door accepted: nothing but the log and this counter knows of it.
fn dropped() -> Alert {
    let told = counter(&table::MESSAGE_ACTIONS).with(&label::MESSAGE_ACTION, &["dropped"]);
    let of = |action| [("action", action), ("queue", "dead")];
    Alert {
        name: "RolecallMessagesDropped",
        severity: Severity::Page,
        expr: told.increase("1h").sum().above(0.0),
        minutes: 0,
        summary: "{value} messages were dropped after their last attempt",
        description: "The dead-letter queue gave messages up that could be neither applied nor \
            parked in all of their attempts. They are nowhere now but at Clerk.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("the last attempt of two messages failed", 1, 90)
                .input(&table::MESSAGE_ACTIONS, &of("dropped"), "0x60 2x30")
                .fires("2"),
            case("they are tried again", 1, 90)
                .input(&table::MESSAGE_ACTIONS, &of("dropped"), "0x90")
                .input(&table::MESSAGE_ACTIONS, &of("retried"), "0+1x90"),
        ],
    }
}

fn hint() -> Alert {
    Alert {
        name: "RolecallHintOverdue",
        severity: Severity::Ticket,
        expr: gauge(&table::OLDEST_PENDING_HINT_AGE).now().max().above(300.0),
        minutes: 5,
        summary: "A role cache has waited for its hint for {value}",
        description: "The sweep sends pending hints each minute, and one of them is older than \
            five minutes. Caches that are in use read the database within 60 s anyway: no removed \
            role is granted for longer.",
        value: Value::Seconds,
        board: "pipeline",
        cases: vec![
            case("the oldest grows", 1, 20)
                .input(&table::OLDEST_PENDING_HINT_AGE, &[], "0+60x20")
                .fires("20m 0s"),
            case("the next sweep sends it", 1, 20).input(
                &table::OLDEST_PENDING_HINT_AGE,
                &[],
                "0 60 0 45 0 60 0x14",
            ),
        ],
    }
}

fn batches() -> Alert {
    Alert {
        name: "RolecallBatchFailures",
        severity: Severity::Ticket,
        expr: counter(&table::BATCH_FAILURES)
            .increase("15m")
            .sum_by(&[&label::D1_ERROR])
            .at_least(5.0),
        minutes: 5,
        summary: "{value} batches failed in a quarter of an hour: {kind}",
        description: "D1 did not commit batches of the consumer; the kind of its errors is {kind}. \
            The messages are tried again, so roles are late, not wrong.",
        value: Value::Number,
        board: "pipeline",
        cases: vec![
            case("D1 is overloaded", 1, 40)
                .input(&table::BATCH_FAILURES, &[("kind", "overloaded")], "0+1x40")
                .fires_with(&[("kind", "overloaded")], "15"),
            case("one batch failed", 1, 40).input(
                &table::BATCH_FAILURES,
                &[("kind", "transient")],
                "0x30 1x10",
            ),
        ],
    }
}

fn sweep() -> Alert {
    let last = || gauge(&table::LAST_SWEEP).now().max();
    // Before the first sweep there is no time that could be old.
    let answers = gauge(&table::D1_UP).now().min().equals(1.0);
    Alert {
        name: "RolecallSweepStale",
        severity: Severity::Page,
        expr: last().age().above(120.0).or(answers.unless(last())),
        minutes: 5,
        summary: "The consumer's sweep does not end any more, or never did",
        description: "The cron of the consumer runs each minute, and no sweep has ended for seven \
            minutes. Without it lost hints are not sent again, replays stand still, and letters \
            do not come back.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("they ended", 1, 20)
                .input(&table::D1_UP, &[], "1x20")
                .input(&table::LAST_SWEEP, &[], "0+60x5 300x15")
                .fires(""),
            case("there was none since the start", 1, 20)
                .input(&table::D1_UP, &[], "1x20")
                .fires(""),
            case("there is one each minute", 1, 20).input(&table::D1_UP, &[], "1x20").input(
                &table::LAST_SWEEP,
                &[],
                "0+60x20",
            ),
            case("the first one is yet to come", 1, 20).input(&table::D1_UP, &[], "1x20").input(
                &table::LAST_SWEEP,
                &[],
                "_x3 180+60x17",
            ),
            case("D1 is down, which is another alert", 1, 20).input(&table::D1_UP, &[], "0x20"),
        ],
    }
}

fn step() -> Alert {
    let steps = counter(&table::SWEEP_STEPS).with(&label::RESULT, &["failed"]);
    Alert {
        name: "RolecallSweepStepFailing",
        severity: Severity::Ticket,
        expr: steps.increase("30m").sum_by(&[&label::SWEEP_STEP]).at_least(5.0),
        minutes: 5,
        summary: "A step of the sweep fails: {step}",
        description: "In half an hour the step {step} of the sweep failed {value} times. The other \
            steps run.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("a step fails each minute", 1, 60)
                .input(&table::SWEEP_STEPS, &[("result", "failed"), ("step", "hints")], "0+1x60")
                .fires_with(&[("step", "hints")], "30"),
            case("it failed once, and works otherwise", 1, 60)
                .input(&table::SWEEP_STEPS, &[("result", "failed"), ("step", "hints")], "0x50 1x10")
                .input(&table::SWEEP_STEPS, &[("result", "ok"), ("step", "hints")], "0+1x60"),
        ],
    }
}
