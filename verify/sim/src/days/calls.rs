//! Calls of D1: who waits, what is asked and what is answered.

use std::rc::Rc;

use shared::cache::{FillRequest, FillResult};
use shared::outbox::{HintResults, PendingHint};
use shared::plan::BatchPlan;

/// Who waits for D1's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A consumer, for its batch.
    Commit(u32),
    /// A consumer, for the settings.
    Settings(u32),
    /// A sweep, for the settings.
    SweepSettings(u32),
    /// A sweep, for a page of the outbox.
    Page(u32),
    /// A sender of hints, to note their answers.
    Settle(u32),
    /// An object, for its fill of this number.
    Fill { user: usize, fill: u32 },
    /// An object, for the end of its watch.
    Unwatch { user: usize, unwatch: u32 },
}

/// What D1 is asked to do.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A plan as one batch, and the hints that are owed after it.
    Commit { plan: Rc<BatchPlan>, messages: Rc<[String]>, now: i64 },
    /// The default role.
    Settings,
    /// A page of the outbox.
    Page(Option<PendingHint>),
    /// What a round of hints settled.
    Settle(HintResults),
    /// One fill.
    Fill { user: &'static str, fill: FillRequest },
    /// The end of a watch.
    Unwatch { user: &'static str, owner: i64 },
}

/// A batch on its way.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Who waits.
    pub(super) who: Who,
    /// For what.
    pub(super) work: Work,
    /// What is answered whatever came of it, if a fault has struck.
    pub(super) fails: Option<&'static str>,
    /// How long the answer takes; `None` when nobody waits for it any more.
    pub(super) back_ms: Option<i64>,
}

/// What D1 answers.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Done.
    Done,
    /// The hints that are owed.
    Owed(Vec<PendingHint>),
    /// What a fill has read.
    Row(Option<FillResult>),
}
