//! Sorts D1's errors by how to react to them. How long to wait is decided in [`crate::retry`].

use crate::operators::audit::HEAD_MOVED;

/// How to react to a D1 error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum D1Error {
    /// The batch holds something that D1 will never accept: find it and park it.
    Rejected(String),
    /// A temporary failure: retry the same batch later.
    Transient(String),
    /// D1 is overloaded, or the batch is too expensive: try smaller parts.
    Overloaded(String),
}

/// Texts that mean rejection. D1 has no error codes,
/// <https://developers.cloudflare.com/d1/observability/debug-d1/>.
const REJECTED: [&str; 6] = [
    "D1_TYPE_ERROR",
    "constraint failed",
    "SQLITE_CONSTRAINT",
    "too big",
    "malformed JSON",
    "datatype mismatch",
];

/// Texts that mean overload: reduce the load instead of retrying at once.
const OVERLOADED: [&str; 5] = [
    "overloaded",
    "Too many requests queued",
    "exceeded timeout",
    "exceeded its memory limit",
    "exceeded its CPU time limit",
];

impl D1Error {
    /// Classifies the text of a D1 error. An unknown one is transient: the message is retried for
    /// days, so a table that a migration renames for a moment parks nothing.
    #[must_use]
    pub fn classify(cause: &str) -> Self {
        let names = |texts: &[&str]| texts.iter().any(|text| cause.contains(text));
        if names(&[HEAD_MOVED]) {
            // Its code is that of a broken constraint, but no message of the batch is to blame.
            Self::Transient(cause.into())
        } else if names(&REJECTED) {
            Self::Rejected(cause.into())
        } else if names(&OVERLOADED) {
            Self::Overloaded(cause.into())
        } else {
            Self::Transient(cause.into())
        }
    }

    /// The value of the label `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::Transient(_) => "transient",
            Self::Overloaded(_) => "overloaded",
        }
    }

    /// Whether another entry of the audit trail came first: read its head again, and repeat.
    #[must_use]
    pub fn is_moved_head(&self) -> bool {
        self.text().contains(HEAD_MOVED)
    }

    /// The reason for the column `dead_letters.reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "refused-by-database",
            Self::Transient(_) => "retries-exhausted",
            Self::Overloaded(_) => "overloaded",
        }
    }

    /// The text of the error.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Rejected(cause) | Self::Transient(cause) | Self::Overloaded(cause) => cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::D1Error;
    use crate::operators::audit::HEAD_MOVED;

    #[track_caller]
    fn check(cause: &str, want: &str) {
        assert_eq!(D1Error::classify(cause).reason(), want);
    }

    #[test]
    fn d1_errors_are_classified() {
        check(
            "D1_ERROR: CHECK constraint failed: banned IN (0, 1): SQLITE_CONSTRAINT",
            "refused-by-database",
        );
        check("D1_TYPE_ERROR: Type 'bigint' not supported", "refused-by-database");
        check("D1_ERROR: string or blob too big: SQLITE_TOOBIG", "refused-by-database");
        check("D1_ERROR: Network connection lost.", "retries-exhausted");
        check("D1_ERROR: no such table: users: SQLITE_ERROR", "retries-exhausted");
        check("D1 DB is overloaded. Requests queued for too long.", "overloaded");
        check(
            "D1 DB storage operation exceeded timeout which caused object to be reset.",
            "overloaded",
        );
    }

    #[test]
    fn each_kind_is_in_the_table_of_metrics() {
        let all = [D1Error::Rejected, D1Error::Transient, D1Error::Overloaded];
        let kinds = all.map(|make| make(String::new()).kind());
        assert_eq!(kinds, crate::metrics::labels::D1_ERROR.values);
    }

    #[test]
    fn a_moved_head_is_no_fault_of_the_content() {
        let cause = format!("D1_ERROR: {HEAD_MOVED}: SQLITE_CONSTRAINT (extended: 1811)");
        let error = D1Error::classify(&cause);
        assert_eq!((error.reason(), error.is_moved_head()), ("retries-exhausted", true));
        assert!(!D1Error::classify("D1_ERROR: constraint failed").is_moved_head());
    }

    /// Each cause contains exactly one of the texts.
    #[test]
    fn each_text_is_recognized_alone() {
        for cause in [
            "D1_TYPE_ERROR: Type 'bigint' not supported",
            "D1_ERROR: UNIQUE constraint failed: roles.name",
            "D1_ERROR: audit is append only: SQLITE_CONSTRAINT",
            "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
            "D1_ERROR: malformed JSON: SQLITE_ERROR",
            "D1_ERROR: datatype mismatch: SQLITE_MISMATCH",
        ] {
            check(cause, "refused-by-database");
        }
        for cause in [
            "D1 DB is overloaded.",
            "D1_ERROR: Too many requests queued.",
            "D1 DB storage operation exceeded timeout.",
            "D1 DB's isolate exceeded its memory limit and was reset.",
            "D1 DB exceeded its CPU time limit and was reset.",
        ] {
            check(cause, "overloaded");
        }
    }
}
