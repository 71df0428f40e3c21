//! Classes and states in plain words, and badges of them.

use std::fmt::{Display, Formatter, Result};

use askama::filters::HtmlSafe;
use shared::operators::api::replays::{ReplayAction, ReplayState};
use shared::operators::letter::{LetterClass, LetterState};

pub(crate) use shared::operators::words::{counted, number};

/// What a replay would do with a letter of a class.
pub(crate) const fn class_words(class: LetterClass) -> &'static str {
    match class {
        LetterClass::Applied => "would be applied",
        LetterClass::Superseded => "superseded: a later change has replaced it",
        LetterClass::Duplicate => "duplicate: it was applied already",
        LetterClass::Unreadable => "cannot be read by any version",
        LetterClass::Newer => "needs a newer consumer",
    }
}

/// What that means for the database.
pub(crate) const fn class_effect(class: LetterClass) -> &'static str {
    match class {
        LetterClass::Applied => "A replay changes rows.",
        LetterClass::Superseded | LetterClass::Duplicate => "A replay changes nothing.",
        LetterClass::Unreadable => "It is not sent. It can be exported and discarded.",
        LetterClass::Newer => "It is not sent. Deploy the newer consumer first.",
    }
}

/// What became of a letter of a replay.
pub(crate) fn became_words(became: &str) -> &str {
    match became {
        "waiting" => "not sent yet",
        "sent" => "on its way",
        "left" => "left as it was",
        "parked" => "parked again",
        other => other,
    }
}

/// A word as a badge: a colour, and always the word.
pub(crate) struct Badge(&'static str, &'static str);

impl HtmlSafe for Badge {}

impl Display for Badge {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "<span class=\"badge {}\">{}</span>", self.0, self.1)
    }
}

/// The badge of a letter's state.
pub(crate) const fn letter_badge(state: LetterState) -> Badge {
    let color = match state {
        LetterState::Parked => "bad",
        LetterState::Replaying => "busy",
        LetterState::Applied => "good",
        LetterState::Superseded | LetterState::Duplicate | LetterState::Discarded => "still",
    };
    Badge(color, state.as_str())
}

/// The badge of a delivery's outcome.
pub(crate) fn outcome_badge(outcome: &str) -> Badge {
    match outcome {
        "applied" => Badge("good", "applied"),
        "parked" => Badge("bad", "parked"),
        "superseded" => Badge("still", "superseded"),
        "duplicate" => Badge("still", "duplicate"),
        "ignored" => Badge("still", "ignored"),
        _ => Badge("warn", "unknown"),
    }
}

/// The kind of a synced thing at the beginning of a title.
pub(crate) fn kind_title(kind: &str) -> &str {
    match kind {
        "user" => "User",
        "organization" => "Organization",
        "membership" => "Membership",
        "role" => "Role",
        "permission" => "Permission",
        other => other,
    }
}

/// The badge of a class.
pub(crate) const fn class_badge(class: LetterClass) -> Badge {
    let color = match class {
        LetterClass::Applied => "good",
        LetterClass::Superseded | LetterClass::Duplicate => "still",
        LetterClass::Newer => "warn",
        LetterClass::Unreadable => "bad",
    };
    Badge(color, class.as_str())
}

/// The badge of a replay's state.
pub(crate) const fn replay_badge(state: ReplayState) -> Badge {
    let color = match state {
        ReplayState::Planning
        | ReplayState::Checking
        | ReplayState::Canary
        | ReplayState::Running => "busy",
        ReplayState::Planned | ReplayState::Paused => "warn",
        ReplayState::Done => "good",
        ReplayState::Refused | ReplayState::Stopped => "bad",
        ReplayState::Canceled => "still",
    };
    Badge(color, state.as_str())
}

/// The badge of yes or no.
pub(crate) const fn counts_badge(counts: bool) -> Badge {
    if counts { Badge("good", "counts") } else { Badge("still", "does not count") }
}

/// The action of a replay: the word in a form.
pub(crate) const fn action_name(action: ReplayAction) -> &'static str {
    match action {
        ReplayAction::Replay => "replay",
        ReplayAction::Discard => "discard",
    }
}

/// The same at the beginning of a sentence.
pub(crate) const fn action_title(action: ReplayAction) -> &'static str {
    match action {
        ReplayAction::Replay => "Replay",
        ReplayAction::Discard => "Discard",
    }
}

/// How often: `once`, `3 times`.
pub(crate) fn times(count: &(impl Copy + Into<i128>)) -> String {
    match (*count).into() {
        1 => "once".to_owned(),
        count => format!("{} times", number(&count)),
    }
}

/// The error of the API as sentences: there they begin small and have no full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map_or_else(String::new, |it| it.to_uppercase().collect());
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use shared::operators::letter::{LetterClass, LetterState};

    use super::{class_badge, letter_badge, sentence};

    #[test]
    fn badges_have_the_word_beside_the_color() {
        for state in LetterState::ALL {
            assert!(letter_badge(state).to_string().contains(&format!(">{}<", state.as_str())));
        }
        for class in LetterClass::ALL {
            assert!(class_badge(class).to_string().contains(&format!(">{}<", class.as_str())));
        }
    }

    #[test]
    fn an_error_is_a_sentence() {
        assert_eq!(sentence("it is at its end: done"), "It is at its end: done.");
        assert_eq!(sentence("Try again."), "Try again.");
    }
}
