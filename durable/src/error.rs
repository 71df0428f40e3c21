//! Why the role cache cannot answer.

use shared::cache::RefusalReason;

/// Each error has a reason for the response and a text for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("D1 read failed: {0}")]
    D1Unavailable(String),
    #[error("every fill was superseded by a hint or another owner")]
    FillsSuperseded,
    #[error("role set is older than requested")]
    NotFreshEnough,
    #[error("no role set available: {0}")]
    Refused(RefusalReason),
    #[error("query is for another user than this object")]
    WrongObject,
    #[error("object storage failed: {0}")]
    Storage(String),
    #[error("role cache is misconfigured")]
    Misconfigured,
}

impl CacheError {
    pub(crate) fn status(&self) -> u16 {
        if matches!(self, Self::WrongObject) { 400 } else { 503 }
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::D1Unavailable(_) | Self::Refused(RefusalReason::BackingOff) => "unreachable",
            Self::FillsSuperseded | Self::NotFreshEnough => "below",
            Self::Refused(RefusalReason::VersionTooFarAhead) => "ahead",
            Self::WrongObject => "misdirected",
            Self::Storage(_) => "storage",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// The value of the label `answer` in metrics. What is refused is the caller's fault.
    pub(crate) fn answer_label(&self) -> &'static str {
        match self {
            Self::WrongObject | Self::Refused(RefusalReason::VersionTooFarAhead) => "refused",
            Self::D1Unavailable(_)
            | Self::FillsSuperseded
            | Self::NotFreshEnough
            | Self::Refused(RefusalReason::BackingOff)
            | Self::Storage(_)
            | Self::Misconfigured => "unavailable",
        }
    }

    /// The value of the label `result` in metrics, of a fill that ended with this error.
    pub(crate) fn fill_label(&self) -> &'static str {
        match self {
            Self::D1Unavailable(_) => "unavailable",
            Self::FillsSuperseded => "superseded",
            Self::NotFreshEnough
            | Self::Refused(_)
            | Self::WrongObject
            | Self::Storage(_)
            | Self::Misconfigured => "failed",
        }
    }
}

pub(crate) type CacheResult<T> = Result<T, CacheError>;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::metrics::labels::{FILL_RESULT, OBJECT_ANSWER};
    use shared::role_cache::RoleSource;

    use super::{CacheError, RefusalReason};

    fn all() -> [CacheError; 8] {
        [
            CacheError::D1Unavailable(String::new()),
            CacheError::FillsSuperseded,
            CacheError::NotFreshEnough,
            CacheError::Refused(RefusalReason::VersionTooFarAhead),
            CacheError::Refused(RefusalReason::BackingOff),
            CacheError::WrongObject,
            CacheError::Storage(String::new()),
            CacheError::Misconfigured,
        ]
    }

    #[test]
    fn each_label_is_in_the_table_and_no_other() {
        let all = all();
        let answered = [RoleSource::Object.as_str(), RoleSource::Fill.as_str()];
        let answers: BTreeSet<_> =
            all.iter().map(CacheError::answer_label).chain(answered).collect();
        assert_eq!(answers, OBJECT_ANSWER.values.iter().copied().collect());
        let fills: BTreeSet<_> = all.iter().map(CacheError::fill_label).chain(["filled"]).collect();
        assert_eq!(fills, FILL_RESULT.values.iter().copied().collect());
    }
}
