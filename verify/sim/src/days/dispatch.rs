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
            self.dispatch(step);
            self.check_conservation();
            self.check_agreement();
            if let Some(broken) = self.laws.broken.take() {
                return Err(broken);
            }
            if STEPS_MAX < self.steps {
                return Err(Broken::new("I15 the line always drains", "the day never ends".into()));
            }
        }
        Ok(())
    }

    fn dispatch(&mut self, step: Step) {
        match step {
            Step::Input(place) => self.apply_input(place),
            Step::Attempt { delivery, attempt } => self.attempt_delivery(delivery, attempt),
            Step::Knock { delivery, attempt, signed_s } => self.knock(delivery, attempt, signed_s),
            Step::HandOut { dead } => self.hand_out(dead),
            Step::Executes(call) => self.execute_call(*call),
            Step::Answers { call, reply } => self.route_answer(&call, reply),
            Step::Hint { push, pending } => self.hint(push, pending),
            Step::Hinted { push, pending, reply } => self.handle_hint_reply(push, pending, reply),
            Step::PushEnds(push) => self.finish_round(push),
            Step::Sweep => self.sweep(),
            Step::Ask { guard, try_ } => self.deliver_question(guard, try_),
            Step::Asked { guard, try_, answer } => self.handle_answer(guard, try_, answer),
            Step::AskAgain(guard) => self.send_question(guard),
            Step::Patience(guard) => self.guard_times_out(guard),
            Step::FillEnds { user, fill } => self.fill_times_out(user, fill),
            Step::UnwatchEnds { user, unwatch } => self.handle_unwatch_reply(user, unwatch, false),
            Step::Alarm { user, alarm } => self.handle_alarm(user, alarm),
        }
    }

    /// D1's answer goes to the part that waits for it.
    fn route_answer(&mut self, call: &Call, reply: Result<Reply, String>) {
        match call.who {
            Who::Commit(consumer) => self.committed(consumer, reply),
            Who::Settings(consumer) => self.settings_kept(consumer, reply.is_ok()),
            Who::SweepSettings(sweep) => self.begin_sweep(sweep),
            Who::Page(sweep) => self.handle_page(sweep, reply),
            Who::Settle(push) => self.finish_settling(push),
            Who::Fill { user, fill } => self.handle_fill_reply(user, fill, reply),
            Who::Unwatch { user, unwatch } => {
                self.handle_unwatch_reply(user, unwatch, reply.is_ok());
            }
        }
    }
}
