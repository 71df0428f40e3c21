//! The plan, page by page, and its hash.

use serde_json::json;

use super::EXAMPLES_PER_CLASS;
use super::classify::{Classified, Facts, classify};
use super::commands::Act;
use super::progress::{Progress, StoredReplay};
use crate::operators::api::replays::ReplayState;
use crate::operators::cursor::Cursor;
use crate::operators::hash::hash;
use crate::operators::letter::LetterClass;
use crate::projection::ContentDigest;
use crate::sql::letter_lists::{LetterRow, Letters};
use crate::time::UnixMillis;

/// A letter of the plan, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedLetter {
    /// Its place, from 0.
    pub position: i64,
    /// The letter.
    pub id: String,
    /// Its generation.
    pub generation: u32,
    /// What a replay would do with it.
    pub class: LetterClass,
}

/// One page of a plan, or of its check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPage {
    /// The letters of the page. Empty while a plan is checked: they are stored already.
    pub letters: Vec<FoldedLetter>,
    /// The replay after the page.
    pub after: StoredReplay,
    /// For the audit trail: the plan is made, or would differ now.
    pub act: Option<Act>,
}

/// The hash before the first letter: that of what was asked for.
#[must_use]
pub fn first_hash(replay: &StoredReplay) -> String {
    let filter = serde_json::to_string(&replay.filter).unwrap_or_default();
    let unchanged = if replay.progress.discard_unchanged { "discard" } else { "replay" };
    let action = replay.action.as_str();
    hash(&["", action, &filter, unchanged, &replay.created_at.0.to_string()])
}

/// The hash after one more letter.
#[must_use]
pub fn fold(before: &str, letter: &LetterRow, class: LetterClass) -> String {
    let digest = ContentDigest::of(letter.envelope.as_bytes());
    let generation = letter.generation.to_string();
    hash(&[before, &letter.id, &generation, digest.as_str(), class.as_str()])
}

/// Adds a page of letters to a plan that is made or checked. `page` are the letters after the
/// cursor of the replay.
#[must_use]
pub fn plan_page(
    replay: &StoredReplay,
    page: &Letters,
    facts: &Facts,
    now: UnixMillis,
) -> PlannedPage {
    let mut after = replay.clone();
    let progress = &mut after.progress;
    if progress.hash.is_empty() {
        progress.hash = first_hash(replay);
    }
    let mut letters = Vec::new();
    let automatic = progress.automatic;
    for letter in page.rows.iter().filter(|letter| !automatic || is_fresh(letter)) {
        let Classified { class, .. } = classify(letter, facts);
        progress.hash = fold(&progress.hash, letter, class);
        let (id, generation, position) = (letter.id.clone(), letter.generation, progress.letters);
        letters.push(FoldedLetter { position, id, generation, class });
        progress.letters += 1;
    }
    progress.cursor = page.next.as_ref().map(Cursor::encode);
    after.updated_at = now;
    if replay.state == ReplayState::Checking {
        letters.clear();
    } else {
        add_examples(&mut after.progress, &letters);
    }
    let act = page.next.is_none().then(|| finish_walk(&mut after)).flatten();
    PlannedPage { letters, after, act }
}

/// A replay that begins by itself takes each letter once, and none that an operator replayed.
fn is_fresh(letter: &LetterRow) -> bool {
    letter.generation == 0 && letter.replay_id.is_none()
}

fn add_examples(progress: &mut Progress, letters: &[FoldedLetter]) {
    for letter in letters {
        let known = progress.examples.entry(letter.class.as_str().into()).or_default();
        if known.len() < EXAMPLES_PER_CLASS {
            known.push(letter.position);
        }
    }
}

/// The walk is at its end: the plan is made, or its check is.
fn finish_walk(replay: &mut StoredReplay) -> Option<Act> {
    let Progress { hash, letters, .. } = replay.progress.clone();
    let detail = json!({ "reason": replay.reason, "letters": letters, "hash": hash });
    if replay.state == ReplayState::Planning {
        replay.progress.total = letters;
        replay.plan_hash = hash;
        replay.state = ReplayState::Planned;
        replay.is_open = false;
        if replay.progress.automatic {
            replay.begin_check();
        }
        return Some(Act { action: "replays.planned", detail });
    }
    if hash == replay.plan_hash && letters == replay.progress.total {
        replay.state = replay.state_after_check();
        return None;
    }
    replay.state = ReplayState::Refused;
    Some(Act { action: "replays.refused", detail })
}
