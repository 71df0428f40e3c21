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
}

pub(crate) type CacheResult<T> = Result<T, CacheError>;
