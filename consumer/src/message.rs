//! Queue messages: reading and acknowledging them. What becomes of each is decided in
//! `shared::inbox` and `shared::batch`.

use js_sys::{JSON, Object, Reflect};
use shared::envelope::Envelope;
use shared::inbox::ReceivedMessage;
use shared::queue::{self, QueueKind};
use shared::retry::{QueueAction, is_dropped};
use shared::time::UnixMillis;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys;

use crate::count;

/// A message, and how to acknowledge it.
pub(crate) struct QueueMessage {
    raw: worker_sys::Message,
    queue: Option<QueueKind>,
    pub(crate) received: ReceivedMessage,
}

/// Reads the messages of a batch. A malformed one does not affect the others.
pub(crate) fn receive_batch(
    batch: &worker_sys::MessageBatch,
    queue: Option<QueueKind>,
) -> Result<Vec<QueueMessage>, JsValue> {
    let messages = batch.messages()?;
    let messages = messages.iter().map(JsValue::unchecked_into);
    Ok(messages.map(|message| QueueMessage::from_js(message, queue)).collect())
}

impl QueueMessage {
    fn from_js(raw: worker_sys::Message, queue: Option<QueueKind>) -> Self {
        let counted = Reflect::get(&raw, &"attempts".into()).ok();
        let counted = counted.and_then(|value| value.as_f64()).map_or(1, to_integer);
        let sent_at = raw.timestamp().map_or(0.0, |date| date.get_time());
        let body = raw.body().unwrap_or(JsValue::UNDEFINED);
        let received = ReceivedMessage {
            id: raw.id().ok().and_then(|id| JsValue::from(id).as_string()).unwrap_or_default(),
            attempts: queue::total_attempts(queue, u32::try_from(counted).unwrap_or(1)),
            sent_at: UnixMillis(to_integer(sent_at)),
            body: body.as_string().ok_or_else(|| to_json(&body)),
        };
        Self { raw, queue, received }
    }

    /// Acknowledges or retries the message.
    pub(crate) fn finish(&self, action: QueueAction) {
        let result = match action {
            QueueAction::Ack => self.raw.ack(),
            QueueAction::RetryAfter(seconds) => {
                let options = Object::new();
                Reflect::set(&options, &"delaySeconds".into(), &seconds.into())
                    .and_then(|_| self.raw.retry(options.into()))
            }
        };
        let ReceivedMessage { id: message_id, attempts, .. } = &self.received;
        match result {
            Ok(()) => count::action(self.queue, action, *attempts),
            Err(_) => {
                tracing::warn!(message_id, "acknowledging or retrying the message failed");
            }
        }
        if is_dropped(action, *attempts) {
            let outcome = "dropped";
            let envelope = self.received.body.as_deref().ok().map(Envelope::decode);
            let trace_id = envelope.and_then(Result::ok).map(|it| it.svix_id.to_string());
            tracing::error!(
                trace_id,
                message_id,
                attempts,
                outcome,
                "message dropped after its last attempt"
            );
        }
    }
}

/// A JavaScript number as an integer, saturating.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the cast saturates")]
fn to_integer(value: f64) -> i64 {
    value as i64
}

/// A body that is not a string, as JSON for the dead letters.
fn to_json(body: &JsValue) -> String {
    // `JSON.stringify` gives no string for `undefined` and fails for a BigInt: use the debug form.
    let json = JSON::stringify(body).ok().and_then(|json| JsValue::from(json).as_string());
    json.unwrap_or_else(|| format!("{body:?}"))
}
