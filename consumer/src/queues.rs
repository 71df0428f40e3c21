//! Which queue a batch came from, by the settings.

use edge::random::jitter;
use shared::inbox;
use shared::queue::{QueueKind, QueueNames};
use shared::settings::consumer::ConsumerSettings;
use worker::Env;

use crate::message::QueueMessage;

/// The queue of this name. `None` if no setting names it.
pub(crate) fn queue_kind(env: &Env, name: &str) -> Option<QueueKind> {
    let settings = ConsumerSettings::from_env(&|name| edge::settings::raw(env, name));
    edge::settings::log_errors(&settings.errors);
    let ConsumerSettings { events_queue: events, dead_queue: dead, .. } = &settings;
    QueueKind::from_name(name, QueueNames { events, dead })
}

/// Retries all messages of an unknown queue. They are processed once the settings are fixed.
pub(crate) fn retry_all(name: &str, messages: &[QueueMessage]) {
    tracing::error!(
        queue = name,
        messages = messages.len(),
        "unknown queue: set EVENTS_QUEUE or DEAD_QUEUE of the consumer to its name and deploy"
    );
    for message in messages {
        message.finish(inbox::retry_later(&message.received, jitter()).action);
    }
}
