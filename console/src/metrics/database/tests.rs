//! Rows of D1 as lines of the page.

use shared::canary::{CANARY_ROLES, CanaryRun};
use shared::metrics::table;
use shared::sql::metrics::TotalRow;
use shared::sql::overview::{FlowRow, ReasonCount, StateOfThings};
use shared::time::UnixMillis;

use super::{DatabaseFigures, add};
use crate::metrics::accept::Format;
use crate::metrics::page::{MetricsPage, encoded};
use crate::metrics::samples::Samples;

const NOW: UnixMillis = UnixMillis(7_200_000 + 90_500);

fn empty() -> DatabaseFigures {
    DatabaseFigures {
        totals: vec![],
        state: StateOfThings {
            last_sweep_at: None,
            pending_hints: 0,
            oldest_pending_hint: None,
            oldest_parked_at: None,
            open_replays: 0,
        },
        flow: vec![],
        letters: vec![],
        canary: vec![],
        size: None,
    }
}

fn full() -> DatabaseFigures {
    let total = |metric: &str, labels: &str, total| TotalRow {
        metric: metric.into(),
        labels: labels.into(),
        total,
    };
    let count = |state: &str, reason: &str, letters| ReasonCount {
        state: state.into(),
        reason: reason.into(),
        letters,
    };
    DatabaseFigures {
        totals: vec![
            total("rolecall_batches_total", "", 2),
            total("rolecall_events_total", "user.created,applied", 7),
            total("rolecall_events_total", "of.a.later.build,applied", 1),
            total("rolecall_of_a_later_build_total", "", 1),
        ],
        state: StateOfThings {
            last_sweep_at: Some(UnixMillis(7_260_000)),
            pending_hints: 3,
            oldest_pending_hint: Some(NOW.plus(5)),
            oldest_parked_at: Some(UnixMillis(7_200_000)),
            open_replays: 1,
        },
        flow: vec![FlowRow {
            hour: 1,
            batches: 2,
            messages: 9,
            ignored: 1,
            parked: 4,
            lag_ms_max: 800,
            lag_ms_sum: 900,
            last_at: UnixMillis(7_100_001),
        }],
        letters: vec![
            count("parked", "malformed", 4),
            count("parked", "of-a-later-build", 2),
            count("parked", "of-a-later-build-too", 1),
            count("discarded", "malformed", 9),
        ],
        canary: vec![],
        size: Some(1_234_567_890_123),
    }
}

fn page(figures: DatabaseFigures) -> String {
    let mut samples = Samples::default();
    add(&mut samples, figures, NOW);
    let page = MetricsPage { samples, schema: "0008_metrics.sql".into() };
    encoded(page, Format::Classic).unwrap()
}

#[track_caller]
fn has(page: &str, wanted: &[&str]) {
    for line in wanted {
        assert!(page.lines().any(|it| it == *line), "{line} is missing in\n{page}");
    }
}

#[test]
fn an_empty_database_has_zeros_and_no_times() {
    let page = page(empty());
    has(
        &page,
        &[
            "rolecall_batches_total 0",
            "rolecall_events_total{type=\"user.created\",outcome=\"applied\"} 0",
            "rolecall_parked_total{reason=\"malformed\"} 0",
            "rolecall_dead_letters{state=\"replaying\",reason=\"malformed\"} 0",
            "rolecall_oldest_parked_letter_age_seconds 0.0",
        ],
    );
    for absent in ["rolecall_last_", "rolecall_canary_", "rolecall_d1_size", "rolecall_refusals"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn each_figure_has_its_line() {
    has(
        &page(full()),
        &[
            "rolecall_batches_total 2",
            "rolecall_events_total{type=\"user.created\",outcome=\"applied\"} 7",
            "rolecall_events_total{type=\"other\",outcome=\"applied\"} 1",
            "rolecall_dead_letters{state=\"parked\",reason=\"malformed\"} 4",
            "rolecall_dead_letters{state=\"parked\",reason=\"other\"} 3",
            "rolecall_dead_letters{state=\"discarded\",reason=\"malformed\"} 9",
            "rolecall_oldest_parked_letter_age_seconds 90.5",
            "rolecall_oldest_pending_hint_age_seconds 0.0",
            "rolecall_pending_hints 3",
            "rolecall_open_replays 1",
            "rolecall_last_batch_timestamp_seconds 7100.001",
            "rolecall_last_sweep_timestamp_seconds 7260.0",
            "rolecall_d1_size_bytes 1234567890123",
        ],
    );
}

#[test]
fn the_number_of_series_does_not_depend_on_the_database() {
    let lines = |figures| page(figures).lines().filter(|line| !line.starts_with('#')).count();
    let mut many = full();
    many.letters.extend((0..1000).map(|n| ReasonCount {
        state: "parked".into(),
        reason: format!("reason-{n}"),
        letters: 1,
    }));
    many.totals.extend((0..1000).map(|n| TotalRow {
        metric: table::EVENTS.name.into(),
        labels: format!("type-{n},applied"),
        total: 1,
    }));
    assert_eq!(lines(many), lines(full()));
}

fn run(began_ms: i64, ends: [Option<i64>; 6]) -> CanaryRun {
    let began_at = NOW.plus(-began_ms);
    let [changed_at, arrived_at, queued_at, taken_at, committed_at, seen_at] =
        ends.map(|ms| ms.map(|ms| began_at.plus(ms)));
    CanaryRun {
        changed_at,
        arrived_at,
        queued_at,
        taken_at,
        committed_at,
        seen_at,
        ..CanaryRun::begin(began_at, CANARY_ROLES[0])
    }
}

#[test]
fn the_canary_says_which_stage_took_how_long() {
    let oldest = run(7_290_500, [None; 6]);
    // Clerk delivered before it answered.
    let seen = run(60_000, [100, 90, 150, 1_150, 1_200, 1_700].map(Some));
    let open = run(4_000, [Some(100), None, None, None, None, None]);
    let page = page(DatabaseFigures { canary: vec![oldest, seen, open], ..empty() });
    has(
        &page,
        &[
            "rolecall_canary_stage_seconds{stage=\"clerk\"} 0.1",
            "rolecall_canary_stage_seconds{stage=\"sender\"} 0.0",
            "rolecall_canary_stage_seconds{stage=\"door\"} 0.05",
            "rolecall_canary_stage_seconds{stage=\"queue\"} 1.0",
            "rolecall_canary_stage_seconds{stage=\"d1\"} 0.05",
            "rolecall_canary_stage_seconds{stage=\"hint\"} 0.5",
            "rolecall_canary_waiting_seconds{stage=\"clerk\"} 0.0",
            "rolecall_canary_waiting_seconds{stage=\"sender\"} 3.9",
            "rolecall_canary_since_timestamp_seconds 0.0",
        ],
    );
    assert!(page.contains("rolecall_canary_last_seen_timestamp_seconds 7232.2\n"), "{page}");
}

#[test]
fn a_canary_that_was_never_seen_waits() {
    let refused = CanaryRun { problem: Some("status 429".into()), ..run(69_000, [None; 6]) };
    // Clerk's answer timed out, and its delivery came.
    let hidden = run(9_000, [None, Some(1), Some(2), Some(3), Some(4_000), None]);
    let page = page(DatabaseFigures { canary: vec![refused, hidden], ..empty() });
    has(
        &page,
        &[
            "rolecall_canary_waiting_seconds{stage=\"clerk\"} 69.0",
            "rolecall_canary_waiting_seconds{stage=\"sender\"} 0.0",
            "rolecall_canary_waiting_seconds{stage=\"hint\"} 5.0",
        ],
    );
    assert!(!page.contains("rolecall_canary_stage") && !page.contains("last_seen"), "{page}");
}
