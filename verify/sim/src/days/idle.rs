//! The end of an idle object, as `durable/src/object/idle.rs`: its watch first, then its storage.

use shared::cache::{AlarmAction, CacheState};
use shared::limits::END_WATCH_RETRY_MS;

use super::Broken;
use super::agenda::Step;
use super::calls::{Who, Work};
use super::count::Rare;
use super::dice::Fault;
use super::fill::FILL_TIMEOUT_MS;
use super::sabotage::Sabotage;
use super::state::Object;
use super::world::{World, user_id};

/// The platform runs an alarm again that did not end, and this long after it at first.
/// <https://developers.cloudflare.com/durable-objects/api/alarms/>
pub(super) const ALARM_AGAIN_MS: i64 = 2_000;

impl World<'_> {
    /// The alarm rings: `RoleCacheObject::alarm`.
    pub(super) fn handle_alarm(&mut self, user: usize, alarm: u32) {
        let (now, ages, sabotage) = (self.object_now(), self.mix.ages, self.sabotage);
        self.load(user);
        let Some(object) = self.object(user) else { return };
        if object.alarm != Some(alarm) || object.ending.is_some() {
            return;
        }
        let before = object.memory.owner;
        let ends = match object.memory.alarm(now, &ages) {
            AlarmAction::Rearm(at) => return self.set_alarm(user, at.since(now)),
            AlarmAction::EndWatch(owner) => owner,
        };
        if sabotage == Some(Sabotage::KeepsIncarnation) {
            object.memory.owner = before;
        }
        object.alarm = None;
        if !self.save(user) {
            return self.retry_alarm(user);
        }
        let number = self.number();
        if let Some(object) = self.object(user) {
            object.ending = Some((number, ends));
        }
        self.say(format_args!("object {user}: ends the watch of {ends}"));
        let work = Work::Unwatch { user: user_id(user), owner: ends };
        self.call(Who::Unwatch { user, unwatch: number }, work);
        self.after(FILL_TIMEOUT_MS, Step::UnwatchEnds { user, unwatch: number });
        if self.dice.strikes(Fault::Evicted) {
            self.evict(user);
        }
    }

    /// D1 has ended the watch, or has not answered.
    pub(super) fn handle_unwatch_reply(&mut self, user: usize, number: u32, done: bool) {
        let (now, idle_ms) = (self.object_now(), self.mix.ages.idle_ms);
        let Some(object) = self.object(user) else { return };
        let Some((_, owner)) = object.ending.filter(|(it, _)| *it == number) else { return };
        object.ending = None;
        if !done {
            return self.set_alarm(user, END_WATCH_RETRY_MS);
        }
        if object.memory.watch_ended(owner, now) && object.flight.is_none() {
            (object.memory, object.disk, object.alarm) = (CacheState::default(), None, None);
            return self.count(Rare::WatchEnded);
        }
        self.count(Rare::WatchKept);
        if !self.save(user) {
            return self.retry_alarm(user);
        }
        self.set_alarm(user, idle_ms);
    }

    /// The disk failed and the instance has ended with it.
    fn retry_alarm(&mut self, user: usize) {
        self.count(Rare::AlarmFailed);
        if !self.is_wrong(Sabotage::AlarmForgotten) {
            self.set_alarm(user, ALARM_AGAIN_MS);
        }
    }

    /// I15: an object that has begun has an alarm, or it would keep its watch for ever.
    pub(super) fn check_alarms(&self) -> Result<(), Broken> {
        let stands = |user: usize, object: &Object| {
            let begun = object.disk.as_ref().is_some_and(|it| it.owner != 0);
            !begun || object.alarm.is_some_and(|alarm| self.agenda.rings(user, alarm))
        };
        let lost = (0..).zip(&self.objects).find(|(user, object)| !stands(*user, object));
        lost.map_or(Ok(()), |(user, _)| {
            Err(Broken::new("I15 a watch is ended", format!("object {user} has no alarm")))
        })
    }

    pub(super) fn set_alarm(&mut self, user: usize, ms: i64) {
        let number = self.number();
        if let Some(object) = self.object(user) {
            object.alarm = Some(number);
        }
        self.after(ms.max(1), Step::Alarm { user, alarm: number });
    }
}
