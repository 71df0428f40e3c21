//! What a scrape reads from D1.

use rusqlite::types::Value;
use shared::metrics::flush::SeriesValue;
use shared::sql::metrics::{CanaryRow, TotalRow, canary_now, scrape, totals};
use shared::sql::overview::{FlowRow, ReasonCount, StateOfThings};
use shared::time::UnixMillis;

use crate::support::Db;

fn canary(db: &Db) -> Vec<CanaryRow> {
    let rows = db.json(&canary_now()).into_iter();
    rows.map(|row| serde_json::from_value(row).unwrap()).collect()
}

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

#[test]
fn of_the_canary_the_last_seen_run_and_the_next_one_are_read() {
    let db = Db::new();
    let began = || canary(&db).iter().map(|it| (it.began_at.0, it.since.0)).collect::<Vec<_>>();
    assert_eq!(began(), []);
    let run = |at: i64, seen_at: Option<i64>| {
        let args = [Value::Integer(at), seen_at.map_or(Value::Null, Value::Integer)];
        db.rows("INSERT INTO canary_runs (began_at, seen_at) VALUES (?1, ?2) RETURNING 1", args);
    };
    run(10, None);
    run(20, None);
    assert_eq!(began(), [(10, 10), (20, 10)]);
    run(30, Some(35));
    assert_eq!(began(), [(30, 10)]);
    run(40, None);
    run(50, None);
    assert_eq!(began(), [(30, 10), (40, 10)]);
    assert_eq!(canary(&db)[0].seen_at, Some(UnixMillis(35)));
}
