//! What a consumer holds, as the Workers hold it.

use shared::batch::{Part, Verdict};
use shared::plan::Message;

use super::pipe::QUEUE;
use super::store;
use super::{Consumer, Held, Line};

pub(super) fn part(model: &Line, it: &Consumer) -> Part {
    let letters = messages(model, &it.letters);
    let letters = letters.iter().map(|it| it.park(QUEUE, "retries-exhausted", "")).collect();
    Part { queue: QUEUE.into(), messages: messages(model, &it.messages), letters }
}

/// Messages as the queue hands them out.
pub(super) fn messages(model: &Line, held: &[Held]) -> Vec<Message> {
    let known = |(event, attempts): &Held| {
        let known = store::at(&model.events, *event)?;
        let id = name((*event, *attempts));
        Some(Message { id, attempts: *attempts, ..known.message.clone() })
    };
    held.iter().filter_map(known).collect()
}

/// The queue's own id for a message.
pub(super) fn name(held: Held) -> String {
    format!("{}:{}", held.0, held.1)
}

pub(super) fn is(verdict: &Verdict, held: Held) -> bool {
    verdict.message_id == name(held)
}
