//! Messages as the platform hands them out: read one by one, settled one by one.

use js_sys::{JSON, Object, Reflect};
use shared::envelope::{Envelope, OpenError};
use shared::fault::{Disposition, is_last};
use shared::plan::{DeadLetter, Message};
use shared::queue::Queue;
use shared::time::UnixMillis;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys;

/// One message as it was handed out.
pub(crate) struct Handout {
    raw: worker_sys::Message,
    /// The queue's own id for it.
    pub(crate) id: String,
    /// How often it has been handed out by both queues, this time included.
    pub(crate) attempts: u32,
    sent_at: UnixMillis,
    body: Result<String, String>,
}

/// Why a message holds no envelope.
pub(crate) enum Unopened {
    /// It may open after the next deployment.
    Newer(Box<DeadLetter>),
    /// It will never open.
    Never(Box<DeadLetter>),
}

/// Reads the messages of a batch. One that cannot be read spoils no other.
pub(crate) fn read(
    batch: &worker_sys::MessageBatch,
    queue: Queue,
) -> Result<Vec<Handout>, JsValue> {
    let messages = batch.messages()?;
    let messages = messages.iter().map(JsValue::unchecked_into);
    Ok(messages.map(|message| Handout::read(message, queue)).collect())
}

impl Handout {
    fn read(raw: worker_sys::Message, queue: Queue) -> Self {
        let attempts = Reflect::get(&raw, &"attempts".into()).ok();
        let attempts = attempts.and_then(|value| value.as_f64()).map_or(1, whole);
        let attempts = queue.attempts(u32::try_from(attempts).unwrap_or(1));
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
    pub(crate) fn open(&self, queue: &str) -> Result<Message, Unopened> {
        let text = self.body.as_ref().map_err(|json| {
            Unopened::Never(self.unopened(queue, json, "not-text", "the message is not text"))
        })?;
        match Envelope::open(text) {
            Ok(envelope) => Ok(Message {
                id: self.id.clone(),
                attempts: self.attempts,
                sent_at: self.sent_at,
                text: text.clone(),
                envelope,
            }),
            Err(error @ OpenError::Newer(_)) => {
                let detail = format!("{error}: deploy the consumer, then replay");
                Err(Unopened::Newer(self.unopened(queue, text, "newer-envelope", &detail)))
            }
            Err(error @ OpenError::Malformed(_)) => {
                Err(Unopened::Never(self.unopened(queue, text, "malformed", &error.to_string())))
            }
        }
    }

    fn unopened(&self, queue: &str, text: &str, reason: &str, detail: &str) -> Box<DeadLetter> {
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
    pub(crate) fn settle(&self, disposition: Disposition) {
        let told = match disposition {
            Disposition::Ack => self.raw.ack(),
            Disposition::RetryAfter(seconds) => {
                let options = Object::new();
                Reflect::set(&options, &"delaySeconds".into(), &seconds.into())
                    .and_then(|_| self.raw.retry(options.into()))
            }
        };
        if told.is_err() {
            tracing::error!(message_id = self.id, "the platform took no acknowledgement");
        }
        if disposition != Disposition::Ack && is_last(self.attempts) {
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
