//! What `Meter` keeps of the past, for the console's charts.
//!
//! The first flush of a minute writes the totals as they were before it. So the totals at a time
//! are those of the first row that is not older, or today's if there is none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::flush::{HISTORY_URL, SeriesValue};
use super::kind::Metric;
use super::table;
use crate::json::{deserialize_from_object, serde_struct_from_object};
use crate::time::UnixMillis;

/// The time between two rows.
pub const MINUTE_MS: i64 = 60_000;

/// How long rows are kept: a day, and the slot that begins before it.
pub const KEPT_MS: i64 = 25 * 3_600_000;

/// Points in an answer.
pub const POINTS_MAX: u32 = 1_440;

/// What a chart is made of: a metric, and the label that is kept. The others are summed.
#[derive(Debug)]
pub struct Chart {
    /// The metric. It may be one that D1 knows exactly: then the consumer counts it here too, see
    /// `batch::Decided::messages`, and a scrape shows D1's number.
    pub metric: &'static Metric,
    /// The name of the label.
    pub label: Option<&'static str>,
}

/// Every chart.
pub static CHARTS: &[Chart] = &[
    Chart { metric: &table::MESSAGES, label: None },
    Chart { metric: &table::EVENTS, label: Some("outcome") },
    Chart { metric: &table::DELIVERIES, label: Some("outcome") },
    Chart { metric: &table::REFUSALS, label: None },
    Chart { metric: &table::GUARD_ANSWERS, label: Some("outcome") },
    Chart { metric: &table::STAGE_SECONDS, label: Some("stage") },
    Chart { metric: &table::HINTS, label: Some("answer") },
];

/// The minute of a time.
#[must_use]
pub fn minute_of(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.0.saturating_sub(at.0.rem_euclid(MINUTE_MS)))
}

/// The totals of the charts: one series for each value of a chart's label that was counted.
pub(super) fn chart_totals<'a, I: Iterator<Item = &'a SeriesValue>>(
    of_metric: impl Fn(&'static str) -> I,
) -> Vec<SeriesValue> {
    CHARTS.iter().flat_map(|chart| chart_series(chart, of_metric(chart.metric.name))).collect()
}

fn chart_series<'a>(
    chart: &Chart,
    values: impl Iterator<Item = &'a SeriesValue>,
) -> impl Iterator<Item = SeriesValue> {
    let metric = chart.metric;
    let kept = metric.labels.iter().position(|label| Some(label.name) == chart.label);
    let mut sums: BTreeMap<Vec<String>, SeriesValue> = BTreeMap::new();
    for value in values {
        let label = kept.and_then(|at| value.labels.get(at));
        let labels: Vec<String> = label.cloned().into_iter().collect();
        match sums.get_mut(&labels) {
            Some(sum) => sum.add(value),
            None => drop(sums.insert(labels.clone(), SeriesValue { labels, ..value.clone() })),
        }
    }
    sums.into_values()
}

/// What a chart asks for: `points` slots of `slot_ms` from `since`. The same query goes to every
/// shard, so that their slots agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The start of a minute.
    pub since: UnixMillis,
    /// The length of a slot: whole minutes.
    pub slot_ms: i64,
    /// The number of slots.
    pub points: u32,
}

impl HistoryQuery {
    /// The time until `now`, in at most `points` slots.
    #[must_use]
    pub fn until(now: UnixMillis, length_ms: i64, points: u32) -> Self {
        let points = points.clamp(1, POINTS_MAX);
        let minutes = length_ms.clamp(MINUTE_MS, KEPT_MS).div_euclid(MINUTE_MS);
        let per_slot = minutes.saturating_add(i64::from(points) - 1).div_euclid(i64::from(points));
        let slot_ms = per_slot.max(1).saturating_mul(MINUTE_MS);
        let end = minute_of(now).plus(MINUTE_MS);
        let since = end.plus(slot_ms.saturating_mul(i64::from(points)).saturating_neg());
        Self { since, slot_ms, points }
    }

    /// The URL to `GET`.
    #[must_use]
    pub fn to_url(&self) -> String {
        let Self { since, slot_ms, points } = self;
        format!("{HISTORY_URL}?since={}&slot_ms={slot_ms}&points={points}", since.0)
    }

    /// Parses the query of a URL.
    #[must_use]
    pub fn from_url(url: &str) -> Option<Self> {
        let (_, query) = url.split_once('?')?;
        let members: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let since = minute_of(UnixMillis(members.get("since")?.parse().ok()?));
        let slot_ms = members.get("slot_ms")?.parse().ok()?;
        let points = members.get("points")?.parse().ok()?;
        let is_valid = (MINUTE_MS..=KEPT_MS).contains(&slot_ms)
            && slot_ms.rem_euclid(MINUTE_MS) == 0
            && (1..=POINTS_MAX).contains(&points);
        is_valid.then_some(Self { since, slot_ms, points })
    }

    /// The starts of the slots, and the end of the last one.
    #[must_use]
    pub fn bounds(&self) -> Vec<UnixMillis> {
        let at = |slot: u32| self.since.plus(self.slot_ms.saturating_mul(i64::from(slot)));
        (0..=self.points).map(at).collect()
    }
}

/// What a shard, or all of them, counted in each slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ShardHistory {
    /// Where the first slot begins.
    pub since: UnixMillis,
    /// The length of a slot.
    pub slot_ms: i64,
    /// The slots, oldest first: what was counted in each, by chart.
    pub slots: Vec<HistorySlot>,
}

/// One slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct HistorySlot {
    /// What was counted. Labels are the one that the [chart](Chart) keeps, or none.
    pub values: Vec<SeriesValue>,
}

/// A row of `meter_history.sql`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct HistoryTotals {
    /// JSON, a list of [`SeriesValue`]; `None` where the totals are today's.
    pub series: Option<String>,
}

serde_struct_from_object!(ShardHistory, HistorySlot);
deserialize_from_object!(HistoryTotals);

impl ShardHistory {
    /// The history from the totals at each of the [bounds](HistoryQuery::bounds).
    #[must_use]
    pub fn from_totals(query: &HistoryQuery, totals: &[Vec<SeriesValue>]) -> Self {
        let pairs = totals.iter().zip(totals.iter().skip(1));
        let slots = pairs.map(|(before, after)| HistorySlot { values: grown(before, after) });
        Self { since: query.since, slot_ms: query.slot_ms, slots: slots.collect() }
    }

    /// Adds what another shard answered to the same query.
    pub fn merge(&mut self, other: &Self) {
        if self.slots.is_empty() {
            *self = other.clone();
            return;
        }
        for (slot, more) in self.slots.iter_mut().zip(&other.slots) {
            SeriesValue::merge(&mut slot.values, &more.values);
        }
    }
}

/// By how much each series grew.
fn grown(before: &[SeriesValue], after: &[SeriesValue]) -> Vec<SeriesValue> {
    let grown = after.iter().map(|value| {
        before.iter().find(|it| it.is_same_series(value)).map_or(value.clone(), |it| value.less(it))
    });
    grown.filter(|value| 0 < value.value || value.buckets.iter().any(|count| 0 < *count)).collect()
}
