//! Hints, step by step as `consumer/src/send_hints.rs`: all at once, two seconds for each answer,
//! then one batch that notes them. And the cron as `consumer/src/sweep.rs`: page after page of the
//! outbox.

use std::collections::BTreeMap;

use shared::outbox::{
    HINTS_PER_ROUND_MAX, PendingHint, may_have_more, sort_replies, sweep_continues,
};
use shared::role_cache::HintReply;

use super::agenda::Step;
use super::calls::{Reply, Who, Work};
use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::sabotage::Sabotage;
use super::state::{By, Push, Sweeper};
use super::world::{World, place};

/// On the clock of these days.
const HINT_TIMEOUT_MS: i64 = shared::limits::HINT_TIMEOUT_MS.cast_signed();

const MINUTE_MS: i64 = shared::limits::SWEEP_INTERVAL_MS;

impl World<'_> {
    /// Sends one round of hints.
    pub(super) fn push(&mut self, by: By, asked: Vec<PendingHint>) {
        if asked.is_empty() {
            return self.finish_push(by);
        }
        let number = self.number();
        for pending in &asked {
            let copies = 1 + usize::from(self.dice.strikes(Fault::HintTwice));
            for _ in 0..copies {
                self.send_hint(number, pending);
            }
        }
        let push = Push { by, asked, answers: BTreeMap::new(), over: false };
        self.pushes.insert(number, push);
        self.after(HINT_TIMEOUT_MS, Step::PushEnds(number));
        if let By::Consumer(consumer) = by {
            self.crashes(consumer, Rare::CrashDuringHints);
        }
    }

    fn send_hint(&mut self, push: u32, pending: &PendingHint) {
        if !self.dice.strikes(Fault::HintLost) && !self.is_on(Window::RolesDown) {
            self.on_its_way(Step::Hint { push, pending: pending.clone() });
        }
    }

    /// A hint reaches the object.
    pub(super) fn hint(&mut self, push: u32, pending: PendingHint) {
        let Some(user) = place(&pending.user_id) else { return };
        let Some(reply) = self.handle_hint(user, &pending.hint(None)) else { return };
        self.say(format_args!("object {user}: hint {} gets {reply:?}", pending.version));
        if !self.dice.strikes(Fault::HintReplyLost) {
            self.on_its_way(Step::Hinted { push, pending, reply });
        }
    }

    /// An object's answer arrives.
    pub(super) fn handle_hint_reply(
        &mut self,
        number: u32,
        pending: PendingHint,
        reply: HintReply,
    ) {
        let Some(push) = self.pushes.get_mut(&number) else { return };
        push.answers.insert(pending.user_id, reply);
        if push.answers.len() == push.asked.len() {
            self.finish_round(number);
        }
    }

    /// Every answer is there, or the time is over: what they settle is noted.
    pub(super) fn finish_round(&mut self, number: u32) {
        let on_send = self.is_wrong(Sabotage::RetiredOnSend);
        let Some(push) = self.pushes.get_mut(&number) else { return };
        if std::mem::replace(&mut push.over, true) {
            return;
        }
        let none = on_send.then_some(HintReply::Acked);
        let answer =
            |it: &PendingHint| (it.clone(), push.answers.get(&it.user_id).copied().or(none));
        let settled = sort_replies(push.asked.iter().map(answer).collect());
        let by = push.by;
        if let By::Consumer(consumer) = by
            && (!self.consumers.contains_key(&consumer)
                || self.crashes(consumer, Rare::CrashBeforeNoting))
        {
            self.pushes.remove(&number);
            return;
        }
        if !settled.gone.is_empty() {
            self.count(Rare::WatchGone);
        }
        if settled.acked.is_empty() && settled.gone.is_empty() {
            return self.finish_settling(number);
        }
        self.call(Who::Settle(number), Work::Settle(settled));
    }

    /// What a round settled is noted, or is not: it makes no difference to who sent it.
    pub(super) fn finish_settling(&mut self, number: u32) {
        if let Some(push) = self.pushes.remove(&number) {
            self.finish_push(push.by);
        }
    }

    fn finish_push(&mut self, by: By) {
        match by {
            By::Consumer(consumer) => self.end_invocation(consumer),
            By::Sweep(sweep) => self.finish_page(sweep),
        }
    }

    /// Sees to it that the next minute's cron runs. A sweep with nothing owed and the settings
    /// kept would do nothing, so none is run.
    pub(super) fn sweep_soon(&mut self) {
        if !self.sweep_is_due && !self.is_wrong(Sabotage::NoOutbox) {
            self.sweep_is_due = true;
            let wait = MINUTE_MS - self.now.rem_euclid(MINUTE_MS);
            self.after(wait, Step::Sweep);
        }
    }

    /// A minute has begun.
    pub(super) fn sweep(&mut self) {
        self.sweep_is_due = false;
        let silent = self.is_on(Window::CronSilent);
        if silent {
            self.count(Rare::CronMissed);
        }
        if silent || self.dice.strikes(Fault::CronMissed) || self.sweeper.is_some() {
            return self.sweep_soon();
        }
        let number = self.number();
        let last = self.resume.take();
        let begun = self.now;
        self.sweeper = Some(Sweeper { number, last, rounds: 0, sent: 0, begun });
        self.call(Who::SweepSettings(number), Work::Settings);
    }

    /// The settings were kept, or not.
    pub(super) fn begin_sweep(&mut self, number: u32) {
        self.next_page(number);
    }

    fn next_page(&mut self, number: u32) {
        let Some(sweeper) = self.sweeper.as_ref().filter(|it| it.number == number) else { return };
        let last = sweeper.last.clone();
        if self.dice.strikes(Fault::Crash) {
            self.count(Rare::CrashOfSweep);
            return self.finish_sweep();
        }
        self.call(Who::Page(number), Work::Page(last));
    }

    /// A page of the outbox arrives.
    pub(super) fn handle_page(&mut self, number: u32, reply: Result<Reply, String>) {
        let Some(sweeper) = self.sweeper.as_mut().filter(|it| it.number == number) else { return };
        let Ok(Reply::Owed(page)) = reply else { return self.finish_sweep() };
        let is_all = i64::try_from(page.len()).is_ok_and(|sent| sent < self.mix.page);
        let full = usize::try_from(HINTS_PER_ROUND_MAX).unwrap_or_default();
        sweeper.sent = if is_all { page.len() } else { full };
        let goes_on = sweeper.rounds == 1 && !page.is_empty();
        sweeper.last = page.last().cloned();
        self.say(format_args!("sweep {number}: {} hints are owed", page.len()));
        if goes_on {
            self.count(Rare::SecondPage);
        }
        self.push(By::Sweep(number), page);
    }

    fn finish_page(&mut self, number: u32) {
        let now = self.now;
        let Some(sweeper) = self.sweeper.as_mut().filter(|it| it.number == number) else { return };
        sweeper.rounds += 1;
        if sweep_continues(sweeper.sent, sweeper.rounds, now - sweeper.begun) {
            return self.next_page(number);
        }
        self.resume = sweeper.last.take().filter(|_| may_have_more(sweeper.sent));
        self.finish_sweep();
    }

    fn finish_sweep(&mut self) {
        self.sweeper = None;
        if self.laws.needs_sweep() {
            self.sweep_soon();
        }
    }
}
