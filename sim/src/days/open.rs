//! Messages as a consumer opens them, as `consumer/src/handout.rs` and `letter` of
//! `consumer/src/park.rs`.

use shared::envelope::{Envelope, OpenError};
use shared::limits::ATTEMPTS_MAX;
use shared::plan::{DeadLetter, Message};
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
    ) -> Result<Message, (bool, Box<DeadLetter>)> {
        let newer = self.consumers_are_new && copy.text.starts_with(NEWER);
        let read = if newer { copy.text.replacen(NEWER, r#"{"v":1,"#, 1) } else { String::new() };
        let (id, attempts) = (copy.message.clone(), copy.attempts);
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
        match Envelope::open(if newer { &read } else { &copy.text }) {
            Ok(envelope) => Ok(Message { id, attempts, sent_at, text, envelope }),
            Err(error @ OpenError::Newer(_)) => {
                Err((true, unopened("newer-envelope", error.to_string(), text)))
            }
            Err(error @ OpenError::Malformed(_)) => {
                Err((false, unopened("malformed", error.to_string(), text)))
            }
        }
    }

    pub(super) fn letter(&mut self, copy: &Copy, queue: &str) -> DeadLetter {
        let detail = "every attempt failed and the message could not be parked: was D1 down?";
        match self.open(copy, queue) {
            Ok(message) => {
                let letter = message.park(queue, "retries-exhausted", detail);
                DeadLetter { attempts: ATTEMPTS_MAX, ..letter }
            }
            Err((_, letter)) => *letter,
        }
    }
}
