//! The exact counters, and what a scrape reads from D1.

use serde_json::json;
use shared::envelope::Envelope;
use shared::metrics::batch::{Decided, DecidedRow};
use shared::metrics::flush::SeriesValue;
use shared::metrics::table::{EVENTS, MESSAGES};
use shared::operators::letter::ReplayTag;
use shared::plan::{BatchPlan, DeadLetter, OpenedMessage, plan};
use shared::sql::counted_statements;
use shared::sql::metrics::{TotalRow, is_decided, scrape, totals};
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

/// Commits a batch as the consumer does, under a name of its own, and gives what it decided. What
/// the isolate then counts of messages is what the exact counters were raised by.
fn commit(db: &Db, batch: &str, messages: &[OpenedMessage], letters: Vec<DeadLetter>) -> Committed {
    let plan = BatchPlan { batch: batch.into(), ..plan("q", messages, letters) };
    let statements = counted_statements(&plan, UnixMillis(START));
    let at = statements.iter().position(is_decided).unwrap();
    let before = messages_and_events(db);
    db.run(&statements[..at]).unwrap();
    let rows = db.json(&statements[at]).into_iter();
    let rows: Vec<DecidedRow> = rows.map(|row| serde_json::from_value(row).unwrap()).collect();
    db.run(&statements[at + 1..]).unwrap();
    let mut counted = before;
    SeriesValue::merge(&mut counted, &Vec::from(Decided::new(&plan, rows.clone()).messages()));
    counted.sort_by(|a, b| (&a.metric, &a.labels).cmp(&(&b.metric, &b.labels)));
    assert_eq!(counted, messages_and_events(db));
    Committed { plan, rows }
}

struct Committed {
    plan: BatchPlan,
    rows: Vec<DecidedRow>,
}

impl Committed {
    /// The time from Clerk to a commit at `now`, in seconds, of each event that has stages.
    fn whole_way(&self, now: i64) -> Vec<i64> {
        let decided = Decided::new(&self.plan, self.rows.clone());
        let stages = decided.stages(UnixMillis(now));
        stages.map(|[_, _, (_, took)]| took.unwrap() / 1000).collect()
    }

    fn users_of_applied(&self) -> Vec<String> {
        Decided::new(&self.plan, self.rows.clone()).users_of_applied().collect()
    }
}

fn messages_and_events(db: &Db) -> Vec<SeriesValue> {
    let rows = db.json(&totals()).into_iter();
    let all = rows.map(|row| serde_json::from_value::<TotalRow>(row).unwrap().into());
    let is_shown = |it: &SeriesValue| [MESSAGES.name, EVENTS.name].contains(&it.metric.as_str());
    all.filter(is_shown).collect()
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
fn only_events_that_get_their_outcome_have_stages() {
    const HOUR: i64 = 3_600_000;
    let db = Db::new();
    let message = user("msg_1", 1);
    let first = commit(&db, "b1", &[message.clone(), redelivered(&message, 2)], vec![]);
    assert_eq!(first.whole_way(START + 8_000), [7], "once, though it came twice");
    assert_eq!(first.users_of_applied(), ["user_ada"]);

    let resent = commit(&db, "b2", &[redelivered(&message, 3)], vec![]);
    assert_eq!(resent.rows, []);
    assert_eq!(resent.whole_way(START + HOUR), <[i64; 0]>::default());
    assert_eq!(resent.users_of_applied(), <[&str; 0]>::default());

    let older = commit(&db, "b3", &[user("msg_2", 0)], vec![park(&user("msg_3", 2), "shape")]);
    assert_eq!(older.whole_way(START + 8_000), [8], "superseded, and one is parked");
    assert_eq!(older.users_of_applied(), <[&str; 0]>::default());

    let tag = ReplayTag { letter: "m3".into(), replay: "r1".into(), generation: 0 };
    let parked = user("msg_3", 2);
    let envelope = Envelope { replay: Some(tag), ..parked.envelope.clone() };
    let replayed = commit(&db, "b4", &[OpenedMessage { envelope, ..parked }], vec![]);
    assert_eq!(replayed.rows.len(), 1);
    assert_eq!(replayed.whole_way(START + HOUR), <[i64; 0]>::default());
    assert_eq!(replayed.users_of_applied(), <[&str; 0]>::default());
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
    let reads = all.iter().filter(|it| is_decided(it) || it.sql.contains("INTO totals"));
    let steps: Vec<_> = reads.map(|it| db.plan_of(it)).collect();
    assert_eq!(steps.len(), 2, "{all:#?}");
    let steps = steps.concat();
    let of_input = ["SCAN input VIRTUAL", "SCAN added VIRTUAL", "SCAN raised"];
    let mut scans = steps.iter().filter(|step| step.starts_with("SCAN"));
    assert!(scans.all(|step| of_input.iter().any(|it| step.starts_with(it))), "{steps:#?}");
}
