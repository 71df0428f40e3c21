//! Takes one step after the other from the agenda, hands each to the part that it is for, and asks
//! the laws after each.

use super::Broken;
use super::agenda::Step;
use super::calls::{Call, Reply, Who};
use super::world::World;

/// Steps after which a day counts as endless.
const STEPS_MAX: u32 = 60_000;

/// What lies further ahead than this is not waited for: the alarms of objects in use.
const QUIET_MS: i64 = 2 * 86_400_000;

impl World<'_> {
    /// Runs until nothing is on its way.
    pub(super) fn run_until_quiet(&mut self) -> Result<(), Broken> {
        self.run_while(|now, at| at <= now + QUIET_MS)
    }

    /// Runs for so many milliseconds.
    pub(super) fn run_for(&mut self, ms: i64) -> Result<(), Broken> {
        let end = self.now + ms;
        self.run_while(|_, at| at <= end)?;
        self.now = self.now.max(end);
        Ok(())
    }

    fn run_while(&mut self, goes_on: impl Fn(i64, i64) -> bool) -> Result<(), Broken> {
        while let Some(at) = self.agenda.next_at() {
            if !goes_on(self.now, at) {
                break;
            }
            let Some((at, step)) = self.agenda.take() else { break };
            self.now = at;
            self.steps += 1;
            self.step(step);
            self.conserve();
            self.agree();
            if let Some(broken) = self.laws.broken.take() {
                return Err(broken);
            }
            if STEPS_MAX < self.steps {
                return Err(Broken::new("I15 the line always drains", "the day never ends".into()));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Input(place) => self.input(place),
            Step::Attempt { delivery, attempt } => self.attempt(delivery, attempt),
            Step::Knock { delivery, attempt, signed_s } => self.knock(delivery, attempt, signed_s),
            Step::HandOut { dead } => self.hand_out(dead),
            Step::Executes(call) => self.executes(*call),
            Step::Answers { call, reply } => self.answers(&call, reply),
            Step::Hint { push, pending } => self.hint(push, pending),
            Step::Hinted { push, pending, reply } => self.hinted(push, pending, reply),
            Step::PushEnds(push) => self.push_ends(push),
            Step::Sweep => self.sweep(),
            Step::Ask { guard, try_ } => self.ask_arrives(guard, try_),
            Step::Asked { guard, try_, answer } => self.asked(guard, try_, answer),
            Step::AskAgain(guard) => self.question(guard),
            Step::Patience(guard) => self.patience(guard),
            Step::FillEnds { user, fill } => self.fill_ends(user, fill),
            Step::UnwatchEnds { user, unwatch } => self.unwatched(user, unwatch, false),
            Step::Alarm { user, alarm } => self.alarm_rings(user, alarm),
        }
    }

    /// D1's answer goes to the part that waits for it.
    fn answers(&mut self, call: &Call, reply: Result<Reply, String>) {
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
