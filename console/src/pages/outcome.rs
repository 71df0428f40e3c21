//! What a replay planned against what became of it: counted, the differences first.

use shared::operators::api::replays::{Replay, ReplayAction, ReplayState};
use shared::operators::letter::LetterClass;

use super::words::{counted, number};

/// Whether letters became what was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// They became something else.
    Different,
    /// They have no outcome yet.
    Open,
    /// They became it.
    AsPlanned,
}

/// A row of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutcomeRow {
    /// What was planned.
    pub(crate) planned: LetterClass,
    /// What became of the letters.
    pub(crate) became: String,
    /// How many.
    pub(crate) letters: u64,
    /// Whether that is the same.
    pub(crate) matched: Match,
}

impl OutcomeRow {
    /// The colour of the row.
    pub(crate) const fn color(&self) -> &'static str {
        match self.matched {
            Match::Different => "bad",
            Match::Open => "open",
            Match::AsPlanned => "good",
        }
    }

    /// The same in words.
    pub(crate) const fn words(&self) -> &'static str {
        match self.matched {
            Match::Different => "different",
            Match::Open => "under way",
            Match::AsPlanned => "as planned",
        }
    }
}

/// The rows of the proof, the differences first.
pub(crate) fn outcome_rows(replay: &Replay) -> Vec<OutcomeRow> {
    let counts = replay.counts.iter().filter(|count| 0 < count.letters);
    let mut rows: Vec<OutcomeRow> = counts
        .map(|count| OutcomeRow {
            planned: count.planned,
            became: count.became.clone(),
            letters: count.letters,
            matched: matched(replay, count.planned, &count.became),
        })
        .collect();
    rows.sort_by(|one, other| {
        let key = |row: &OutcomeRow| (row.matched, row.planned, row.became.clone());
        key(one).cmp(&key(other))
    });
    rows
}

/// Compares one outcome with the plan.
pub(crate) fn matched(replay: &Replay, planned: LetterClass, became: &str) -> Match {
    if matches!(became, "waiting" | "sent") {
        return Match::Open;
    }
    if became == expected(replay, planned) { Match::AsPlanned } else { Match::Different }
}

/// What letters of a class become, if all goes as planned.
pub(crate) const fn expected(replay: &Replay, planned: LetterClass) -> &'static str {
    match (replay.action, planned) {
        (ReplayAction::Discard, _) => "discarded",
        (ReplayAction::Replay, LetterClass::Applied) => "applied",
        (ReplayAction::Replay, LetterClass::Superseded | LetterClass::Duplicate) => {
            if replay.discard_unchanged { "discarded" } else { planned.as_str() }
        }
        (ReplayAction::Replay, LetterClass::Unreadable | LetterClass::Newer) => "left",
    }
}

/// How many letters became something else than planned.
pub(crate) fn differences(rows: &[OutcomeRow]) -> u64 {
    rows.iter().filter(|row| row.matched == Match::Different).map(|row| row.letters).sum()
}

/// The result in a sentence, once there is one.
pub(crate) fn verdict(replay: &Replay, rows: &[OutcomeRow]) -> Option<(&'static str, String)> {
    let different = differences(rows);
    match replay.state {
        ReplayState::Done if different == 0 => {
            let all = counted(&replay.total, "letter");
            Some(("good", format!("{all}: each became what was planned.")))
        }
        ReplayState::Canceled => {
            let all = counted(&replay.total, "letter");
            Some(("warn", format!("{} of {all} were not done.", number(&different))))
        }
        ReplayState::Done | ReplayState::Stopped => {
            let all = counted(&replay.total, "letter");
            let text =
                format!("{} of {all} became something else than planned.", number(&different));
            Some((if different == 0 { "good" } else { "bad" }, text))
        }
        ReplayState::Planning
        | ReplayState::Planned
        | ReplayState::Checking
        | ReplayState::Canary
        | ReplayState::Running
        | ReplayState::Paused
        | ReplayState::Refused => None,
    }
}

/// How many letters of a class there are.
pub(crate) fn of_class(replay: &Replay, class: LetterClass) -> u64 {
    replay.counts.iter().filter(|count| count.planned == class).map(|count| count.letters).sum()
}

/// Whether applying the plan would do anything.
pub(crate) fn does_something(replay: &Replay) -> bool {
    let is_moved = |class: &LetterClass| expected(replay, *class) != "left";
    LetterClass::ALL.iter().filter(|class| is_moved(class)).any(|it| 0 < of_class(replay, *it))
}

/// Whether it goes on by itself: a page about it changes.
pub(crate) const fn is_moving(state: ReplayState) -> bool {
    matches!(
        state,
        ReplayState::Planning | ReplayState::Checking | ReplayState::Canary | ReplayState::Running
    )
}

/// Whether the plan was applied, so that there is something to prove.
pub(crate) const fn was_applied(state: ReplayState) -> bool {
    match state {
        ReplayState::Planning
        | ReplayState::Planned
        | ReplayState::Checking
        | ReplayState::Refused => false,
        ReplayState::Canary
        | ReplayState::Running
        | ReplayState::Paused
        | ReplayState::Done
        | ReplayState::Stopped
        | ReplayState::Canceled => true,
    }
}

#[cfg(test)]
mod tests {
    use shared::operators::api::replays::{Replay, ReplayAction, ReplayState};
    use shared::operators::letter::LetterClass;

    use super::{Match, differences, does_something, matched, outcome_rows};
    use crate::pages::testing::replay;

    #[test]
    fn differences_are_first() {
        let rows = outcome_rows(&replay(ReplayState::Running));
        let rows: Vec<_> = rows.iter().map(|row| (row.became.as_str(), row.words())).collect();
        let want = [
            ("parked", "different"),
            ("waiting", "under way"),
            ("applied", "as planned"),
            ("superseded", "as planned"),
            ("left", "as planned"),
        ];
        assert_eq!(rows, want);
        assert_eq!(differences(&outcome_rows(&replay(ReplayState::Done))), 1);
    }

    #[track_caller]
    fn check(replay: &Replay, planned: LetterClass, became: &str, want: Match) {
        assert_eq!(matched(replay, planned, became), want, "{planned:?} became {became}");
    }

    #[test]
    fn what_is_discarded_was_planned_or_not() {
        let sent = replay(ReplayState::Done);
        let saved = Replay { discard_unchanged: true, ..sent.clone() };
        let thrown = Replay { action: ReplayAction::Discard, ..sent.clone() };
        check(&sent, LetterClass::Superseded, "discarded", Match::Different);
        check(&saved, LetterClass::Superseded, "discarded", Match::AsPlanned);
        check(&saved, LetterClass::Applied, "discarded", Match::Different);
        check(&thrown, LetterClass::Unreadable, "discarded", Match::AsPlanned);
        check(&thrown, LetterClass::Unreadable, "left", Match::Different);
    }

    #[test]
    fn a_plan_of_unreadable_letters_does_nothing() {
        let mut plan = replay(ReplayState::Planned);
        plan.counts.retain(|count| count.planned == LetterClass::Unreadable);
        assert!(!does_something(&plan));
        plan.action = ReplayAction::Discard;
        assert!(does_something(&plan));
    }
}
