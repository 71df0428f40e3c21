//! What is going to happen, and when: the earliest first, and of one instant what was planned
//! first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use shared::outbox::PendingHint;
use shared::retry::ObjectCallError;
use shared::role_cache::{HintReply, RoleAnswer};

use super::calls::{Call, Reply};

/// One step of the day.
#[derive(Debug)]
pub(super) enum Step {
    /// Something from outside, by its place in the list.
    Input(u32),
    /// Svix tries to deliver for the `attempt`-th time.
    Attempt { delivery: usize, attempt: usize },
    /// An attempt reaches the door; it was signed at this second.
    Knock { delivery: usize, attempt: usize, signed_s: i64 },
    /// The queue, or the dead one, looks for messages to hand out.
    HandOut { dead: bool },
    /// D1 executes a batch.
    Executes(Box<Call>),
    /// D1's answer arrives.
    Answers { call: Box<Call>, reply: Result<Reply, String> },
    /// A hint reaches its object.
    Hint { push: u32, pending: PendingHint },
    /// The object's answer reaches the sender of the hint.
    Hinted { push: u32, pending: PendingHint, reply: HintReply },
    /// A sender of hints waits no longer.
    PushEnds(u32),
    /// The cron.
    Sweep,
    /// A question reaches its object.
    Ask { guard: u32, try_: u32 },
    /// The answer reaches the guard.
    Asked { guard: u32, try_: u32, answer: Result<RoleAnswer, ObjectCallError> },
    /// The guard asks once more.
    AskAgain(u32),
    /// The guard waits no longer.
    Patience(u32),
    /// A fill has taken too long.
    FillEnds { user: usize, fill: u32 },
    /// The end of a watch has taken too long.
    UnwatchEnds { user: usize, unwatch: u32 },
    /// An object's alarm rings, if it is still the one that was set.
    Alarm { user: usize, alarm: u32 },
}

#[derive(Debug)]
struct Entry {
    at: i64,
    number: u64,
    step: Step,
}

impl Entry {
    fn rank(&self) -> Reverse<(i64, u64)> {
        Reverse((self.at, self.number))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// Everything that is going to happen.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Entry>,
    number: u64,
}

impl Agenda {
    /// Plans a step.
    pub(super) fn put(&mut self, at: i64, step: Step) {
        self.number += 1;
        self.heap.push(Entry { at, number: self.number, step });
    }

    /// Whether this alarm of a user's object is going to ring.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other step is an alarm")]
    pub(super) fn rings(&self, user: usize, alarm: u32) -> bool {
        let is_it = |it: &Entry| match it.step {
            Step::Alarm { user: of, alarm: number } => (of, number) == (user, alarm),
            _ => false,
        };
        self.heap.iter().any(is_it)
    }

    /// When the next step happens.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The next step and its instant.
    pub(super) fn take(&mut self) -> Option<(i64, Step)> {
        self.heap.pop().map(|entry| (entry.at, entry.step))
    }
}
