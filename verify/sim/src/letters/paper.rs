//! The letters as D1 holds them: what `shared::operators::replay` reads.

use shared::envelope::Envelope;
use shared::event::{Event, Payload};
use shared::id::{EntityId, SvixId};
use shared::merge::{EntityChange, EntityKind, EntityState};
use shared::operators::letter::LetterState;
use shared::operators::replay::{Facts, OutcomeRow, SyncedRow};
use shared::projection::ContentDigest;
use shared::sql::letter_lists::{LetterRow, Letters as Page};
use shared::time::UnixMillis;

use super::law::Content;
use super::world::{Bounds, Number, World};

/// The rows of the letters, as they were parked first.
pub(super) fn rows(bounds: &Bounds) -> Vec<LetterRow> {
    let all = (0..).zip(bounds.letters);
    all.filter_map(|(number, (_, content))| row(number, *content)).collect()
}

fn subject(number: Number) -> String {
    format!("user_{number}")
}

fn delivery(number: Number) -> String {
    format!("msg_{number}")
}

fn row(number: Number, content: Content) -> Option<LetterRow> {
    let (kind, state) = (EntityKind::User, content.state()?);
    let change = EntityChange { kind, id: EntityId::parse(&subject(number)).ok()?, state };
    let envelope = Envelope {
        svix_id: SvixId::parse(&delivery(number)).ok()?,
        attempted_at: UnixMillis(0),
        received_at: UnixMillis(0),
        event_at: None,
        body_digest: ContentDigest::of(&[]),
        event_type: "modelled".into(),
        note: String::new(),
        replay: None,
        payload: Payload::Event(Event { changes: vec![change], users: vec![] }),
    };
    let envelope = envelope.encode();
    Some(LetterRow {
        id: number.to_string(),
        state: LetterState::Parked,
        reason: "retries-exhausted".into(),
        detail: String::new(),
        event_type: None,
        subject: Some(subject(number)),
        svix_id: Some(delivery(number)),
        attempts: 1,
        generation: 0,
        first_seen_at: UnixMillis(number.into()),
        last_seen_at: UnixMillis(number.into()),
        replay_id: None,
        queue: "rolecall-events".into(),
        digest: ContentDigest::of(envelope.as_bytes()).as_str().into(),
        envelope,
    })
}

/// The letters that a plan chooses now: one page of them.
pub(super) fn page(rows: &[LetterRow], world: &World) -> Page {
    let chosen = rows.iter().zip(&world.letters).filter_map(|(row, letter)| {
        let generation = u32::from(letter.generation);
        (letter.state == LetterState::Parked).then(|| LetterRow { generation, ..row.clone() })
    });
    Page { rows: chosen.collect(), next: None }
}

/// What D1 says of what the letters name.
pub(super) fn facts(world: &World) -> Facts {
    let synced = (0..).zip(&world.rows).filter_map(|(number, row)| synced(number, *row));
    let outcomes = (0..).zip(&world.inbox).filter_map(|(number, outcome)| {
        let outcome = (*outcome)?.as_str().into();
        Some(OutcomeRow { svix_id: delivery(number), outcome })
    });
    Facts::new(synced.collect(), outcomes.collect())
}

fn synced(number: Number, content: Content) -> Option<SyncedRow> {
    let (entity, id) = (EntityKind::User.as_str().into(), subject(number));
    Some(match content.state()? {
        EntityState::Deleted => SyncedRow {
            entity,
            id,
            deleted: 1,
            updated_at: UnixMillis(0),
            event_at: UnixMillis(0),
            projection: 0,
            digest: ContentDigest::of(&[]),
        },
        EntityState::Live(live) => {
            let (updated_at, event_at) = (live.rank.updated_at, live.rank.event_at);
            let (projection, digest) = (live.rank.projection, live.rank.digest);
            SyncedRow { entity, id, deleted: 0, updated_at, event_at, projection, digest }
        }
    })
}
