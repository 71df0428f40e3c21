//! The sending end of the queue, by its binding. Only this file names it.

use shared::envelope::Envelope;
use worker::{Env, MessageBuilder, QueueContentType};

use crate::admission::IngestError;

/// Enqueues an envelope, and waits until the queue has it: an answer of 2xx says that it does.
///
/// As text that is serialised here: the platform's own JSON path turns maps into `{}`.
pub(crate) async fn send(env: &Env, envelope: &Envelope) -> Result<(), IngestError> {
    let refused = |error: worker::Error| IngestError::QueueUnavailable(error.to_string());
    let queue = env.queue("EVENTS").map_err(refused)?;
    let message =
        MessageBuilder::new(envelope.encode()).content_type(QueueContentType::Text).build();
    queue.send(message).await.map_err(refused)
}
