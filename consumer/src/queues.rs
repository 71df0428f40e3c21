//! Which queue a batch came from, by the configuration. Only this file reads these variables.

use edge::chance::jitter;
use shared::fault::{Fault, retry_after};
use shared::queue::{Names, Queue};
use worker::Env;

use crate::handout::Handout;

/// The queue of this name; none, when no variable names it.
pub(crate) fn find(env: &Env, name: &str) -> Option<Queue> {
    let var = |name| env.var(name).map(|value| value.to_string()).unwrap_or_default();
    let (events, dead) = (var("EVENTS_QUEUE"), var("DEAD_QUEUE"));
    Queue::of(name, Names { events: &events, dead: &dead })
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
