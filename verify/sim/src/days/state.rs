//! What the parts of a day hold: data alone, so that each part may know that of the others.

use std::collections::BTreeMap;
use std::rc::Rc;

use shared::batch::{BatchPart, BatchProgress};
use shared::cache::{CacheState, FillBackoff, FillRequest};
use shared::guard::Need;
use shared::outbox::PendingHint;
use shared::plan::BatchPlan;
use shared::retry::QueueAction;
use shared::role_cache::{HintReply, RoleQuery};
use shared::time::UnixMillis;

/// A text that is shared by the copies of a message.
pub(super) type Text = Rc<str>;

/// One event on its way to the door.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Delivery {
    /// Which event.
    pub(super) event: usize,
    /// The same for every attempt.
    pub(super) svix_id: String,
    /// Whether the door has ever said 2xx.
    pub(super) accepted: bool,
    /// Whether nothing was enqueued of it: its type is not synced.
    pub(super) ignored: bool,
    /// Whether Svix has heard a 2xx.
    pub(super) told: bool,
    /// Whether the door has noted it; only a mistake does so.
    pub(super) noted: bool,
    /// Whether a restore of the database took its effects away.
    pub(super) undone: bool,
    /// Whether D1 accounts for it: applied, or a dead letter.
    pub(super) held: bool,
    /// Whether D1 has noted it: a letter that could not be opened names no delivery.
    pub(super) noted_in_d1: bool,
    /// How many messages of it the queue or a consumer holds.
    pub(super) queued: u32,
}

/// A message that the queue has accepted.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The delivery it was made of.
    pub(super) delivery: usize,
    /// The bytes.
    pub(super) text: Text,
}

/// One copy of a message.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// The queue's id for the message.
    pub(super) message: String,
    /// Which of the texts that were sent.
    pub(super) sent: usize,
    /// Its bytes.
    pub(super) text: Text,
    /// When it was sent.
    pub(super) sent_at: i64,
    /// How often it has been handed out.
    pub(super) attempts: u32,
    /// When it may be handed out.
    pub(super) due: i64,
    /// Whether a consumer has it.
    pub(super) taken: bool,
    /// Whether it lies in the dead queue.
    pub(super) dead: bool,
}

/// Everything that the queues hold, what consumers have in hand included.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) copies: BTreeMap<u32, Copy>,
    /// Which text each message carries.
    pub(super) messages: BTreeMap<String, usize>,
}

/// One invocation.
#[derive(Debug, Default)]
pub(super) struct Consumer {
    /// Whether it serves the dead queue.
    pub(super) dead: bool,
    /// What it was handed.
    pub(super) copies: Vec<u32>,
    pub(super) isolate: usize,
    /// What is still to be committed, and what is decided.
    pub(super) work: BatchProgress,
    pub(super) trying: Option<(BatchPart, Rc<BatchPlan>)>,
    pub(super) pending: Vec<PendingHint>,
    /// What the platform was told.
    pub(super) settled: Vec<(u32, QueueAction)>,
}

/// Who sends hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A consumer, after its batch.
    Consumer(u32),
    /// A sweep.
    Sweep(u32),
}

/// One round of hints.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) by: By,
    pub(super) asked: Vec<PendingHint>,
    pub(super) answers: BTreeMap<String, HintReply>,
    pub(super) over: bool,
}

/// One invocation of the cron.
#[derive(Debug)]
pub(super) struct Sweeper {
    pub(super) number: u32,
    pub(super) last: Option<PendingHint>,
    pub(super) rounds: u32,
    /// How full the last page was, as if it held as much as a real one.
    pub(super) sent: usize,
    pub(super) begun: i64,
}

/// One object.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// What the instance knows.
    pub(super) memory: CacheState,
    /// What outlives it.
    pub(super) disk: Option<CacheState>,
    pub(super) loaded: bool,
    /// How the instance spaces its fills.
    pub(super) pace: FillBackoff,
    pub(super) flight: Option<Flight>,
    /// The end of the watch that the instance waits for.
    pub(super) ending: Option<(u32, i64)>,
    /// The alarm that is set.
    pub(super) alarm: Option<u32>,
    pub(super) waiters: Vec<Waiter>,
}

/// A fill under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) number: u32,
    pub(super) fill: FillRequest,
    pub(super) round: u32,
}

/// A question that waits for a fill.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) guard: u32,
    pub(super) try_: u32,
    pub(super) ask: RoleQuery,
    pub(super) asked_at: UnixMillis,
    /// Whether the fill was under way before the question, and one more may follow.
    pub(super) once_more: bool,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) user: usize,
    pub(super) need: Need,
    pub(super) ask: RoleQuery,
    pub(super) asked_at: i64,
    /// Which question this is: each is answered for itself.
    pub(super) try_: u32,
    /// How many calls have failed one after the other.
    pub(super) calls: u32,
    /// Whether it was asked again because the answer ran out.
    pub(super) again: bool,
}
