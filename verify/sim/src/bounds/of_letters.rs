//! The bounds of the letters' model.

use shared::operators::api::replays::ReplayAction::{Discard, Replay};

use crate::letters::law::Content;
use crate::letters::{Bounds, Left};

/// Drivers and messages are lost.
pub(super) const LOSSES: Bounds =
    Bounds { left: Left { crashes: 1, losses: 1, copies: 1, early: 1, ..NONE }, ..LETTERS };

/// Messages fail again.
pub(super) const FAILURES: Bounds = Bounds {
    canary: 2,
    left: Left { failures: 2, crashes: 1, early: 1, copies: 1, ..NONE },
    ..LETTERS
};

/// Two replays of the same letters.
pub(super) const RIVALS: Bounds = Bounds {
    letters: &TWO,
    replays: &[(Replay, false), (Replay, false)],
    left: Left { crashes: 1, failures: 1, early: 1, ..NONE },
    ..LETTERS
};

/// A replay and a discard of the same letters.
pub(super) const DISCARDS: Bounds = Bounds {
    letters: &TWO,
    replays: &[(Replay, false), (Discard, false)],
    left: Left { crashes: 1, early: 1, stops: 1, ..NONE },
    ..LETTERS
};

/// The world changes, and what would change nothing is discarded.
pub(super) const MEANWHILE: Bounds = Bounds {
    replays: &[(Replay, true)],
    left: Left { crashes: 1, deliveries: 1, events: 1, ..NONE },
    ..LETTERS
};

/// What the tests explore: of two replays, only what goes wrong by itself.
pub(super) fn small(full: Bounds) -> Bounds {
    let one = u8::from(full.replays.len() == 1);
    let Left { crashes, failures, early, deliveries, events, .. } = full.left;
    let (crashes, failures) = (crashes.min(one), failures.min(one));
    let left = Left { crashes, failures, early, deliveries, events, ..NONE };
    Bounds { letters: &TWO, left, ..full }
}

/// One that would be applied, one that a later event has replaced, and the creation of a user who
/// was deleted since.
const THREE: [(Content, Content); 3] = [
    (Content::None, Content::Created),
    (Content::Updated, Content::Created),
    (Content::Deleted, Content::Created),
];

/// One that would be applied, and the creation of a user who was deleted since.
const TWO: [(Content, Content); 2] =
    [(Content::None, Content::Created), (Content::Deleted, Content::Created)];

const NONE: Left = Left {
    crashes: 0,
    losses: 0,
    copies: 0,
    failures: 0,
    early: 0,
    deliveries: 0,
    events: 0,
    stops: 0,
};

const LETTERS: Bounds =
    Bounds { letters: &THREE, replays: &[(Replay, false)], canary: 1, chunk: 2, left: NONE };
