//! From Clerk's webhook to the hint: the door, the queue, the consumer.

use shared::metrics::labels as label;
use shared::metrics::table;

use super::{QUANTILES, WINDOW};
use crate::metrics::board::{Board, Form, Panel, Row, Shown, panel, row};
use crate::metrics::promql::{buckets, counter, gauge};

pub(super) fn board() -> Board {
    Board {
        name: "pipeline",
        title: "Rolecall: pipeline",
        description: "What happens to a delivery, stage by stage.",
        rows: vec![door(), stages(), queue(), hints()],
    }
}

fn door() -> Row {
    let deliveries = || counter(&table::DELIVERIES).rate(WINDOW);
    let outcomes = panel(Form::Stack, "Deliveries by outcome", Shown::PerSecond, "/")
        .says("What the door did with the deliveries that it accepted.")
        .query("{{outcome}}", deliveries().sum_by(&[&label::DOOR_OUTCOME]))
        .alert("RolecallSilence");
    let types = panel(Form::Stack, "Deliveries by type", Shown::PerSecond, "/")
        .says("Clerk's event types. Others than those that are synced are `other`.")
        .query("{{type}}", deliveries().sum_by(&[&label::EVENT_TYPE]))
        .alert("RolecallSilence");
    let refusals = counter(&table::REFUSALS).rate(WINDOW);
    let refused = panel(Form::Stack, "Refusals", Shown::PerSecond, "/")
        .says(
            "Requests that the door refused. Clerk tries a refused delivery again. A wrong \
             signature may be anybody's.",
        )
        .query("{{reason}}", refusals.sum_by(&[&label::DOOR_REFUSAL]))
        .alert("RolecallRefusalsSurge");
    let mut seconds = panel(Form::Lines, "Time at the door", Shown::Seconds, "/")
        .says("Time from a request's arrival to its answer, after the queue has the message.")
        .alert("RolecallDoorFailing");
    for (quantile, name) in QUANTILES {
        let rates = buckets(&table::DOOR_SECONDS).rate(WINDOW);
        seconds = seconds.query(name, rates.quantile(quantile, &[]));
    }
    row("Door", vec![outcomes, types, refused, seconds])
}

fn stages() -> Row {
    let of_all = |title, quantile| {
        panel(Form::Lines, title, Shown::Seconds, "/")
            .says(
                "Time of each stage: Clerk's time, the door, the commit, the acknowledged hint. \
                 Copies, replays and the hints of sweeps do not count.",
            )
            .query(
                "{{stage}}",
                buckets(&table::STAGE_SECONDS).rate(WINDOW).quantile(quantile, &[&label::STAGE]),
            )
            .alert("RolecallFreshnessFastBurn")
    };
    let of_one = |title, stage, says| {
        let series = buckets(&table::STAGE_SECONDS).with(&label::STAGE, stage);
        panel(Form::Heatmap, title, Shown::PerSecond, "/")
            .says(says)
            .query("{{le}}", series.rate(WINDOW).sum_by_bucket())
            .alert("RolecallFreshnessSlowBurn")
    };
    let whole = of_one(
        "From Clerk to the commit",
        &["clerk_to_applied"],
        "How many events took how long. A second band far above the first is one of retries.",
    );
    let visible = of_one(
        "From the commit to the cache",
        &["applied_to_visible"],
        "How long after the commit the role cache of the user knew of it. The sweep's hints do not \
         count: see the oldest pending hint.",
    );
    row("Stages", vec![of_all("Median", 0.5), of_all("99 %", 0.99), whole, visible])
}

fn queue() -> Row {
    let events = counter(&table::EVENTS).rate(WINDOW);
    let became = panel(Form::Stack, "Events by outcome", Shown::PerSecond, "/")
        .says(
            "What became of messages, exactly: superseded and duplicate are normal, parked is not.",
        )
        .query("{{outcome}}", events.sum_by(&[&label::EVENT_OUTCOME]))
        .alert("RolecallDeadLettersSurge");
    let messages = || counter(&table::MESSAGES).rate(WINDOW).sum();
    let batch = panel(Form::Lines, "Messages in a batch", Shown::Count, "/")
        .says("Mean size of committed batches. The queue waits a second for at most 100.")
        .query("messages", messages().divided_by(counter(&table::BATCHES).rate(WINDOW).sum()))
        .alert("RolecallConsumerStalled");
    let retried = panel(Form::Lines, "Messages that were tried again", Shown::PerSecond, "/")
        .says("Messages in committed batches whose earlier attempts had failed.")
        .query("tried again", counter(&table::RETRIED_MESSAGES).rate(WINDOW).sum())
        .alert("RolecallBatchFailures");
    let failures = counter(&table::BATCH_FAILURES).rate(WINDOW);
    let failed = panel(Form::Stack, "Failed batches", Shown::PerSecond, "/")
        .says("Batches that D1 did not commit, by the kind of its error.")
        .query("{{kind}}", failures.sum_by(&[&label::D1_ERROR]))
        .alert("RolecallBatchFailures");
    let actions = counter(&table::MESSAGE_ACTIONS).rate(WINDOW);
    let told = panel(Form::Stack, "What the queue was told", Shown::PerSecond, "/")
        .says("Acknowledged, tried again later, or dropped, for the events and the dead letters.")
        .query("{{queue}} {{action}}", actions.sum_by(&[&label::QUEUE, &label::MESSAGE_ACTION]))
        .alert("RolecallMessagesDropped");
    row("Queue and consumer", vec![became, batch, retried, failed, told, attempts()])
}

fn attempts() -> Panel {
    let attempts = buckets(&table::MESSAGE_ATTEMPTS).rate(WINDOW);
    panel(Form::Lines, "Attempts", Shown::Count, "/")
        .says("Attempts that 99 of 100 messages had needed at most. The events queue ends at 9.")
        .query("{{queue}}", attempts.quantile(0.99, &[&label::QUEUE]))
        .alert("RolecallBatchFailures")
}

fn hints() -> Row {
    let answers = counter(&table::HINTS).rate(WINDOW);
    let hints = panel(Form::Stack, "Hints by answer", Shown::PerSecond, "/")
        .says("Answers of role caches to hints. A failed one is sent again by the sweep.")
        .query("{{answer}}", answers.sum_by(&[&label::HINT_ANSWER]))
        .alert("RolecallHintOverdue");
    let pending = panel(Form::Lines, "Pending hints", Shown::Count, "/")
        .says("Role caches that wait for a hint: exact up to 1000.")
        .query("pending", gauge(&table::PENDING_HINTS).now().max())
        .alert("RolecallHintOverdue");
    let oldest = panel(Form::Lines, "Oldest pending hint", Shown::Seconds, "/")
        .says("How long the oldest of them has waited.")
        .query("oldest", gauge(&table::OLDEST_PENDING_HINT_AGE).now().max())
        .alert("RolecallHintOverdue");
    let batch = panel(Form::Lines, "Last committed batch", Shown::Seconds, "/")
        .says("Time since the consumer committed last. It grows while Clerk is silent.")
        .query("since", gauge(&table::LAST_BATCH).now().max().age())
        .alert("RolecallSilence");
    row("Hints", vec![hints, pending, oldest, batch])
}
