//! Rows of these statements.

use serde::Deserialize;

use crate::json::deserialize_from_object;
use crate::time::UnixMillis;

/// An id alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct IdRow {
    /// The id.
    pub id: String,
}

/// Whether no replay may begin by itself: [`super::auto_busy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct BusyRow {
    /// 1 if none may.
    pub busy: i64,
}

/// The oldest letter for a replay that begins by itself: [`super::auto_oldest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct OldestRow {
    /// `None`: there is none.
    pub first_seen_at: Option<UnixMillis>,
}

/// A row of [`super::planned_letters`]: a letter as JSON, or none, and where the scan ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct PlannedRow {
    /// Where the scan ended, unless it read everything.
    pub end_position: Option<i64>,
    /// The letter's place.
    pub position: Option<i64>,
    /// A `PlannedLetter`.
    pub letter: Option<String>,
}

deserialize_from_object!(IdRow, BusyRow, OldestRow, PlannedRow);
