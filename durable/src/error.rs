//! Why an object cannot answer.

use shared::cache::RefusalReason;

/// Each is one word for whoever asked, and a sentence for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("D1 cannot be read: {0}")]
    D1Unavailable(String),
    #[error("each fill was overtaken by a hint or by another incarnation")]
    FillsSuperseded,
    #[error("the set does not reach the version or the age that was asked for")]
    NotFreshEnough,
    #[error("no set can be served now: {0:?}")]
    Refused(RefusalReason),
    #[error("the question names another user than the object's id")]
    WrongObject,
    #[error("the object's own storage failed: {0}")]
    Storage(String),
    #[error("the object is misconfigured")]
    Misconfigured,
}

impl CacheError {
    pub(crate) fn status(&self) -> u16 {
        if matches!(self, Self::WrongObject) { 400 } else { 503 }
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::D1Unavailable(_) | Self::Refused(RefusalReason::Waiting) => "unreachable",
            Self::FillsSuperseded | Self::NotFreshEnough => "below",
            Self::Refused(RefusalReason::Ahead) => "ahead",
            Self::WrongObject => "misdirected",
            Self::Storage(_) => "storage",
            Self::Misconfigured => "misconfigured",
        }
    }
}

pub(crate) type CacheResult<T> = Result<T, CacheError>;
