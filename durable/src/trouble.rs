//! Why an object cannot answer.

/// Each is one word for whoever asked, and a sentence for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("D1 cannot be read: {0}")]
    Unreachable(String),
    #[error("the set does not reach the version or the age that was asked for")]
    Below,
    #[error("the question names another user than the object")]
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
            Self::Unreachable(_) => "unreachable",
            Self::Below => "below",
            Self::Misdirected => "misdirected",
            Self::Storage(_) => "storage",
            Self::Misconfigured => "misconfigured",
        }
    }
}

pub(crate) type Outcome<T> = Result<T, Trouble>;
