//! A replay in words and numbers.

use super::progress::{Progress, StoredReplay};
use super::steps::CountRow;
use crate::operators::api::replays::{
    PlannedLetter, Replay, ReplayAction, ReplayCount, ReplayState,
};
use crate::operators::words::counted;

/// The answer of the API. `counts` may hold rows of other replays too.
#[must_use]
pub fn replay_answer(
    replay: &StoredReplay,
    counts: &[CountRow],
    examples: Vec<PlannedLetter>,
) -> Replay {
    let own = counts.iter().filter(|row| row.replay_id == replay.id && row.letters > 0);
    let counts: Vec<ReplayCount> = own
        .map(|row| ReplayCount {
            planned: row.planned,
            became: row.became.clone(),
            letters: unsigned(row.letters),
        })
        .collect();
    let without = |words: &[&str]| -> u64 {
        let others = counts.iter().filter(|count| !words.contains(&&*count.became));
        others.map(|count| count.letters).sum()
    };
    let (sent, settled) = (without(&["waiting", "left"]), without(&["waiting", "left", "sent"]));
    let Progress { rate, discard_unchanged, total, letters, .. } = replay.progress.clone();
    let total = if replay.plan_hash.is_empty() { letters } else { total };
    Replay {
        id: replay.id.clone(),
        action: replay.action,
        state: replay.state,
        message: state_message(replay, &counts),
        actor: replay.actor.clone(),
        reason: replay.reason.clone(),
        filter: replay.filter.clone(),
        rate,
        discard_unchanged,
        hash: replay.plan_hash.clone(),
        counts,
        total: unsigned(total),
        sent,
        settled,
        examples,
        created_at: replay.created_at,
        updated_at: replay.updated_at,
    }
}

/// The state in words, with the next step.
#[must_use]
pub fn state_message(replay: &StoredReplay, counts: &[ReplayCount]) -> String {
    let became = |word: &str| -> u64 {
        counts.iter().filter(|count| count.became == word).map(|count| count.letters).sum()
    };
    let letters = |number: i64| counted(&number.max(0), "letter");
    let (total, read) = (replay.progress.total, replay.progress.letters);
    let is_discard = replay.action == ReplayAction::Discard;
    match replay.state {
        ReplayState::Planning => format!(
            "Planning: {} so far. Nothing has changed. Wait, or continue it.",
            letters(read)
        ),
        ReplayState::Planned if total == 0 => {
            "Planned: no parked letter fits the filter. Cancel it, or change the filter.".into()
        }
        ReplayState::Planned => format!(
            "Planned: {}. Nothing has changed yet. Read the plan, then apply it with its hash.",
            letters(total)
        ),
        ReplayState::Checking => format!(
            "Checking that the plan still holds: {read} of {}. Nothing was sent yet.",
            letters(total)
        ),
        ReplayState::Canary => {
            "The first letters are sent. The others follow when none of these is parked again."
                .into()
        }
        ReplayState::Running if is_discard => {
            format!("Discarding: {} of {} done.", became("discarded"), letters(total))
        }
        ReplayState::Running => format!(
            "Running: {} waiting, {} on the way, at most {} a minute.",
            counted(&became("waiting"), "letter"),
            became("sent"),
            replay.progress.rate
        ),
        ReplayState::Paused => "Paused. Resume or cancel it.".into(),
        ReplayState::Done => done_message(became("parked"), became("left")),
        ReplayState::Refused => {
            "Refused: the plan would differ now. Nothing was sent. Make a new plan.".into()
        }
        ReplayState::Stopped => {
            "Stopped: one of the first letters was parked again, and the others were not sent. \
             Remove its cause, then make a new plan."
                .into()
        }
        ReplayState::Canceled => format!(
            "Canceled. Still on the way: {}. The others stay as they are.",
            counted(&became("sent"), "letter")
        ),
    }
}

fn done_message(parked: u64, left: u64) -> String {
    match (parked, left) {
        (0, 0) => "Done: every letter has its outcome.".into(),
        (0, left) => format!(
            "Done. Left: {}, which cannot be replayed or changed after the plan. Look at them one \
             by one.",
            counted(&left, "letter")
        ),
        (parked, left) => format!(
            "Done. Parked again: {}; left: {left}. Look at their reasons, then make a new plan.",
            counted(&parked, "letter")
        ),
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
