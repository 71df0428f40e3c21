//! The merge law on what letters say: asked of `shared::merge` once.

use shared::merge::{EntityState, LiveState, Rank, supersedes};
use shared::operators::letter::{LetterOutcome, LetterState};
use shared::projection::{EntityFields, PROJECTION_VERSION, UserFields, digest};
use shared::time::UnixMillis;

use crate::wire::user_id;

/// What a row holds, or a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// No row.
    None,
    /// The user was created.
    Created,
    /// The user was updated, later.
    Updated,
    /// The user was deleted.
    Deleted,
}

/// Which content replaces which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Law([u8; 4]);

impl Content {
    const ALL: [Self; 4] = [Self::None, Self::Created, Self::Updated, Self::Deleted];

    fn bit(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Created => 2,
            Self::Updated => 4,
            Self::Deleted => 8,
        }
    }

    pub(super) fn state(self) -> Option<EntityState> {
        match self {
            Self::None => None,
            Self::Created => Some(live(1)),
            Self::Updated => Some(live(2)),
            Self::Deleted => Some(EntityState::Deleted),
        }
    }
}

fn live(at: i64) -> EntityState {
    let fields = EntityFields::User(UserFields { banned: at == 2, ..UserFields::default() });
    let (updated_at, event_at) = (UnixMillis(at), UnixMillis(at));
    let digest = digest(user_id(0), &fields);
    EntityState::Live(LiveState {
        rank: Rank { updated_at, event_at, projection: PROJECTION_VERSION, digest },
        fields,
    })
}

impl Law {
    /// Asks about every pair.
    pub(super) fn new() -> Self {
        let replaced = |incoming: Content| {
            let wins = |row: &&Content| {
                incoming.state().is_some_and(|it| supersedes(&it, row.state().as_ref()))
            };
            Content::ALL.iter().filter(wins).fold(0, |bits, row| bits | row.bit())
        };
        Self(Content::ALL.map(replaced))
    }

    /// Whether `incoming` replaces `row`.
    pub(super) fn wins(self, incoming: Content, row: Content) -> bool {
        let place = Content::ALL.iter().position(|it| *it == incoming);
        place.and_then(|place| self.0.get(place)).is_some_and(|rows| rows & row.bit() != 0)
    }

    /// The row after an event, and the event's outcome; `before` is that of an earlier delivery of
    /// the same event.
    pub(super) fn apply(
        self,
        event: Content,
        row: Content,
        before: Option<LetterState>,
    ) -> (Content, LetterOutcome) {
        let after = if self.wins(event, row) { event } else { row };
        let outcome = match before {
            Some(_) => LetterOutcome::Duplicate,
            None if after == event => LetterOutcome::Applied,
            None => LetterOutcome::Superseded,
        };
        (after, outcome)
    }
}
