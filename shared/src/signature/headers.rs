//! The three headers of a delivery, under either of their names.

use super::SignatureError;
use std::fmt;

/// The raw headers of a delivery, in Svix's names (`svix-…`) and the standard's (`webhook-…`).
#[derive(Clone, Debug, Default)]
pub struct SvixHeaders {
    svix: HeaderSet,
    webhook: HeaderSet,
}

#[derive(Clone, Debug, Default)]
pub(super) struct HeaderSet {
    id: Option<String>,
    timestamp: Option<String>,
    signature: Option<String>,
}

impl SvixHeaders {
    /// Asks `get` for each header by its lower-case name.
    ///
    /// The values stay as they are. A header sent twice arrives from Fetch joined by `, `, and no
    /// such value is accepted, even where one half alone would be.
    #[must_use]
    pub fn from_fn(mut get: impl FnMut(&'static str) -> Option<String>) -> Self {
        Self {
            svix: HeaderSet {
                id: get("svix-id"),
                timestamp: get("svix-timestamp"),
                signature: get("svix-signature"),
            },
            webhook: HeaderSet {
                id: get("webhook-id"),
                timestamp: get("webhook-timestamp"),
                signature: get("webhook-signature"),
            },
        }
    }

    /// The one family that was sent. A blank header counts as sent: what is signed in one family
    /// must not be read beside anything of the other.
    pub(super) fn family(&self) -> Result<&HeaderSet, SignatureError> {
        match (self.svix.is_sent(), self.webhook.is_sent()) {
            (true, true) => Err(SignatureError::MixedHeaderSets),
            (false, true) => Ok(&self.webhook),
            (true | false, false) => Ok(&self.svix),
        }
    }
}

impl HeaderSet {
    /// The raw text of a header. Spaces alone are nothing; otherwise they stay, and are judged.
    pub(super) fn text(&self, field: SvixHeaderName) -> Result<&str, SignatureError> {
        let value = match field {
            SvixHeaderName::Id => &self.id,
            SvixHeaderName::Timestamp => &self.timestamp,
            SvixHeaderName::Signature => &self.signature,
        };
        let text = value.as_deref().filter(|text| !text.trim_ascii().is_empty());
        text.ok_or(SignatureError::MissingHeader(field))
    }

    const fn is_sent(&self) -> bool {
        self.id.is_some() || self.timestamp.is_some() || self.signature.is_some()
    }
}

/// Which of the three headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SvixHeaderName {
    /// `svix-id` or `webhook-id`.
    Id,
    /// `svix-timestamp` or `webhook-timestamp`.
    Timestamp,
    /// `svix-signature` or `webhook-signature`.
    Signature,
}

impl fmt::Display for SvixHeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::Timestamp => "timestamp",
            Self::Signature => "signature",
        })
    }
}
