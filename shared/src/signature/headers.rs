//! The three headers of a delivery, with either of their names.

use super::error::SignatureError;
use super::header_name::SvixHeaderName;
use crate::id;

/// The raw headers of a delivery, named by Svix (`svix-…`) and by the standard (`webhook-…`).
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
    /// Takes the headers from `get`, by lower-case name.
    ///
    /// The values are kept as they are. Fetch joins a header that was sent twice with `, `; such a
    /// value is never accepted, even if one half is valid.
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

    /// The `svix-id` as a trace id, before any signature is checked: see
    /// [`id::unverified_trace_id`].
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        id::unverified_trace_id(self.sent_set().ok()?.id.as_deref()?)
    }

    /// The one set that was sent. A blank header counts as sent: the values of one header set must
    /// never be mixed with the other.
    pub(super) fn sent_set(&self) -> Result<&HeaderSet, SignatureError> {
        match (self.svix.is_sent(), self.webhook.is_sent()) {
            (true, true) => Err(SignatureError::MixedHeaderSets),
            (false, true) => Ok(&self.webhook),
            (true | false, false) => Ok(&self.svix),
        }
    }
}

impl HeaderSet {
    /// The raw value of a header. A blank header counts as missing; other whitespace is kept.
    pub(super) fn value(&self, name: SvixHeaderName) -> Result<&str, SignatureError> {
        let value = match name {
            SvixHeaderName::Id => &self.id,
            SvixHeaderName::Timestamp => &self.timestamp,
            SvixHeaderName::Signature => &self.signature,
        };
        let text = value.as_deref().filter(|text| !text.trim_ascii().is_empty());
        text.ok_or(SignatureError::MissingHeader(name))
    }

    const fn is_sent(&self) -> bool {
        self.id.is_some() || self.timestamp.is_some() || self.signature.is_some()
    }
}
