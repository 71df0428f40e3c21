//! What was decided about replays before: the same is not asked twice.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use shared::operators::letter::LetterState;

use super::law::Content;
use super::message::{LETTERS, Number};
use super::replay::{Intent, Replay};

/// What a decision depends on.
pub(super) type Read = (
    Number,
    Replay,
    [(LetterState, u8); LETTERS],
    [Content; LETTERS],
    [Option<LetterState>; LETTERS],
);

/// What was decided before.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(pub(super) Arc<RwLock<BTreeMap<Read, Option<Intent>>>>);
