//! What a replay of one letter would do now, by the rule of the consumer's statement
//! `sql/deliveries.sql`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::envelope::{Envelope, EnvelopeError};
use crate::event::Payload;
use crate::json::deserialize_from_object;
use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank, supersedes};
use crate::operators::letter::LetterClass;
use crate::projection::{ContentDigest, EntityFields};
use crate::sql::letter_lists::LetterRow;
use crate::time::UnixMillis;

/// The class of a letter, and why, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// What a replay would do.
    pub class: LetterClass,
    /// Why.
    pub detail: &'static str,
}

/// What the letters of a page name: these rows decide their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// What the events are about.
    pub entities: BTreeSet<(EntityKind, String)>,
    /// The deliveries.
    pub svix_ids: BTreeSet<String>,
}

/// A row of the view `synced`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct SyncedRow {
    /// The kind, see [`EntityKind::as_str`].
    pub entity: String,
    /// The id.
    pub id: String,
    /// 1 for a deleted one.
    pub deleted: i64,
    /// See [`Rank`].
    pub updated_at: UnixMillis,
    /// See [`Rank`].
    pub event_at: UnixMillis,
    /// See [`Rank`].
    pub projection: u32,
    /// See [`Rank`].
    pub digest: ContentDigest,
}

/// The recorded outcome of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct OutcomeRow {
    /// The delivery.
    pub svix_id: String,
    /// `deliveries.outcome`.
    pub outcome: String,
}

deserialize_from_object!(SyncedRow, OutcomeRow);

/// The rows that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    states: BTreeMap<(EntityKind, String), EntityState>,
    /// Deliveries that had an effect, or were found to have none.
    settled: BTreeSet<String>,
}

impl Facts {
    /// The facts in these rows.
    #[must_use]
    pub fn new(rows: Vec<SyncedRow>, outcomes: Vec<OutcomeRow>) -> Self {
        let states = rows.into_iter().filter_map(|row| {
            let kind = EntityKind::from_name(&row.entity)?;
            Some(((kind, row.id.clone()), row.state(kind)))
        });
        let states = states.collect();
        let settled = outcomes.into_iter().filter_map(|row| {
            let settled = ["applied", "superseded", "duplicate"].contains(&&*row.outcome);
            settled.then_some(row.svix_id)
        });
        Self { states, settled: settled.collect() }
    }
}

impl SyncedRow {
    /// The state, for comparisons: its fields are not known.
    fn state(self, kind: EntityKind) -> EntityState {
        if self.deleted != 0 {
            return EntityState::Deleted;
        }
        let Self { updated_at, event_at, projection, digest, .. } = self;
        let rank = Rank { updated_at, event_at, projection, digest };
        EntityState::Live(LiveState { rank, fields: EntityFields::empty(kind) })
    }
}

/// What these letters name.
#[must_use]
pub fn named(letters: &[LetterRow]) -> Named {
    let mut named = Named::default();
    for envelope in letters.iter().filter_map(|letter| open(letter).ok()) {
        if let Some(change) = deciding_change(&envelope) {
            named.entities.insert((change.kind, change.id.as_str().into()));
        }
        named.svix_ids.insert(envelope.svix_id.as_str().into());
    }
    named
}

/// Classifies a letter by these facts, as if it alone were replayed.
#[must_use]
pub fn classify(letter: &LetterRow, facts: &Facts) -> Classified {
    let (class, detail) = match open(letter) {
        Err(refused) => refused,
        Ok(envelope) => classify_envelope(&envelope, facts),
    };
    Classified { class, detail }
}

/// The envelope of a letter whose bytes are those that were parked.
pub(super) fn open(letter: &LetterRow) -> Result<Envelope, (LetterClass, &'static str)> {
    open_bytes(&letter.digest, &letter.envelope)
}

/// As [`open`]. A letter from before digests has none.
pub(super) fn open_bytes(
    digest: &str,
    bytes: &str,
) -> Result<Envelope, (LetterClass, &'static str)> {
    if !digest.is_empty() && ContentDigest::of(bytes.as_bytes()).as_str() != digest {
        return Err((LetterClass::Unreadable, "bytes changed since it was parked"));
    }
    Envelope::decode(bytes).map_err(|error| match error {
        EnvelopeError::NewerVersion(_) => {
            (LetterClass::Newer, "a newer build wrote it: deploy the consumer first")
        }
        EnvelopeError::Malformed(_) => (LetterClass::Unreadable, "it is not an envelope"),
    })
}

fn classify_envelope(envelope: &Envelope, facts: &Facts) -> (LetterClass, &'static str) {
    if let Payload::Unreadable(_) = envelope.payload {
        return (
            LetterClass::Unreadable,
            "ingest could not read the delivery: let Clerk resend it",
        );
    }
    if facts.settled.contains(envelope.svix_id.as_str()) {
        return (LetterClass::Duplicate, "a copy of this delivery was processed already");
    }
    let Some(change) = deciding_change(envelope) else {
        return (LetterClass::Duplicate, "its type is not synced: nothing would change");
    };
    let stored = facts.states.get(&(change.kind, change.id.as_str().into()));
    if supersedes(&change.state, stored) {
        return (LetterClass::Applied, "it is newer than the stored row");
    }
    match (&change.state, stored) {
        (EntityState::Deleted, Some(EntityState::Deleted)) => {
            (LetterClass::Applied, "it is the stored deletion")
        }
        (EntityState::Live(it), Some(EntityState::Live(stored))) if it.rank == stored.rank => {
            (LetterClass::Applied, "it is the stored row")
        }
        (EntityState::Live(it), Some(EntityState::Live(stored))) if same_row(it, stored) => {
            (LetterClass::Duplicate, "another event stored the same row")
        }
        _ => (LetterClass::Superseded, "the stored row is newer"),
    }
}

/// Whether they differ in nothing but the time of the event.
fn same_row(a: &LiveState, b: &LiveState) -> bool {
    let row = |it: &Rank| (it.updated_at, it.projection, it.digest.clone());
    row(&a.rank) == row(&b.rank)
}

fn deciding_change(envelope: &Envelope) -> Option<&EntityChange> {
    match &envelope.payload {
        Payload::Event(event) => event.changes.first(),
        Payload::Unreadable(_) | Payload::Ignored => None,
    }
}
