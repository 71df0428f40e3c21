//! Deliveries as Clerk sends them: a JSON body, signed by Svix's own library, then verified, parsed
//! and passed through the queue.

use serde_json::Value;
use shared::envelope::Envelope;
use shared::event;
use shared::id::SvixId;
use shared::plan::OpenedMessage;
use shared::signature::{SvixHeaders, WebhookSecrets, verify};
use shared::time::UnixMillis;
use svix::webhooks::Webhook;

pub(crate) use testkit::payload::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Signs a body with this `svix-id`, verifies it, parses it, and passes it through the queue.
#[track_caller]
pub(crate) fn deliver(id: &str, body: &Value, attempted_at: i64) -> OpenedMessage {
    deliver_text(id, &body.to_string(), attempted_at)
}

/// The same for the exact text of a body.
#[track_caller]
pub(crate) fn deliver_text(id: &str, body: &str, attempted_at: i64) -> OpenedMessage {
    let bytes = body.as_bytes();
    let seconds = attempted_at / 1000;
    let signature = Webhook::new(SECRET).unwrap().sign(id, seconds, bytes).unwrap();
    let headers = SvixHeaders::from_fn(|name| match name {
        "svix-id" => Some(id.into()),
        "svix-timestamp" => Some(seconds.to_string()),
        "svix-signature" => Some(signature.clone()),
        _ => None,
    });
    let (secrets, now) = (WebhookSecrets::parse(SECRET).unwrap(), UnixMillis(attempted_at));
    let verified = verify(&headers, bytes, &secrets, now).unwrap();
    let (id, attempted_at) = (verified.id().clone(), verified.attempted_at());
    message(&Envelope::new(id, attempted_at, now, event::parse(&verified)))
}

/// An envelope as the consumer gets it from the queue.
fn message(envelope: &Envelope) -> OpenedMessage {
    let text = envelope.encode();
    let envelope = Envelope::decode(&text).unwrap();
    let id = format!("queue-{}", envelope.svix_id);
    let sent_at = envelope.received_at;
    OpenedMessage { id, attempts: 1, sent_at, text, envelope }
}

/// The same delivery, sent again by Svix: another message in the queue.
pub(crate) fn redelivered(message: &OpenedMessage, copy: usize) -> OpenedMessage {
    OpenedMessage { id: format!("{}-{copy}", message.id), ..message.clone() }
}

/// Another delivery with the same content.
pub(crate) fn with_svix_id(message: &OpenedMessage, svix_id: &str) -> OpenedMessage {
    let mut envelope = message.envelope.clone();
    envelope.svix_id = SvixId::parse(svix_id).unwrap();
    self::message(&envelope)
}
