//! The way to D1 and back: a batch may be lost, refused, stall, or be committed and reported as
//! lost.

use super::agenda::Step;
use super::calls::{Call, Who, Work};
use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::world::World;

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

    pub(super) fn execute_call(&mut self, call: Call) {
        let reply = match self.read_lagging_replica(&call.work) {
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
}
