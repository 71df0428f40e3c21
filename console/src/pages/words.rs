//! Reasons, classes and states in plain words.

use std::fmt::{Display, Formatter, Result};

use askama::filters::HtmlSafe;
use shared::operators::api::replays::{ReplayAction, ReplayState};
use shared::operators::letter::{LetterClass, LetterState};

/// A reason of a dead letter: what it means, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReasonWords {
    /// `dead_letters.reason`.
    pub(crate) reason: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What to do.
    pub(crate) advice: &'static str,
}

/// Every reason that the consumer writes.
pub(crate) const REASONS: [ReasonWords; 12] = [
    ReasonWords {
        reason: "retries-exhausted",
        meaning: "The database did not answer for so long that the queue gave up.",
        advice: "When the database answers again, plan a replay. The sweep also replays it once by \
                 itself.",
    },
    ReasonWords {
        reason: "overloaded",
        meaning: "The database refused work because it was overloaded.",
        advice: "Wait until the load is over, then plan a replay at a low rate. The sweep also \
                 replays it once by itself.",
    },
    ReasonWords {
        reason: "refused-by-database",
        meaning: "The database refused the values themselves, by a constraint, a trigger or a \
                  size limit.",
        advice: "Read the detail, remove the cause (a migration, a trigger), then plan a replay.",
    },
    ReasonWords {
        reason: "newer-envelope",
        meaning: "A newer version of Rolecall wrote the message, and this consumer cannot read it.",
        advice: "Deploy the consumer of that version, then plan a replay.",
    },
    ReasonWords {
        reason: "malformed",
        meaning: "The message is no envelope of Rolecall: something else wrote to the queue, or \
                  it was damaged.",
        advice: "Find out what writes to the queue. No replay helps: export it if you need it, \
                 then discard it.",
    },
    ReasonWords {
        reason: "not-text",
        meaning: "The message is not text, so ingest did not write it.",
        advice: "Find out what writes to the queue. No replay helps: export it if you need it, \
                 then discard it.",
    },
    ReasonWords {
        reason: "not-json",
        meaning: "A genuine delivery whose body is not JSON.",
        advice: "Look the delivery up at Clerk and send it again from there. Then discard this \
                 letter.",
    },
    ReasonWords {
        reason: "shape",
        meaning: "A genuine delivery that lacks a member, or has one of another type than Clerk \
                  documents.",
        advice: "Compare it with Clerk's documentation. When a newer Rolecall reads it, send it \
                 again from Clerk; then discard this letter.",
    },
    ReasonWords {
        reason: "id",
        meaning: "A genuine delivery with an id that is none of Clerk's.",
        advice: "Look the delivery up at Clerk. If the id is right, report it as a bug of \
                 Rolecall; then discard this letter.",
    },
    ReasonWords {
        reason: "no-subject",
        meaning: "A deletion that does not say what was deleted.",
        advice: "Look the delivery up at Clerk and delete by hand what it names. Then discard \
                 this letter.",
    },
    ReasonWords {
        reason: "time",
        meaning: "A genuine delivery with a time that cannot be right.",
        advice: "Look the delivery up at Clerk and send a new one, by saving the entity again. \
                 Then discard this letter.",
    },
    ReasonWords {
        reason: "size",
        meaning: "The synced fields are larger than a message may be.",
        advice: "Make the entity smaller at Clerk (its metadata, its roles), which sends a new \
                 delivery. Then discard this letter.",
    },
];

/// The words of a reason. One that this build does not know has words too.
pub(crate) fn reason_words(reason: &str) -> ReasonWords {
    REASONS.into_iter().find(|words| words.reason == reason).unwrap_or(ReasonWords {
        reason: "",
        meaning: "This console does not know the reason: a newer consumer wrote it.",
        advice: "Read the detail, and deploy the console of the consumer's version.",
    })
}

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

/// A count with its noun: `1 letter`, `12,345 letters`.
pub(crate) fn counted(count: &(impl Copy + Into<i128>), noun: &str) -> String {
    let count: i128 = (*count).into();
    let end = if count == 1 { "" } else { "s" };
    format!("{} {noun}{end}", number(&count))
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

/// A number with commas between thousands.
pub(crate) fn number(value: &(impl Copy + Into<i128>)) -> String {
    let value: i128 = (*value).into();
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::operators::letter::{LetterClass, LetterState};
    use shared::operators::letter_reason;

    use super::{REASONS, class_badge, counted, letter_badge, number, reason_words, sentence};

    #[test]
    fn every_reason_has_words() {
        for reason in letter_reason::ALL.into_iter().filter(|it| *it != letter_reason::OTHER) {
            assert_eq!(reason_words(reason).reason, reason);
        }
        assert_eq!(REASONS.len(), letter_reason::ALL.len() - 1);
        assert_eq!(reason_words("of-tomorrow").reason, "");
    }

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
    fn numbers_have_commas_and_nouns() {
        assert_eq!(number(&1_234_567), "1,234,567");
        assert_eq!(number(&-999), "-999");
        assert_eq!(counted(&1, "letter"), "1 letter");
        assert_eq!(counted(&1000, "letter"), "1,000 letters");
        assert_eq!(sentence("it is at its end: done"), "It is at its end: done.");
        assert_eq!(sentence("Try again."), "Try again.");
    }
}
