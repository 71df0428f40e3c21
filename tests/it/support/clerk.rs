//! Deliveries as Clerk sends them: a JSON body, signed by Svix's own library, taken through the
//! door and the queue.

use serde_json::Value;
use shared::envelope::Envelope;
use shared::event;
use shared::id::MessageId;
use shared::plan::Message;
use shared::signature::{Headers, Secrets, verify};
use shared::time::UnixMillis;
use svix::webhooks::Webhook;

pub(crate) use testkit::payload::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Signs a body under this `svix-id`, verifies it, reads it, and sends it through the queue.
#[track_caller]
pub(crate) fn deliver(id: &str, body: &Value, attempted_at: i64) -> Message {
    deliver_text(id, &body.to_string(), attempted_at)
}

/// The same for a body as it is spelled.
#[track_caller]
pub(crate) fn deliver_text(id: &str, body: &str, attempted_at: i64) -> Message {
    let bytes = body.as_bytes();
    let seconds = attempted_at / 1000;
    let signature = Webhook::new(SECRET).unwrap().sign(id, seconds, bytes).unwrap();
    let headers = Headers::read(|name| match name {
        "svix-id" => Some(id.into()),
        "svix-timestamp" => Some(seconds.to_string()),
        "svix-signature" => Some(signature.clone()),
        _ => None,
    });
    let (secrets, now) = (Secrets::parse(SECRET).unwrap(), UnixMillis(attempted_at));
    let verified = verify(&headers, bytes, &secrets, now).unwrap();
    let (id, attempted_at) = (verified.id().clone(), verified.attempted_at());
    message(&Envelope::new(id, attempted_at, now, event::parse(&verified)))
}

/// An envelope as the consumer gets it from the queue.
fn message(envelope: &Envelope) -> Message {
    let text = envelope.seal();
    let envelope = Envelope::open(&text).unwrap();
    let id = format!("queue-{}", envelope.svix_id);
    let sent_at = envelope.received_at;
    Message { id, attempts: 1, sent_at, text, envelope }
}

/// The same delivery, handed out once more by Svix: another message of the queue.
pub(crate) fn again(message: &Message, copy: usize) -> Message {
    Message { id: format!("{}-{copy}", message.id), ..message.clone() }
}

/// Another delivery that says the same.
pub(crate) fn under(message: &Message, svix_id: &str) -> Message {
    let mut envelope = message.envelope.clone();
    envelope.svix_id = MessageId::parse(svix_id).unwrap();
    self::message(&envelope)
}
