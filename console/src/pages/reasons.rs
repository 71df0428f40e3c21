//! The reasons of dead letters in plain words.

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

#[cfg(test)]
mod tests {
    use shared::operators::letter_reason;

    use super::{REASONS, reason_words};

    #[test]
    fn every_reason_has_words() {
        for reason in letter_reason::ALL.into_iter().filter(|it| *it != letter_reason::OTHER) {
            assert_eq!(reason_words(reason).reason, reason);
        }
        assert_eq!(REASONS.len(), letter_reason::ALL.len() - 1);
        assert_eq!(reason_words("of-tomorrow").reason, "");
    }
}
