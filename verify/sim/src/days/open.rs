//! Messages as a consumer opens them, as `consumer/src/message.rs`.

use shared::envelope::{Envelope, EnvelopeError};
use shared::plan::{DeadLetter, OpenedMessage};
use shared::queue::QueueKind;
use shared::time::UnixMillis;

use super::door::NEWER;
use super::queue::Copy;
use super::world::World;

impl World<'_> {
    /// `Handout::open`; an error says whether a newer build wrote it.
    pub(super) fn open(
        &mut self,
        copy: &Copy,
        queue: &str,
    ) -> Result<OpenedMessage, (bool, Box<DeadLetter>)> {
        let newer = self.consumers_are_new && copy.text.starts_with(NEWER);
        let read = if newer { copy.text.replacen(NEWER, r#"{"v":1,"#, 1) } else { String::new() };
        let from = if copy.dead { QueueKind::DeadLetters } else { QueueKind::Events };
        let (id, attempts) = (copy.message.clone(), from.total_attempts(copy.attempts));
        let (text, sent_at) = (copy.text.to_string(), UnixMillis(copy.sent_at));
        let unopened = |reason: &str, detail: String, text: String| {
            Box::new(DeadLetter {
                message_id: copy.message.clone(),
                queue: queue.into(),
                reason: reason.into(),
                detail,
                attempts,
                first_seen_at: sent_at,
                text,
                envelope: None,
            })
        };
        match Envelope::decode(if newer { &read } else { &copy.text }) {
            Ok(envelope) => Ok(OpenedMessage { id, attempts, sent_at, text, envelope }),
            Err(error @ EnvelopeError::NewerVersion(_)) => {
                Err((true, unopened("newer-envelope", error.to_string(), text)))
            }
            Err(error @ EnvelopeError::Malformed(_)) => {
                Err((false, unopened("malformed", error.to_string(), text)))
            }
        }
    }
}
