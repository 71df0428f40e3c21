//! Encodes an envelope within the limit of a queue message, and decodes it.

use super::{Envelope, EnvelopeError, wire};
use crate::event::{Payload, UnreadablePayload, UnreadableReason};
use crate::limits::{ENVELOPE_BYTES_MAX, REPLAY_TAG_BYTES_MAX};
use crate::operators::letter::ReplayTag;

/// Characters of a type that an oversized event keeps. Clerk's longest type has 33.
const TYPE_CHARS_MAX: usize = 100;

impl Envelope {
    /// The bytes for the queue, at most [`ENVELOPE_BYTES_MAX`] and the tag of a replay.
    ///
    /// An oversized event is replaced by an unreadable payload, so that it is parked and not lost.
    #[must_use]
    pub fn encode(&self) -> String {
        let text = wire::encode(self);
        if text.len() <= ENVELOPE_BYTES_MAX + self.tag_bytes() {
            return text;
        }
        let object_id = match &self.payload {
            Payload::Event(event) => event.changes.first().map(|change| change.id.to_string()),
            Payload::Ignored | Payload::Unreadable(_) => None,
        };
        let detail =
            format!("{} bytes, the limit of an envelope is {ENVELOPE_BYTES_MAX}", text.len());
        let unreadable = UnreadablePayload { object_id, reason: UnreadableReason::Size, detail };
        let event_type = self.event_type.chars().take(TYPE_CHARS_MAX).collect();
        wire::encode(&Self { payload: Payload::Unreadable(unreadable), event_type, ..self.clone() })
    }

    /// What the tag adds to the bytes: at most [`REPLAY_TAG_BYTES_MAX`].
    fn tag_bytes(&self) -> usize {
        self.replay.as_ref().map_or(0, |_| REPLAY_TAG_BYTES_MAX)
    }

    /// The tag of a queue message, if it has one, also where this build cannot decode the rest.
    #[must_use]
    pub fn replay_tag(text: &str) -> Option<ReplayTag> {
        wire::replay_tag(text)
    }

    /// Decodes a queue message.
    ///
    /// # Errors
    /// [`EnvelopeError::NewerVersion`] for a newer wire version or projection than this build's,
    /// [`EnvelopeError::Malformed`] for anything that no build wrote.
    pub fn decode(text: &str) -> Result<Self, EnvelopeError> {
        wire::decode(text)
    }
}
