//! An object's fills, as `begin_refill` and `run_fill` of `durable/src/object.rs`: one row of fills
//! at a time, each judged when it comes back.

use shared::cache::{AfterFill, AgeLimits, FillOutcome, FillRequest};
use shared::retry::ObjectCallError;
use shared::time::UnixMillis;

use super::agenda::Step;
use super::calls::{Reply, Who, Work};
use super::count::Rare;
use super::dice::Fault;
use super::sabotage::Sabotage;
use super::state::{Flight, Waiter};
use super::world::{World, user_id};

/// On the clock of these days.
pub(super) const FILL_TIMEOUT_MS: i64 = shared::limits::FILL_TIMEOUT_MS.cast_signed();

impl World<'_> {
    /// Begins a fill unless one is under way. Whether this one began.
    pub(super) fn begin_refill(&mut self, user: usize) -> bool {
        let idle = self.object(user).is_some_and(|it| it.flight.is_none());
        if idle {
            self.send_fill(user, false, 1);
        }
        idle
    }

    /// One fill of a row goes out.
    pub(super) fn send_fill(&mut self, user: usize, registers: bool, round: u32) {
        let (now, ages, number) = (self.object_now(), self.mix.ages, self.number());
        let Some(object) = self.object(user) else { return };
        let (fill, begins) = object.memory.begin_fill(registers, now);
        object.flight = Some(Flight { number, fill, round });
        let alarm_ms = object.memory.first_alarm(&ages).since(now);
        if begins {
            self.set_alarm(user, alarm_ms);
            if !self.save(user) {
                return self.cancel_incarnation(user);
            }
        }
        let sent = match self.sabotage {
            Some(Sabotage::FloorNotSent) => FillRequest { floor: 0, ..fill },
            _ => fill,
        };
        self.call(Who::Fill { user, fill: number }, Work::Fill { user: user_id(user), fill: sent });
        self.after(FILL_TIMEOUT_MS, Step::FillEnds { user, fill: number });
        if self.dice.strikes(Fault::Evicted) {
            self.evict(user);
        }
    }

    /// A fill has taken too long.
    pub(super) fn fill_times_out(&mut self, user: usize, number: u32) {
        self.handle_fill_reply(user, number, Err("no answer in time".into()));
    }

    /// D1 answers to a fill: `RoleCacheObject::run_fill`.
    pub(super) fn handle_fill_reply(
        &mut self,
        user: usize,
        number: u32,
        reply: Result<Reply, String>,
    ) {
        let torn = self.is_wrong(Sabotage::TornRead).then(|| self.reached(user));
        let sabotage = self.sabotage;
        let Some(object) = self.object(user) else { return };
        let Some(flight) = object.flight.filter(|it| it.number == number) else { return };
        let Ok(Reply::Row(mut row)) = reply else { return self.finish_fills(user, false) };
        if let (Some(row), Some(torn)) = (&mut row, torn) {
            row.set.version = row.set.version.max(torn);
        }
        let mut fill = flight.fill;
        match sabotage {
            Some(Sabotage::FillIgnoresFloor) => object.memory.floor = 0,
            Some(Sabotage::FillAcrossUnwatch) => {
                fill.owner = object.memory.owner;
                if let Some(row) = &mut row {
                    row.owner = fill.owner;
                }
            }
            _ => {}
        }
        let (floor, owner) = (object.memory.floor, object.memory.owner);
        let below = row.as_ref().is_some_and(|row| row.owner == owner && row.set.version < floor);
        let taken = object.memory.apply_fill(&fill, row);
        self.say(format_args!("object {user}: fill {number} is {taken:?}"));
        if below {
            self.count(Rare::StaleFillRefused);
        }
        if taken == FillOutcome::Discarded {
            self.count(Rare::FillDropped);
        } else if !self.save(user) {
            return self.fail_fill(user);
        }
        match taken.next_step(flight.round) {
            AfterFill::Done => self.finish_fills(user, true),
            AfterFill::GiveUp => self.finish_fills(user, false),
            AfterFill::FillAgain { registers } => {
                self.send_fill(user, registers, flight.round + 1);
            }
        }
    }

    /// The incarnation could not be written.
    fn cancel_incarnation(&mut self, user: usize) {
        if let Some(object) = self.object(user).filter(|it| it.flight.is_some()) {
            object.memory.cancel_incarnation();
        }
        self.fail_fill(user);
    }

    /// What a fill led to could not be written. Nobody waits when the instance has ended with it.
    fn fail_fill(&mut self, user: usize) {
        if self.object(user).is_some_and(|it| it.flight.is_some()) {
            self.finish_fills(user, false);
        }
    }

    /// The row of fills is over: each guard that waits is answered, or waits for one more.
    pub(super) fn finish_fills(&mut self, user: usize, good: bool) {
        if !good {
            self.record_fill_failure(user);
        }
        let (now, ages) = (self.object_now(), self.mix.ages);
        let Some(object) = self.object(user) else { return };
        object.flight = None;
        if good {
            object.pace.record_success();
        }
        for waiter in std::mem::take(&mut object.waiters) {
            self.answer_waiter(user, waiter, good, now, &ages);
        }
    }

    /// One who has waited is answered, or waits for one more.
    fn answer_waiter(
        &mut self,
        user: usize,
        waiter: Waiter,
        good: bool,
        now: UnixMillis,
        ages: &AgeLimits,
    ) {
        let Waiter { guard, try_, ref ask, asked_at, once_more } = waiter;
        let Some(object) = self.objects.get(user) else { return };
        let answer = object.memory.answer_after_fill(ask, asked_at, now, ages);
        if let Some(answer) = answer.filter(|_| good) {
            if ask.fresh {
                self.count(Rare::FreshFill);
            }
            self.send_answer(user, guard, try_, answer);
        } else if good && once_more {
            self.begin_refill(user);
            if let Some(object) = self.object(user) {
                object.waiters.push(Waiter { once_more: false, ..waiter });
            }
        } else {
            self.send_reply(guard, try_, Err(ObjectCallError::Permanent));
        }
    }
}
