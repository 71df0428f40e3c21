//! The exact counters, and what a scrape reads from D1.

use serde_json::json;
use shared::envelope::Envelope;
use shared::metrics::flush::SeriesValue;
use shared::operators::letter::ReplayTag;
use shared::plan::{BatchPlan, DeadLetter, OpenedMessage, plan};
use shared::sql::counted_statements;
use shared::sql::metrics::{TotalRow, scrape, totals};
use shared::sql::overview::{FlowRow, ReasonCount, StateOfThings};
use shared::time::UnixMillis;

use crate::support::clerk::{deliver, event_at, redelivered, user_with};
use crate::support::{Db, START};

#[test]
fn a_scrape_reads_an_empty_database() {
    let db = Db::new();
    let [totals, state, flow, letters, canary] = scrape().map(|it| db.json(&it));
    assert_eq!([totals, flow, letters, canary].concat(), <[serde_json::Value; 0]>::default());
    let [state] = &state[..] else { panic!("{state:?}") };
    let state: StateOfThings = serde_json::from_value(state.clone()).unwrap();
    assert_eq!((state.pending_hints, state.oldest_parked_at), (0, None));
}

#[test]
fn totals_are_series() {
    let db = Db::new();
    db.exec(
        "INSERT INTO totals (metric, labels, total) VALUES
         ('rolecall_events_total', 'user.created,applied', 7), ('rolecall_batches_total', '', 2)",
    );
    let rows = db.json(&totals()).into_iter();
    let rows = rows.map(|row| serde_json::from_value::<TotalRow>(row).unwrap().into());
    let series = |metric: &str, labels: &[&str], value| SeriesValue {
        metric: metric.into(),
        labels: labels.iter().map(|it| (*it).to_owned()).collect(),
        value,
        buckets: vec![],
    };
    let want = [
        series("rolecall_batches_total", &[], 2),
        series("rolecall_events_total", &["user.created", "applied"], 7),
    ];
    assert_eq!(rows.collect::<Vec<SeriesValue>>(), want);
}

#[test]
fn letters_of_every_state_and_the_hours_are_read() {
    let db = Db::new();
    db.exec(
        "INSERT INTO dead_letters
           (message_id, queue, reason, attempts, first_seen_at, last_seen_at, envelope, state)
         VALUES ('m1', 'q', 'shape', 1, 1, 1, '', 'parked'),
           ('m2', 'q', 'shape', 1, 90000000, 1, '', 'parked'),
           ('m3', 'q', 'id', 1, 1, 1, '', 'discarded');
         INSERT INTO flow VALUES (7, 1, 2, 0, 0, 5, 5, 42)",
    );
    let [_, _, flow, letters, _] = scrape().map(|it| db.json(&it));
    let letters = letters.into_iter().map(|row| {
        let ReasonCount { state, reason, letters } = serde_json::from_value(row).unwrap();
        format!("{state} {reason} {letters}")
    });
    assert_eq!(letters.collect::<Vec<_>>(), ["discarded id 1", "parked shape 2"]);
    let flow: FlowRow = serde_json::from_value(flow[0].clone()).unwrap();
    assert_eq!(flow.last_at, UnixMillis(42));
}

/// Commits a batch as the consumer does, under a name of its own.
fn commit(db: &Db, batch: &str, messages: &[OpenedMessage], letters: Vec<DeadLetter>) {
    let plan = BatchPlan { batch: batch.into(), ..plan("q", messages, letters) };
    db.run(&counted_statements(&plan, UnixMillis(START))).unwrap();
}

/// Every counter, as `metric labels total`, without `rolecall_` and `_total`.
fn counted(db: &Db) -> Vec<String> {
    let rows = db.json(&totals()).into_iter();
    let rows = rows.map(|row| {
        let TotalRow { metric, labels, total } = serde_json::from_value(row).unwrap();
        let metric = metric.strip_prefix("rolecall_").unwrap().strip_suffix("_total").unwrap();
        format!("{metric} {labels} {total}").replace("  ", " ")
    });
    rows.collect()
}

fn user(id: &str, seconds: i64) -> OpenedMessage {
    let at = START + seconds * 1000;
    deliver(id, &event_at("user.updated", at, &user_with("user_ada", at, &["a"])), START)
}

fn park(message: &OpenedMessage, reason: &str) -> DeadLetter {
    message.to_dead_letter("q", reason, "")
}

/// A message that is no envelope.
fn junk(id: &str) -> DeadLetter {
    let letter = park(&user("msg_junk", 1), "malformed");
    DeadLetter { message_id: id.into(), envelope: None, attempts: 2, ..letter }
}

#[test]
fn a_batch_counts_each_message_by_the_outcome_that_d1_found() {
    let db = Db::new();
    let session = deliver("msg_3", &event_at("session.created", START, &json!({})), START);
    let late = OpenedMessage { attempts: 3, ..user("msg_2", 1) };
    let unreadable = event_at("user.deleted", START, &json!({ "deleted": true }));
    let messages = [user("msg_1", 2), late, session, deliver("msg_4", &unreadable, START)];
    commit(&db, "b1", &messages, vec![park(&user("msg_5", 1), "of-a-later-build"), junk("m6")]);
    let want = [
        "batches 1",
        "events other,ignored 1",
        "events other,parked 1",
        "events user.deleted,parked 1",
        "events user.updated,applied 1",
        "events user.updated,parked 1",
        "events user.updated,superseded 1",
        "messages 6",
        "parked malformed 1",
        "parked no-subject 1",
        "parked other 1",
        "retried_messages 2",
    ];
    assert_eq!(counted(&db), want);
}

#[test]
fn copies_are_repeated_whether_in_one_batch_or_in_two() {
    let db = Db::new();
    let message = user("msg_1", 1);
    commit(&db, "b1", &[message.clone(), redelivered(&message, 2)], vec![]);
    commit(&db, "b2", &[redelivered(&message, 3)], vec![]);
    let want = [
        "batches 2",
        "events user.updated,applied 1",
        "events user.updated,repeated 2",
        "messages 3",
    ];
    assert_eq!(counted(&db), want);
}

#[test]
fn a_batch_that_is_delivered_again_is_repeated() {
    let db = Db::new();
    let letters = || vec![park(&user("msg_2", 1), "overloaded"), junk("m3")];
    for batch in ["b1", "b2"] {
        commit(&db, batch, &[user("msg_1", 1)], letters());
    }
    let want = [
        "batches 2",
        "events other,parked 1",
        "events other,repeated 1",
        "events user.updated,applied 1",
        "events user.updated,parked 1",
        "events user.updated,repeated 2",
        "messages 6",
        "parked malformed 2",
        "parked overloaded 2",
        "retried_messages 2",
    ];
    assert_eq!(counted(&db), want);
}

#[test]
fn a_parked_delivery_that_is_applied_later_counts_under_both() {
    let db = Db::new();
    let message = user("msg_1", 1);
    commit(&db, "b1", &[], vec![park(&message, "overloaded")]);
    let tag = ReplayTag { letter: message.id.clone(), replay: "r1".into(), generation: 0 };
    let envelope = Envelope { replay: Some(tag), ..message.envelope.clone() };
    let replay = OpenedMessage { id: "m2".into(), envelope, ..message };
    db.exec("UPDATE dead_letters SET state = 'replaying'");
    commit(&db, "b2", &[], vec![park(&replay, "overloaded")]);
    db.exec("UPDATE dead_letters SET state = 'replaying'");
    commit(&db, "b3", &[replay], vec![]);
    let want = [
        "batches 3",
        "events user.updated,applied 1",
        "events user.updated,parked 1",
        "events user.updated,repeated 1",
        "messages 3",
        "parked overloaded 2",
    ];
    assert_eq!(counted(&db), want);
}

#[test]
fn a_batch_that_d1_refuses_counts_nothing() {
    let db = Db::new();
    db.exec(
        "CREATE TRIGGER refuses BEFORE INSERT ON deliveries WHEN NEW.svix_id = 'msg_2'
         BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let [one, two] = [user("msg_1", 1), user("msg_2", 2)];
    let whole = BatchPlan { batch: "b1".into(), ..plan("q", &[one.clone(), two], vec![]) };
    db.run(&counted_statements(&whole, UnixMillis(START))).unwrap_err();
    assert_eq!(counted(&db), <[&str; 0]>::default());
    commit(&db, "b2", &[one], vec![]);
    assert_eq!(counted(&db), ["batches 1", "events user.updated,applied 1", "messages 1"]);
}

#[test]
fn counting_looks_rows_up_by_primary_key() {
    let db = Db::new();
    let plan = plan("q", &[user("msg_1", 1)], vec![junk("m2")]);
    let all = counted_statements(&plan, UnixMillis(START));
    let steps = all.iter().map(|it| db.plan_of(it));
    let steps = steps.filter(|steps| steps.iter().any(|step| step == "SCAN raised"));
    let [steps] = &steps.collect::<Vec<_>>()[..] else { panic!("{all:#?}") };
    let of_input = ["SCAN input VIRTUAL", "SCAN added VIRTUAL", "SCAN raised"];
    let mut scans = steps.iter().filter(|step| step.starts_with("SCAN"));
    assert!(scans.all(|step| of_input.iter().any(|it| step.starts_with(it))), "{steps:#?}");
}
