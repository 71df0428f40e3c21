//! The way to D1 and back: a batch may be lost, refused, stall, or be committed and reported as
//! lost.

use std::rc::Rc;

use shared::cache::{FillRequest, FillResult};
use shared::outbox::{HintResults, PendingHint};
use shared::plan::BatchPlan;

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::world::World;

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
    /// Whoever sent hints, to note their answers.
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

const LOST: &str = "D1_ERROR: Network connection lost.";
const OVERLOADED: &str = "D1 DB is overloaded. Requests queued for too long.";
const STALLED: &str = "D1 DB storage operation exceeded timeout which caused object to be reset.";

impl World<'_> {
    /// Sends D1 a batch.
    pub(super) fn call(&mut self, who: Who, work: Work) {
        let (there, back) = (self.dice.delay(self.mix.way_ms), self.dice.delay(self.mix.way_ms));
        let mut call = Call { who, work, fails: None, back_ms: Some(back) };
        let lost = self.dice.strikes(Fault::D1Lost) || self.is_on(Window::D1Down);
        let full = self.dice.strikes(Fault::D1Overloaded) || self.is_on(Window::D1Full);
        if lost || full {
            let text = if lost { LOST } else { OVERLOADED };
            if !lost {
                self.count(Rare::Overloaded);
            }
            let reply = Err(text.to_owned());
            return self.after(there + back, Step::Answers { call: Box::new(call), reply });
        }
        if self.dice.strikes(Fault::D1Stall) {
            let reply = Err(STALLED.to_owned());
            self.after(30_000, Step::Answers { call: Box::new(call.clone()), reply });
            (call.back_ms, call.fails) = (None, Some(STALLED));
            let late = 1_000 + self.dice.free.i64(0..60_000);
            return self.after(late, Step::Executes(Box::new(call)));
        }
        call.fails = self.dice.strikes(Fault::D1Ambiguous).then_some(LOST);
        self.after(there, Step::Executes(Box::new(call)));
    }

    pub(super) fn executes(&mut self, call: Call) {
        let reply = match self.lagging(&call.work) {
            Some(reply) => Ok(reply),
            None => self.run(&call.work),
        };
        let is_commit = matches!(call.work, Work::Commit { .. }) && reply.is_ok();
        if is_commit && call.fails.is_some() {
            let stalled = call.back_ms.is_none();
            self.count(if stalled { Rare::StalledCommit } else { Rare::AmbiguousCommit });
        }
        let Some(back) = call.back_ms else { return };
        let reply = call.fails.map_or(reply, |fails| Err(fails.to_owned()));
        self.after(back, Step::Answers { call: Box::new(call), reply });
    }

    pub(super) fn answers(&mut self, call: &Call, reply: Result<Reply, String>) {
        match call.who {
            Who::Commit(consumer) => self.committed(consumer, reply),
            Who::Settings(consumer) => self.settings_kept(consumer, reply.is_ok()),
            Who::SweepSettings(sweep) => self.sweep_begins(sweep),
            Who::Page(sweep) => self.paged(sweep, reply),
            Who::Settle(push) => self.push_noted(push),
            Who::Fill { user, fill } => self.filled(user, fill, reply),
            Who::Unwatch { user, unwatch } => self.unwatched(user, unwatch, reply.is_ok()),
        }
    }
}
