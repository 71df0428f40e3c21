//! What a shard of `Meter` knows, and what it does with a flush.
//!
//! The state is rows by key: one for the shard, one for each Worker, one for each source. A flush
//! changes the row of its source, that of its Worker and that of the shard, and they are written by
//! one statement: a flush is counted as a whole or not at all. Series are kept by name, so that
//! those of a newer build outlive an older one.

mod kept;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

pub use self::kept::KeptRow;

use self::kept::{ParsedRow, ShardRow, SourceRow};
use self::totals::Totals;
use super::flush::{Flush, FlushResult, KnownShards, SeriesValue, ShardTotals};
use super::history::{self, MINUTE_MS};
use super::isolate::shard_of;
use super::kind::Origin;
use super::table;
use crate::time::UnixMillis;

/// An older flush is refused: its source may be forgotten, and with it whether it was counted.
pub const FLUSH_AGE_MS_MAX: i64 = 24 * 3_600_000;

/// How far a sender's clock may be ahead.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// How many sources are remembered.
pub const SOURCES_MAX: usize = 20_000;

/// How many are forgotten at once when there are more: the oldest.
const SOURCES_FORGOTTEN: usize = SOURCES_MAX / 10;

/// Bytes in a source.
const SOURCE_BYTES_MAX: usize = 64;

/// What a shard of `Meter` knows: a copy of what is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    shard: ShardRow,
    totals: Totals,
    sources: BTreeMap<String, SourceRow>,
}

/// What became of a flush, and what is to be written before it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The answer.
    pub result: FlushResult,
    /// The rows that changed, to be written by one statement.
    pub rows: Vec<KeptRow>,
    /// The keys of rows that are not needed any more, to be deleted afterwards.
    pub forgotten: Vec<String>,
    /// The first flush of a minute: the row of the history, to be written before the others.
    pub history: Option<HistoryRow>,
}

/// The totals of the charts when a minute began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The start of the minute.
    pub at: UnixMillis,
    /// JSON, a list of [`SeriesValue`].
    pub series: String,
}

impl Meter {
    /// The state that is in these rows, and the keys of those that cannot be read.
    #[must_use]
    pub fn load(rows: impl IntoIterator<Item = KeptRow>) -> (Self, Vec<String>) {
        let (mut meter, mut malformed) = (Self::default(), Vec::new());
        for row in rows {
            match row.parse() {
                Some(ParsedRow::Shard(shard)) => meter.shard = shard,
                Some(ParsedRow::Totals(part, values)) => meter.totals.insert(part, values),
                Some(ParsedRow::Source(name, source)) => {
                    meter.sources.insert(name, source);
                }
                None => malformed.push(row.key),
            }
        }
        (meter, malformed)
    }

    /// Takes a flush. If what it returns cannot be written, the state must be loaded again.
    pub fn take(&mut self, flush: &Flush, now: UnixMillis) -> Taken {
        let history = self.history_row(now);
        let mut forgotten = self.forget(now, history.is_some());
        let result = self.judge(flush, now);
        let part = Totals::part_of(&flush.worker);
        if result == FlushResult::Counted {
            for value in &flush.values {
                let is_known = self.totals.add(part, value);
                self.shard.dropped = self.shard.dropped.saturating_add(u64::from(!is_known));
            }
            let seen = SourceRow { sequence: flush.sequence, seen_at: now.max(flush.at) };
            self.sources.insert(flush.source.clone(), seen);
            self.shard.record_last_flush(&flush.worker, now);
        }
        if result != FlushResult::Refused {
            self.shard.know_shards(flush.shards);
            // Then this is shard 0.
            if shard_of(&flush.source, flush.shards) == 0 {
                self.shard.announced = self.shard.shards;
            }
        }
        self.shard.record_result(result);
        let mut rows: Vec<KeptRow> = vec![KeptRow::of_shard(&self.shard)];
        if let Some(source) = self.sources.get(&flush.source) {
            rows.push(KeptRow::of_source(&flush.source, source));
        }
        if result == FlushResult::Counted && !flush.values.is_empty() {
            rows.push(KeptRow::of_totals(part, self.totals.part(part)));
        }
        // Its own source may have been forgotten, and is known again.
        forgotten.retain(|key| rows.iter().all(|row| row.key != *key));
        Taken { result, rows, forgotten, history }
    }

    /// Takes a body that is no flush.
    pub fn take_malformed(&mut self) -> Taken {
        let result = FlushResult::Refused;
        self.shard.record_result(result);
        let rows = vec![KeptRow::of_shard(&self.shard)];
        Taken { result, rows, forgotten: Vec::new(), history: None }
    }

    fn judge(&self, flush: &Flush, now: UnixMillis) -> FlushResult {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_source = (1..=SOURCE_BYTES_MAX).contains(&flush.source.len())
            && flush.source.bytes().all(is_letter);
        let age_ms = now.since(flush.at);
        if !is_source
            || flush.sequence == 0
            || !(-AHEAD_MS_MAX..=FLUSH_AGE_MS_MAX).contains(&age_ms)
        {
            return FlushResult::Refused;
        }
        match self.sources.get(&flush.source) {
            Some(source) if flush.sequence <= source.sequence => FlushResult::Repeated,
            // It may be of a source that was forgotten after this flush was counted.
            None if flush.at <= self.shard.forgotten_until => FlushResult::Refused,
            Some(_) | None => FlushResult::Counted,
        }
    }

    fn history_row(&mut self, now: UnixMillis) -> Option<HistoryRow> {
        let at = history::minute_of(now);
        if at <= self.shard.history_at {
            return None;
        }
        self.shard.history_at = at;
        Some(HistoryRow { at, series: kept::to_json(&self.chart_totals()) })
    }

    /// The totals of the charts.
    #[must_use]
    pub fn chart_totals(&self) -> Vec<SeriesValue> {
        history::chart_totals(|metric| self.totals.of_metric(metric))
    }

    /// Forgets sources that are too old or too many. Returns the keys of their rows. Flushes that
    /// may be theirs are refused from then on.
    fn forget(&mut self, now: UnixMillis, is_new_minute: bool) -> Vec<String> {
        let is_full = SOURCES_MAX <= self.sources.len();
        if !is_full && !is_new_minute {
            return Vec::new();
        }
        let mut by_age: Vec<(UnixMillis, &String)> =
            self.sources.iter().map(|(source, row)| (row.seen_at, source)).collect();
        by_age.sort_unstable();
        let old_ms = FLUSH_AGE_MS_MAX.saturating_add(MINUTE_MS);
        let old = by_age.iter().take_while(|(seen_at, _)| old_ms < now.since(*seen_at)).count();
        by_age.truncate(if is_full { old.max(SOURCES_FORGOTTEN) } else { old });
        let Some((until, _)) = by_age.last() else { return Vec::new() };
        self.shard.forgotten_until = self.shard.forgotten_until.max(*until);
        let sources: BTreeSet<String> =
            by_age.iter().map(|(_, source)| (*source).clone()).collect();
        self.sources.retain(|source, _| !sources.contains(source));
        sources.iter().map(|source| kept::source_key(source)).collect()
    }

    /// All that the scrape needs.
    #[must_use]
    pub fn totals(&self) -> ShardTotals {
        // What is in D1 too is exact there; here it is for the charts.
        let is_shown = |value: &SeriesValue| {
            let origin = table::by_name(&value.metric).map(|metric| metric.origin);
            origin == Some(Origin::Isolates) && value.known_labels().as_ref() == Some(&value.labels)
        };
        ShardTotals {
            values: self.totals.summed().into_iter().filter(is_shown).collect(),
            last_flush: self.shard.last_flush.clone(),
            flushes: self.shard.flushes.clone(),
            dropped: self.shard.dropped,
            sources: u64::try_from(self.sources.len()).unwrap_or(u64::MAX),
            shards: self.shard.shards,
        }
    }

    /// Takes what another shard says of their number. Returns the row to write.
    pub fn take_shards(&mut self, known: KnownShards) -> KeptRow {
        self.shard.know_shards(known.shards);
        self.shard.announced = self.shard.shards;
        KeptRow::of_shard(&self.shard)
    }

    /// The number of shards that shard 0 has to be told of: the scrape asks it how many to sum.
    #[must_use]
    pub fn shards_to_announce(&self) -> Option<KnownShards> {
        let shards = self.shard.shards;
        (self.shard.announced < shards).then_some(KnownShards { shards })
    }

    /// Notes what shard 0 was told. Returns the row to write.
    pub fn record_announced(&mut self, known: KnownShards) -> KeptRow {
        self.shard.announced = self.shard.announced.max(known.shards);
        KeptRow::of_shard(&self.shard)
    }
}
