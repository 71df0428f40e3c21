//! The three headers of a delivery, under either of their names.

use super::Rejection;
use std::fmt;

/// The raw headers of a delivery, in Svix's names (`svix-…`) and the standard's (`webhook-…`).
#[derive(Clone, Debug, Default)]
pub struct Headers {
    svix: Family,
    webhook: Family,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    id: Option<String>,
    timestamp: Option<String>,
    signature: Option<String>,
}

impl Headers {
    /// Asks `get` for each header by its lower-case name.
    ///
    /// The values stay as they are. A header sent twice arrives from Fetch joined by `, `, and no
    /// such value is accepted, even where one half alone would be.
    #[must_use]
    pub fn read(mut get: impl FnMut(&'static str) -> Option<String>) -> Self {
        Self {
            svix: Family {
                id: get("svix-id"),
                timestamp: get("svix-timestamp"),
                signature: get("svix-signature"),
            },
            webhook: Family {
                id: get("webhook-id"),
                timestamp: get("webhook-timestamp"),
                signature: get("webhook-signature"),
            },
        }
    }

    /// The one family that was sent. A blank header counts as sent: what is signed in one family
    /// must not be read beside anything of the other.
    pub(super) fn family(&self) -> Result<&Family, Rejection> {
        match (self.svix.is_sent(), self.webhook.is_sent()) {
            (true, true) => Err(Rejection::MixedFamilies),
            (false, true) => Ok(&self.webhook),
            (true | false, false) => Ok(&self.svix),
        }
    }
}

impl Family {
    /// The raw text of a header. Spaces alone are nothing; otherwise they stay, and are judged.
    pub(super) fn text(&self, field: Field) -> Result<&str, Rejection> {
        let value = match field {
            Field::Id => &self.id,
            Field::Timestamp => &self.timestamp,
            Field::Signature => &self.signature,
        };
        let text = value.as_deref().filter(|text| !text.trim_ascii().is_empty());
        text.ok_or(Rejection::MissingHeader(field))
    }

    const fn is_sent(&self) -> bool {
        self.id.is_some() || self.timestamp.is_some() || self.signature.is_some()
    }
}

/// Which of the three headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `svix-id` or `webhook-id`.
    Id,
    /// `svix-timestamp` or `webhook-timestamp`.
    Timestamp,
    /// `svix-signature` or `webhook-signature`.
    Signature,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::Timestamp => "timestamp",
            Self::Signature => "signature",
        })
    }
}
