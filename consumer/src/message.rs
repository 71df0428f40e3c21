//! Messages as the platform hands them out: read one by one, settled one by one.

use js_sys::{JSON, Object, Reflect};
use shared::envelope::{Envelope, EnvelopeError};
use shared::plan::{DeadLetter, OpenedMessage};
use shared::queue::QueueKind;
use shared::retry::{QueueAction, is_last_attempt};
use shared::time::UnixMillis;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys;

/// One message as it was handed out.
pub(crate) struct ReceivedMessage {
    raw: worker_sys::Message,
    /// The queue's own id for it.
    pub(crate) id: String,
    /// How often it has been handed out by both queues, this time included.
    pub(crate) attempts: u32,
    sent_at: UnixMillis,
    body: Result<String, String>,
}

/// Why a message holds no envelope.
pub(crate) enum OpenFailure {
    /// It may open after the next deployment.
    NewerVersion(Box<DeadLetter>),
    /// It will never open.
    Malformed(Box<DeadLetter>),
}

/// Reads the messages of a batch. One that cannot be read spoils no other.
pub(crate) fn receive_batch(
    batch: &worker_sys::MessageBatch,
    queue: QueueKind,
) -> Result<Vec<ReceivedMessage>, JsValue> {
    let messages = batch.messages()?;
    let messages = messages.iter().map(JsValue::unchecked_into);
    Ok(messages.map(|message| ReceivedMessage::from_js(message, queue)).collect())
}

impl ReceivedMessage {
    fn from_js(raw: worker_sys::Message, queue: QueueKind) -> Self {
        let attempts = Reflect::get(&raw, &"attempts".into()).ok();
        let attempts = attempts.and_then(|value| value.as_f64()).map_or(1, whole);
        let attempts = queue.total_attempts(u32::try_from(attempts).unwrap_or(1));
        let sent_at = raw.timestamp().map_or(0.0, |date| date.get_time());
        let body = raw.body().unwrap_or(JsValue::UNDEFINED);
        let body = body.as_string().ok_or_else(|| as_json(&body));
        Self {
            id: raw.id().ok().and_then(|id| JsValue::from(id).as_string()).unwrap_or_default(),
            attempts,
            sent_at: UnixMillis(whole(sent_at)),
            body,
            raw,
        }
    }

    /// Opens the envelope.
    pub(crate) fn open(&self, queue: &str) -> Result<OpenedMessage, OpenFailure> {
        let text = self.body.as_ref().map_err(|json| {
            OpenFailure::Malformed(self.dead_letter(
                queue,
                json,
                "not-text",
                "the message is not text",
            ))
        })?;
        match Envelope::decode(text) {
            Ok(envelope) => Ok(OpenedMessage {
                id: self.id.clone(),
                attempts: self.attempts,
                sent_at: self.sent_at,
                text: text.clone(),
                envelope,
            }),
            Err(error @ EnvelopeError::NewerVersion(_)) => {
                let detail = format!("{error}: deploy the consumer, then replay");
                Err(OpenFailure::NewerVersion(self.dead_letter(
                    queue,
                    text,
                    "newer-envelope",
                    &detail,
                )))
            }
            Err(error @ EnvelopeError::Malformed(_)) => Err(OpenFailure::Malformed(
                self.dead_letter(queue, text, "malformed", &error.to_string()),
            )),
        }
    }

    fn dead_letter(&self, queue: &str, text: &str, reason: &str, detail: &str) -> Box<DeadLetter> {
        Box::new(DeadLetter {
            message_id: self.id.clone(),
            queue: queue.into(),
            reason: reason.into(),
            detail: detail.into(),
            attempts: self.attempts,
            first_seen_at: self.sent_at,
            text: text.into(),
            envelope: None,
        })
    }

    /// Tells the platform what becomes of the message.
    pub(crate) fn finish(&self, action: QueueAction) {
        let told = match action {
            QueueAction::Ack => self.raw.ack(),
            QueueAction::RetryAfter(seconds) => {
                let options = Object::new();
                Reflect::set(&options, &"delaySeconds".into(), &seconds.into())
                    .and_then(|_| self.raw.retry(options.into()))
            }
        };
        if told.is_err() {
            tracing::error!(message_id = self.id, "the platform took no acknowledgement");
        }
        if action != QueueAction::Ack && is_last_attempt(self.attempts) {
            let (message_id, attempts) = (&self.id, self.attempts);
            tracing::error!(message_id, attempts, outcome = "dropped", "D1 was away to the end");
        }
    }
}

/// A JavaScript number as a whole one; out of range it stands at the nearer end.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the cast saturates")]
fn whole(value: f64) -> i64 {
    value as i64
}

/// A body that is no text, as JSON for the dead letters.
fn as_json(body: &JsValue) -> String {
    // `undefined` becomes no string, and a BigInt none at all: then what the debugger would show.
    let json = JSON::stringify(body).ok().and_then(|json| JsValue::from(json).as_string());
    json.unwrap_or_else(|| format!("{body:?}"))
}
