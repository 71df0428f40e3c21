//! The first step of the consumer: opens the messages of a batch, and decides what becomes of those
//! that it cannot open.

use crate::batch::{BatchPart, MessageDecision};
use crate::d1_error::D1Error;
use crate::envelope::{Envelope, EnvelopeError};
use crate::plan::{DeadLetter, OpenedMessage};
use crate::retry::{QueueAction, is_last_attempt, retry_after};
use crate::time::UnixMillis;

/// A queue message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The queue's own id for it.
    pub id: String,
    /// Delivery attempts in both queues, this one included.
    pub attempts: u32,
    /// When it was sent to the queue.
    pub sent_at: UnixMillis,
    /// Its text. `Err`: the body is not a string, and this is its JSON.
    pub body: Result<String, String>,
}

/// Why a message cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a string, so no build of ingest wrote it.
    #[error("message body is not a string")]
    NotText,
    /// A newer build wrote it: the next deployment of the consumer can open it.
    #[error("{0}: deploy the consumer")]
    NewerVersion(EnvelopeError),
    /// It is not an envelope, and never will be.
    #[error("{0}")]
    Malformed(EnvelopeError),
}

impl OpenError {
    /// The reason for the column `dead_letters.reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotText => "not-text",
            Self::NewerVersion(_) => "newer-envelope",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl ReceivedMessage {
    /// Opens the envelope.
    ///
    /// # Errors
    /// When the message holds no envelope that this build can read.
    pub fn open(&self) -> Result<OpenedMessage, OpenError> {
        let text = self.body.as_ref().map_err(|_| OpenError::NotText)?;
        let envelope = Envelope::decode(text).map_err(|error| match error {
            EnvelopeError::NewerVersion(_) => OpenError::NewerVersion(error),
            EnvelopeError::Malformed(_) => OpenError::Malformed(error),
        })?;
        let (id, text) = (self.id.clone(), text.clone());
        Ok(OpenedMessage { id, attempts: self.attempts, sent_at: self.sent_at, text, envelope })
    }

    fn to_dead_letter(&self, queue: &str, error: &OpenError) -> DeadLetter {
        let (Ok(text) | Err(text)) = &self.body;
        DeadLetter {
            message_id: self.id.clone(),
            queue: queue.into(),
            reason: error.reason().into(),
            detail: error.to_string(),
            attempts: self.attempts,
            first_seen_at: self.sent_at,
            text: text.clone(),
            envelope: None,
            replay: self.body.as_ref().ok().and_then(|text| Envelope::replay_tag(text)),
        }
    }
}

/// Opens each message of a batch by itself. Returns the part to commit, and the decisions already
/// made: a message of a newer build is retried until its last attempt. All others that cannot be
/// opened are parked. `jitter` returns a random number.
#[must_use]
pub fn open_messages(
    queue: &str,
    messages: &[ReceivedMessage],
    mut jitter: impl FnMut() -> u32,
) -> (BatchPart, Vec<MessageDecision>) {
    let mut part = BatchPart { queue: queue.into(), ..BatchPart::default() };
    let mut decisions = Vec::new();
    for message in messages {
        match message.open() {
            Ok(opened) => part.messages.push(opened),
            Err(OpenError::NewerVersion(_)) if !is_last_attempt(message.attempts) => {
                decisions.push(retry_later(message, jitter()));
            }
            Err(error) => part.dead_letters.push(message.to_dead_letter(queue, &error)),
        }
    }
    (part, decisions)
}

/// What Queues is told about a message after its batch. One without a decision is retried, because
/// Queues treats a message that is neither acknowledged nor retried as acknowledged.
pub fn action_for(
    message: &ReceivedMessage,
    decisions: &[MessageDecision],
    jitter: impl FnOnce() -> u32,
) -> QueueAction {
    let decision = decisions.iter().find(|it| it.message_id == message.id);
    decision.map_or_else(|| retry_later(message, jitter()).action, |it| it.action)
}

/// Retries a message that was neither applied nor parked, such as one of a queue that the settings
/// do not name.
#[must_use]
pub fn retry_later(message: &ReceivedMessage, jitter: u32) -> MessageDecision {
    // Not an error of D1, but it has the same delays.
    let error = D1Error::Transient(String::new());
    let action = retry_after(&error, message.attempts, jitter);
    MessageDecision { message_id: message.id.clone(), action }
}

#[cfg(test)]
mod tests {
    use super::{OpenError, ReceivedMessage, action_for, open_messages};
    use crate::batch::MessageDecision;
    use crate::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX};
    use crate::operators::letter::ReplayTag;
    use crate::retry::QueueAction;
    use crate::time::UnixMillis;

    const LAST: u32 = ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX;
    const NEWER: &str = r#"{"v":2}"#;
    const GOOD: &str = concat!(
        r#"{"v":1,"svix_id":"msg_1","attempted_at":8,"received_at":9,"event_at":7,"#,
        r#""body":"ba7816bf8f01cfea414140de5dae2223","type":"x.y","letter":"ignored"}"#
    );

    fn message(id: &str, attempts: u32, body: Result<&str, &str>) -> ReceivedMessage {
        let body = body.map(str::to_owned).map_err(str::to_owned);
        ReceivedMessage { id: id.into(), attempts, sent_at: UnixMillis(5), body }
    }

    #[track_caller]
    fn check_parked(attempts: u32, body: Result<&str, &str>, reason: &str, detail: &str) {
        let (part, decisions) = open_messages("q", &[message("m", attempts, body)], || 0);
        assert_eq!((part.messages.len(), decisions), (0, vec![]));
        let [letter] = &part.dead_letters[..] else { panic!("{part:?}") };
        assert_eq!((letter.reason.as_str(), letter.detail.as_str()), (reason, detail));
        assert_eq!((letter.message_id.as_str(), letter.queue.as_str()), ("m", "q"));
        assert_eq!((letter.attempts, letter.first_seen_at), (attempts, UnixMillis(5)));
        assert_eq!(letter.text, body.unwrap_or_else(|json| json));
    }

    #[test]
    fn a_message_that_no_build_can_open_is_parked() {
        check_parked(1, Err("[1]"), "not-text", "message body is not a string");
        let Err(OpenError::Malformed(error)) = message("m", 1, Ok("{}")).open() else { panic!() };
        check_parked(1, Ok("{}"), "malformed", &error.to_string());
    }

    #[test]
    fn a_message_of_a_newer_build_is_retried_until_its_last_attempt() {
        for attempts in [1, ATTEMPTS_MAX, LAST - 1] {
            let (part, decisions) = open_messages("q", &[message("m", attempts, Ok(NEWER))], || 0);
            assert!(part.is_empty(), "{part:?}");
            let [decision] = &decisions[..] else { panic!("{decisions:?}") };
            assert_eq!(decision.message_id, "m");
            assert_ne!(decision.action, QueueAction::Ack);
        }
        let Err(error) = message("m", 1, Ok(NEWER)).open() else { panic!() };
        assert!(error.to_string().ends_with(": deploy the consumer"), "{error}");
        check_parked(LAST, Ok(NEWER), "newer-envelope", &error.to_string());
    }

    #[test]
    fn a_tagged_message_is_parked_on_its_own_letter() {
        let tag = ReplayTag { letter: "m9".into(), replay: "r1".into(), generation: 3 };
        let member = r#","replay":{"letter":"m9","replay":"r1","generation":3}}"#;
        let tagged = |text: &str| format!("{}{member}", text.strip_suffix('}').unwrap());
        let open = |attempts, text: &str| {
            open_messages("q", &[message("m", attempts, Ok(&tagged(text)))], || 0)
        };
        for (attempts, text) in [(1, r#"{"x":1}"#), (LAST, NEWER)] {
            let (part, _) = open(attempts, text);
            let [letter] = &part.dead_letters[..] else { panic!("{part:?}") };
            assert_eq!((&letter.replay, letter.message_id.as_str()), (&Some(tag.clone()), "m"));
        }
        let (part, decisions) = open(1, NEWER);
        assert!(part.is_empty() && decisions[0].action != QueueAction::Ack, "it waits");
        let (part, _) = open(1, GOOD);
        let letter = part.messages[0].to_dead_letter("q", "overloaded", "");
        assert_eq!(letter.replay, Some(tag));
        let (part, _) = open_messages("q", &[message("m", 1, Err("[1]"))], || 0);
        assert_eq!(part.dead_letters[0].replay, None);
    }

    #[test]
    fn a_message_that_cannot_be_opened_does_not_affect_the_others() {
        let messages =
            [message("m0", 1, Ok("{}")), message("m1", 1, Ok(GOOD)), message("m2", 1, Ok(NEWER))];
        let (part, decisions) = open_messages("q", &messages, || 0);
        assert_eq!((part.len(), decisions.len()), (2, 1));
        assert_eq!((part.messages[0].id.as_str(), part.messages[0].text.as_str()), ("m1", GOOD));
    }

    #[test]
    fn each_retried_message_draws_its_own_jitter() {
        let messages = ["m0", "m1"].map(|id| message(id, 4, Ok(NEWER)));
        let mut draws = 0..;
        let (_, decisions) = open_messages("q", &messages, || draws.next().unwrap());
        let actions: Vec<_> = decisions.iter().map(|it| it.action).collect();
        assert_eq!(actions, [QueueAction::RetryAfter(8), QueueAction::RetryAfter(9)]);
    }

    #[test]
    fn a_message_without_a_decision_is_retried() {
        let [one, other] = ["m0", "m1"].map(|id| message(id, 1, Ok(GOOD)));
        let decisions = [MessageDecision { message_id: "m0".into(), action: QueueAction::Ack }];
        assert_eq!(action_for(&one, &decisions, || 0), QueueAction::Ack);
        assert_eq!(action_for(&other, &decisions, || 0), QueueAction::RetryAfter(1));
    }
}
