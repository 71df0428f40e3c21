//! Which queue a batch came from, by the configuration.

use edge::chance::jitter;
use shared::fault::{Fault, retry_after};
use shared::queue::{Names, Queue};
use shared::settings::consumer::Consumer;
use worker::Env;

use crate::handout::Handout;

/// The queue of this name; none, when no variable names it.
pub(crate) fn find(env: &Env, name: &str) -> Option<Queue> {
    let settings = Consumer::read(&|name| edge::settings::raw(env, name));
    edge::settings::tell(&settings.mistakes);
    let Consumer { events_queue: events, dead_queue: dead, .. } = &settings;
    Queue::of(name, Names { events, dead })
}

/// Gives back all that came from a queue that nobody named. It is neither applied nor parked: what
/// it is can only be told once the configuration is mended.
pub(crate) fn give_back(name: &str, handouts: &[Handout]) {
    tracing::error!(
        queue = name,
        messages = handouts.len(),
        "a queue that the configuration does not name; set EVENTS_QUEUE or DEAD_QUEUE of the \
         consumer to its name and deploy"
    );
    let unknown = Fault::Transient("an unknown queue".into());
    for handout in handouts {
        handout.settle(retry_after(&unknown, handout.attempts, jitter()));
    }
}
