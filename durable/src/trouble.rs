//! Why an object cannot answer.

use shared::cache::Why;

/// Each is one word for whoever asked, and a sentence for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("D1 cannot be read: {0}")]
    Unreachable(String),
    #[error("each fill was overtaken by a hint or by another incarnation")]
    Overtaken,
    #[error("the set does not reach the version or the age that was asked for")]
    Below,
    #[error("no set can be served now: {0:?}")]
    Refused(Why),
    #[error("the question names another user than the object's id")]
    Misdirected,
    #[error("the object's own storage failed: {0}")]
    Storage(String),
    #[error("the object is misconfigured")]
    Misconfigured,
}

impl Trouble {
    pub(crate) fn status(&self) -> u16 {
        if matches!(self, Self::Misdirected) { 400 } else { 503 }
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Refused(Why::Waiting) => "unreachable",
            Self::Overtaken | Self::Below => "below",
            Self::Refused(Why::Ahead) => "ahead",
            Self::Misdirected => "misdirected",
            Self::Storage(_) => "storage",
            Self::Misconfigured => "misconfigured",
        }
    }
}

pub(crate) type Outcome<T> = Result<T, Trouble>;
