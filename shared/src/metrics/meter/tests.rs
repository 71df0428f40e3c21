//! Tests of what `Meter` does with flushes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{FLUSH_AGE_MS_MAX, KeptRow, Meter, SOURCES_MAX};
use crate::metrics::flush::{Flush, FlushResult, SeriesValue};
use crate::metrics::history::{HistoryQuery, MINUTE_MS, ShardHistory};
use crate::metrics::isolate::{ANSWER_MS_MAX, FlushSettings, Flusher};
use crate::metrics::table::{DELIVERIES, DOOR_SECONDS, EVENTS};
use crate::metrics::tally::Tally;
use crate::time::UnixMillis;

const T0: UnixMillis = UnixMillis(1_800_000_000_000);
const SETTINGS: FlushSettings = FlushSettings { interval_ms: 15_000, shards: 1 };

/// A shard with its disk, as the class `Meter` writes it.
#[derive(Default)]
struct Disk {
    rows: BTreeMap<String, String>,
    history: BTreeMap<i64, Vec<SeriesValue>>,
    meter: Meter,
}

impl Disk {
    fn take(&mut self, flush: &Flush, now: UnixMillis) -> FlushResult {
        let taken = self.meter.take(flush, now);
        if let Some(row) = taken.history {
            self.history.insert(row.at.0, serde_json::from_str(&row.series).unwrap());
        }
        self.rows.extend(taken.rows.into_iter().map(|row| (row.key, row.value)));
        for key in taken.forgotten {
            assert!(self.rows.remove(&key).is_some(), "{key}");
        }
        self.evict();
        taken.result
    }

    /// What is in memory is what is on disk.
    fn evict(&mut self) {
        let rows = self.rows.clone().into_iter().map(|(key, value)| KeptRow { key, value });
        let (meter, malformed) = Meter::load(rows);
        assert!(malformed.is_empty() && meter == self.meter);
        self.meter = meter;
    }

    fn history(&self, query: &HistoryQuery) -> ShardHistory {
        let at = |bound: &UnixMillis| self.history.range(bound.0..).next().map(|(_, row)| row);
        let bounds = query.bounds();
        let totals = bounds
            .iter()
            .map(|bound| at(bound).map_or_else(|| self.meter.chart_totals(), Clone::clone));
        ShardHistory::from_totals(query, &totals.collect::<Vec<_>>())
    }
}

fn value(metric: &str, labels: &[&str], value: u64, buckets: &[u64]) -> SeriesValue {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    SeriesValue { metric: metric.to_owned(), labels, value, buckets: buckets.to_vec() }
}

fn flush(source: &str, sequence: u64, at: UnixMillis, values: Vec<SeriesValue>) -> Flush {
    let (source, worker) = (source.to_owned(), "ingest".to_owned());
    Flush { source, sequence, worker, at, shards: 1, values }
}

fn delivered(count: u64) -> SeriesValue {
    value(DELIVERIES.name, &["enqueued", "user.created"], count, &[])
}

fn total(meter: &Meter) -> u64 {
    meter.totals().values.iter().map(|it| it.value).sum()
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Count(u64),
    /// Sends what is due. It arrives or not, and so does its answer.
    Send {
        is_forced: bool,
        arrives: bool,
        is_answered: bool,
        says_failed: bool,
    },
    /// One of the flushes that were ever sent arrives again.
    Again(prop::sample::Index),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u64..100).prop_map(Step::Count),
        6 => any::<[bool; 4]>().prop_map(|[is_forced, arrives, is_answered, says_failed]| {
            Step::Send { is_forced, arrives, is_answered, says_failed }
        }),
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
        3 => (1_i64..2 * ANSWER_MS_MAX).prop_map(Step::Wait),
    ]
}

struct Isolate {
    flusher: Flusher,
    tally: Tally,
    sent: Vec<Flush>,
}

impl Isolate {
    fn new(source: &str) -> Self {
        let flusher = Flusher::new(source.to_owned(), "ingest");
        Self { flusher, tally: Tally::default(), sent: Vec::new() }
    }

    fn send(&mut self, now: UnixMillis, is_forced: bool) -> Option<Flush> {
        let flush = self.flusher.next(&mut self.tally, now, SETTINGS, is_forced)?;
        self.sent.push(flush.clone());
        Some(flush)
    }
}

proptest! {
    #[test]
    fn what_is_counted_is_added_once(steps in prop::collection::vec((any::<bool>(), step()), 0..80)) {
        let mut disk = Disk::default();
        let mut isolates = [Isolate::new("a"), Isolate::new("b")];
        let (mut now, mut counted) = (T0, 0);
        for (which, step) in steps {
            let isolate = &mut isolates[usize::from(which)];
            match step {
                Step::Count(more) => {
                    isolate.tally.count(&DELIVERIES, &["enqueued", "user.created"], more);
                    counted += more;
                }
                Step::Send { is_forced, arrives, is_answered, says_failed } => {
                    let Some(flush) = isolate.send(now, is_forced) else { continue };
                    let answer = arrives.then(|| disk.take(&flush, now)).filter(|_| is_answered);
                    if answer.is_some() || says_failed {
                        isolate.flusher.record_answer(flush.sequence, answer);
                    }
                }
                Step::Again(index) if !isolate.sent.is_empty() => {
                    let flush = index.get(&isolate.sent).clone();
                    disk.take(&flush, now);
                }
                Step::Again(_) => {}
                Step::Wait(ms) => now = now.plus(ms),
            }
            prop_assert!(total(&disk.meter) <= counted);
        }
        for isolate in &mut isolates {
            for _ in 0..2 {
                now = now.plus(ANSWER_MS_MAX);
                let Some(flush) = isolate.send(now, true) else { continue };
                let answer = disk.take(&flush, now);
                isolate.flusher.record_answer(flush.sequence, Some(answer));
            }
            prop_assert_eq!(isolate.send(now.plus(ANSWER_MS_MAX), true), None);
        }
        prop_assert_eq!(total(&disk.meter), counted);
    }

    #[test]
    fn the_slots_of_the_history_add_up(
        flushes in prop::collection::vec((0_i64..5 * MINUTE_MS, 1_u64..100), 0..40),
        points in 1_u32..40,
    ) {
        let (mut disk, mut now, mut all) = (Disk::default(), T0, Vec::new());
        for (sequence, (wait_ms, count)) in (1..).zip(flushes) {
            now = now.plus(wait_ms);
            prop_assert_eq!(disk.take(&flush("a", sequence, now, vec![delivered(count)]), now),
                FlushResult::Counted);
            all.push((now, count));
        }
        let query = HistoryQuery::until(now, 2 * 3_600_000, points);
        prop_assert_eq!(HistoryQuery::from_url(&query.to_url()), Some(query));
        let history = disk.history(&query);
        let bounds = query.bounds();
        prop_assert_eq!(history.slots.len(), bounds.len() - 1);
        for (slot, bound) in history.slots.iter().zip(bounds.windows(2)) {
            let want: u64 = all.iter()
                .filter(|(at, _)| (bound[0]..bound[1]).contains(at)).map(|(_, count)| count).sum();
            let got: u64 = slot.values.iter().map(|it| it.value).sum();
            prop_assert_eq!(got, want);
        }
    }
}

#[test]
fn what_this_build_does_not_know_is_dropped_and_counted() {
    let mut disk = Disk::default();
    let values = vec![
        delivered(1),
        delivered(u64::MAX),
        value("rolecall_unheard_total", &[], 1, &[]),
        value(DELIVERIES.name, &["unheard", "user.created"], 1, &[]),
        value(DELIVERIES.name, &["enqueued"], 1, &[]),
        value(DELIVERIES.name, &["enqueued", "user.created"], 1, &[1]),
        value(DOOR_SECONDS.name, &[], 1, &[1, 2]),
        value("rolecall_d1_up", &[], 1, &[]),
        value(EVENTS.name, &["user.created", "applied"], 1, &[]),
    ];
    assert_eq!(disk.take(&flush("a", 1, T0, values), T0), FlushResult::Counted);
    let totals = disk.meter.totals();
    assert_eq!(totals.values, [delivered(u64::MAX)], "saturated; what D1 knows is only charted");
    assert_eq!(totals.dropped, 6);
    assert_eq!(disk.meter.chart_totals().len(), 2);
}

#[test]
fn series_of_a_newer_build_outlive_an_older_one() {
    let mut disk = Disk::default();
    disk.take(&flush("a", 1, T0, vec![delivered(1)]), T0);
    let key = "totals:ingest".to_owned();
    let newer = value(DELIVERIES.name, &["newer", "user.created"], 7, &[]);
    let rows = serde_json::to_string(&[delivered(1), newer.clone()]).unwrap();
    disk.rows.insert(key.clone(), rows);
    let rows = disk.rows.clone().into_iter().map(|(key, value)| KeptRow { key, value });
    disk.meter = Meter::load(rows).0;
    disk.take(&flush("a", 2, T0, vec![delivered(1)]), T0);
    assert_eq!(disk.meter.totals().values, [delivered(2)]);
    let kept: Vec<SeriesValue> = serde_json::from_str(&disk.rows[&key]).unwrap();
    assert_eq!(kept, [delivered(2), newer]);
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let row = |key: &str, value: &str| KeptRow { key: key.into(), value: value.into() };
    let rows =
        [row("shard", "["), row("totals:x", "{}"), row("odd", "1"), row("source:a", "[1,2]")];
    let (meter, malformed) = Meter::load(rows);
    assert_eq!(malformed, ["shard", "totals:x", "odd", "source:a"]);
    assert_eq!(meter, Meter::default());
}

#[test]
fn what_may_have_been_counted_is_refused() {
    let mut disk = Disk::default();
    let take = |disk: &mut Disk, source: &str, sequence, at: UnixMillis, now| {
        disk.take(&flush(source, sequence, at, vec![delivered(1)]), now)
    };
    let late = T0.plus(FLUSH_AGE_MS_MAX);
    assert_eq!(take(&mut disk, "a", 1, T0, late), FlushResult::Counted);
    assert_eq!(take(&mut disk, "a", 2, T0, late.plus(1)), FlushResult::Refused);
    for (source, sequence) in [("", 1), ("a b", 1), (&*"a".repeat(65), 1), ("b", 0)] {
        assert_eq!(take(&mut disk, source, sequence, T0, T0), FlushResult::Refused, "{source}");
    }
    assert_eq!(take(&mut disk, "b", 1, T0.plus(7_200_000), T0), FlushResult::Refused);
    assert_eq!(total(&disk.meter), 1);
    // A source that was forgotten: its flushes are refused, those of a new one are not.
    let now = late.plus(FLUSH_AGE_MS_MAX + 3 * MINUTE_MS);
    assert_eq!(take(&mut disk, "c", 1, now, now), FlushResult::Counted);
    assert_eq!(disk.meter.totals().sources, 1);
    assert_eq!(take(&mut disk, "a", 1, late, now), FlushResult::Refused);
}

#[test]
fn a_flush_writes_three_rows_and_workers_add_up() {
    let mut disk = Disk::default();
    let values = vec![delivered(1), value(DOOR_SECONDS.name, &[], 5, &[1; 13])];
    let taken = disk.meter.clone().take(&flush("a", 1, T0, values.clone()), T0);
    let keys: Vec<_> = taken.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["shard", "source:a", "totals:ingest"]);
    for (source, worker) in [("a", "ingest"), ("b", "ssr"), ("c", "of-a-newer-build")] {
        let flush = Flush { worker: worker.into(), ..flush(source, 1, T0, values.clone()) };
        assert_eq!(disk.take(&flush, T0), FlushResult::Counted);
    }
    let sum = [delivered(3), value(DOOR_SECONDS.name, &[], 15, &[3; 13])];
    assert_eq!(disk.meter.totals().values, sum);
    assert!(disk.rows.contains_key("totals:other"));
}

/// It is forgotten, and known again, in one turn: its row must outlive the one that goes.
#[test]
fn a_source_that_was_silent_for_a_day_is_still_counted_once() {
    let mut disk = Disk::default();
    disk.take(&flush("a", 1, T0, vec![delivered(1)]), T0);
    let now = T0.plus(FLUSH_AGE_MS_MAX + 2 * MINUTE_MS);
    let again = flush("a", 2, now, vec![delivered(1)]);
    assert_eq!(disk.take(&again, now), FlushResult::Counted);
    assert_eq!(disk.take(&again, now), FlushResult::Repeated);
    assert_eq!(total(&disk.meter), 2);
}

#[test]
fn the_number_of_sources_is_bounded() {
    let mut meter = Meter::default();
    for n in 0..=SOURCES_MAX {
        let at = T0.plus(i64::try_from(n).unwrap());
        let taken = meter.take(&flush(&format!("s{n}"), 1, at, vec![]), at);
        assert_eq!(taken.result, FlushResult::Counted, "{n}");
    }
    assert_eq!(meter.totals().sources, u64::try_from(SOURCES_MAX - SOURCES_MAX / 10 + 1).unwrap());
    let now = T0.plus(i64::try_from(SOURCES_MAX).unwrap());
    assert_eq!(meter.take(&flush("s0", 1, T0, vec![]), now).result, FlushResult::Refused);
    assert_eq!(meter.take(&flush("s9000", 1, T0, vec![]), now).result, FlushResult::Repeated);
}

#[test]
fn shard_0_is_told_how_many_there_are() {
    let mut meters = [Meter::default(), Meter::default()];
    let sources = (0..20).map(|n| format!("s{n}"));
    for source in sources {
        let shard = usize::try_from(crate::metrics::isolate::shard_of(&source, 2)).unwrap();
        meters[shard].take(&Flush { shards: 2, ..flush(&source, 1, T0, vec![delivered(1)]) }, T0);
    }
    let [zero, one] = &mut meters;
    assert_eq!(zero.shards_to_announce(), None);
    let known = one.shards_to_announce().unwrap();
    let mut fresh = Meter::default();
    fresh.take_shards(known);
    assert_eq!((fresh.totals().shards, fresh.shards_to_announce()), (2, None));
    one.record_announced(known);
    assert_eq!(one.shards_to_announce(), None);
    let mut sum = zero.totals();
    sum.merge(&one.totals());
    assert_eq!((sum.values, sum.sources, sum.shards), (vec![delivered(20)], 20, 2));
}
