//! Which queue a batch came from, by the configuration.

use edge::random::jitter;
use shared::d1_error::D1Error;
use shared::queue::{QueueKind, QueueNames};
use shared::retry::retry_after;
use shared::settings::consumer::ConsumerSettings;
use worker::Env;

use crate::message::ReceivedMessage;

/// The queue of this name; none, when no variable names it.
pub(crate) fn queue_kind(env: &Env, name: &str) -> Option<QueueKind> {
    let settings = ConsumerSettings::from_env(&|name| edge::settings::raw(env, name));
    edge::settings::log_errors(&settings.mistakes);
    let ConsumerSettings { events_queue: events, dead_queue: dead, .. } = &settings;
    QueueKind::from_name(name, QueueNames { events, dead })
}

/// Gives back all that came from a queue that nobody named. It is neither applied nor parked: what
/// it is can only be told once the configuration is mended.
pub(crate) fn retry_all(name: &str, handouts: &[ReceivedMessage]) {
    tracing::error!(
        queue = name,
        messages = handouts.len(),
        "a queue that the configuration does not name; set EVENTS_QUEUE or DEAD_QUEUE of the \
         consumer to its name and deploy"
    );
    let unknown = D1Error::Transient("an unknown queue".into());
    for handout in handouts {
        handout.finish(retry_after(&unknown, handout.attempts, jitter()));
    }
}
