//! The queue producer. All access to the queue is in this file.

use shared::admission::IngestError;
use shared::envelope::Envelope;
use worker::{Env, MessageBuilder, QueueContentType};

/// Enqueues an envelope and waits until the queue has stored it: a 2xx response promises that.
///
/// The envelope is sent as a string: the JSON content type would turn maps into `{}`.
pub(crate) async fn send(env: &Env, envelope: &Envelope) -> Result<(), IngestError> {
    let failed = |error: worker::Error| IngestError::QueueUnavailable(error.to_string());
    let queue = env.queue("EVENTS").map_err(failed)?;
    let message =
        MessageBuilder::new(envelope.encode()).content_type(QueueContentType::Text).build();
    queue.send(message).await.map_err(failed)
}
