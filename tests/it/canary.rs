//! The statements of the canary, on the real schema.

use serde_json::{Value, json};
use shared::canary::figures::figures;
use shared::canary::{CANARY_ROLES, CanaryRun, KEPT_MS, Stage};
use shared::sql::{Statement, canary};
use shared::time::UnixMillis;

use crate::support::{Db, START};

fn at(ms: i64) -> UnixMillis {
    UnixMillis(START).plus(ms)
}

fn newest(db: &Db) -> Option<CanaryRun> {
    db.json(&canary::newest()).pop().map(|row| serde_json::from_value(row).unwrap())
}

fn recent(db: &Db) -> Vec<CanaryRun> {
    let rows = db.json(&canary::recent());
    rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
}

fn insert(db: &Db, run: &CanaryRun) -> usize {
    let found = db.json(&canary::begin(run, newest(db).as_ref()));
    db.run(&[canary::learn(run)]).unwrap();
    found.len()
}

fn seen(began_ms: i64) -> CanaryRun {
    let end = |ms: i64| Some(at(began_ms + ms));
    CanaryRun {
        updated_at: end(8),
        changed_at: end(10),
        arrived_at: end(30),
        queued_at: end(60),
        taken_at: end(100),
        committed_at: end(150),
        seen_at: end(210),
        ..CanaryRun::begin(at(began_ms), CANARY_ROLES[0])
    }
}

#[test]
fn a_run_begins_once_and_learns_each_time_once() {
    let db = Db::new();
    assert_eq!(newest(&db), None);
    let run = CanaryRun::begin(at(0), CANARY_ROLES[0]);
    let begin = |run: &CanaryRun, newest| db.json(&canary::begin(run, newest));
    assert_eq!(begin(&run, None), [json!({ "began_at": START })]);
    assert_eq!(newest(&db).as_ref(), Some(&run));
    // Another sweep that had read no run either.
    let second = CanaryRun::begin(at(5), CANARY_ROLES[1]);
    assert_eq!(begin(&second, None), [Value::Null; 0]);
    let whole = seen(0);
    let arrived = CanaryRun { changed_at: None, updated_at: None, seen_at: None, ..whole.clone() };
    db.run(&[canary::learn(&arrived)]).unwrap();
    let later = CanaryRun { arrived_at: Some(at(99)), ..whole.clone() };
    db.run(&[canary::learn(&later)]).unwrap();
    assert_eq!(newest(&db), Some(whole.clone()), "what is written stays");
    let (failed, problem) = (CanaryRun::begin(at(9), CANARY_ROLES[1]), Some("status 429".into()));
    assert_eq!(begin(&failed, Some(&whole)).len(), 1);
    let failed = CanaryRun { problem, ..failed };
    db.run(&[canary::learn(&failed)]).unwrap();
    assert_eq!(newest(&db), Some(failed));
}

#[test]
fn the_metrics_read_four_runs_at_most_and_by_key() {
    let db = Db::new();
    assert_eq!(recent(&db), []);
    for minute in 0..10 {
        assert_eq!(insert(&db, &seen(minute * 60_000)), 1);
    }
    let minutes = |db: &Db| -> Vec<i64> {
        recent(db).iter().map(|it| it.began_at.since(at(0)) / 60_000).collect()
    };
    assert_eq!(minutes(&db), [0, 9]);
    let stages = figures(&recent(&db), at(600_000)).stages_ms;
    assert_eq!(stages.iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [10, 20, 30, 40, 50, 60]);
    for minute in 10..14 {
        insert(&db, &CanaryRun::begin(at(minute * 60_000), CANARY_ROLES[0]));
    }
    assert_eq!(
        minutes(&db),
        [0, 9, 10, 13],
        "the oldest, the last one seen, the first after it, the newest"
    );
    let found = figures(&recent(&db), at(14 * 60_000));
    assert_eq!(found.waiting_ms.first(), Some(&(Stage::Clerk, 240_000)));
    assert_eq!(found.since, Some(at(0)));
    let plan = db.plan_of(&canary::recent());
    let key = "SEARCH run USING INTEGER PRIMARY KEY";
    assert!(plan.iter().any(|step| step.starts_with(key)), "{plan:#?}");
}

#[test]
fn runs_are_forgotten_after_a_day_or_without_a_canary() {
    let db = Db::new();
    for began in [0, 60_000, KEPT_MS] {
        insert(&db, &seen(began));
    }
    let left = || db.one::<i64>("SELECT count(*) FROM canary_runs", []);
    let run = |statement: Statement| db.run(&[statement]).unwrap();
    run(canary::forget(at(KEPT_MS)));
    assert_eq!(left(), 3);
    run(canary::forget(at(KEPT_MS + 1)));
    assert_eq!(left(), 2);
    run(canary::forget_all());
    assert_eq!(left(), 0);
}
