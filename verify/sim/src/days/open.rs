//! The batch of a consumer, opened by `shared::inbox` as `consumer/src/process_batch.rs` does it.

use shared::batch::{BatchPart, MessageDecision};
use shared::inbox::{self, ReceivedMessage};
use shared::queue::QueueKind;
use shared::time::UnixMillis;

use super::door::NEWER;
use super::state::Copy;
use super::world::World;

impl World<'_> {
    /// Opens the messages of a batch.
    pub(super) fn open(
        &mut self,
        queue: &str,
        copies: &[Copy],
    ) -> (BatchPart, Vec<MessageDecision>) {
        let received: Vec<_> = copies.iter().map(|copy| self.received(copy)).collect();
        let (mut part, decisions) = inbox::open_messages(queue, &received, || self.jitter());
        // The text of a newer ingest is stored as it came, not as the newer consumer reads it.
        let text_of = |id: &str| copies.iter().find(|copy| copy.message == id);
        for message in &mut part.messages {
            if let Some(copy) = text_of(&message.id) {
                message.text = copy.text.to_string();
            }
        }
        (part, decisions)
    }

    /// A message as the consumer receives it. Newer consumers can read what a newer ingest wrote.
    pub(super) fn received(&self, copy: &Copy) -> ReceivedMessage {
        let queue = if copy.dead { QueueKind::DeadLetterQueue } else { QueueKind::Events };
        let is_readable = self.consumers_are_new && copy.text.starts_with(NEWER);
        let text = if is_readable {
            copy.text.replacen(NEWER, r#"{"v":1,"#, 1)
        } else {
            copy.text.to_string()
        };
        ReceivedMessage {
            id: copy.message.clone(),
            attempts: queue.total_attempts(copy.attempts),
            sent_at: UnixMillis(copy.sent_at),
            body: Ok(text),
        }
    }
}
