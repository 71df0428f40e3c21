//! The end of an idle object, as `durable/src/object/idle.rs`: its watch first, then its storage.

use shared::cache::{Alarm, State};

use super::agenda::Step;
use super::calls::{Who, Work};
use super::count::Rare;
use super::dice::Fault;
use super::fill::FILL_MS_MAX;
use super::sabotage::Sabotage;
use super::world::{World, user_id};

/// As in `durable/src/object/idle.rs`.
const END_AGAIN_MS: i64 = 60_000;

impl World<'_> {
    /// The alarm rings: `Object::alarm`.
    pub(super) fn alarm_rings(&mut self, user: usize, alarm: u32) {
        let (now, ages, sabotage) = (self.object_now(), self.mix.ages, self.sabotage);
        self.load(user);
        let Some(object) = self.object(user) else { return };
        if object.alarm != Some(alarm) || object.ending.is_some() {
            return;
        }
        let before = object.memory.owner;
        let ends = match object.memory.alarm(now, &ages) {
            Alarm::Rearm(at) => return self.arm(user, at.since(now)),
            Alarm::End(owner) => owner,
        };
        if sabotage == Some(Sabotage::KeepsIncarnation) {
            object.memory.owner = before;
        }
        object.alarm = None;
        if !self.save(user) {
            return;
        }
        let number = self.number();
        if let Some(object) = self.object(user) {
            object.ending = Some((number, ends));
        }
        self.say(format_args!("object {user}: ends the watch of {ends}"));
        let work = Work::Unwatch { user: user_id(user), owner: ends };
        self.call(Who::Unwatch { user, unwatch: number }, work);
        self.after(FILL_MS_MAX, Step::UnwatchEnds { user, unwatch: number });
        if self.dice.strikes(Fault::Evicted) {
            self.evict(user);
        }
    }

    /// D1 has ended the watch, or has not answered.
    pub(super) fn unwatched(&mut self, user: usize, number: u32, done: bool) {
        let (now, idle_ms) = (self.object_now(), self.mix.ages.idle_ms);
        let Some(object) = self.object(user) else { return };
        let Some((_, owner)) = object.ending.filter(|(it, _)| *it == number) else { return };
        object.ending = None;
        if !done {
            return self.arm(user, END_AGAIN_MS);
        }
        if object.memory.ended(owner, now) && object.flight.is_none() {
            (object.memory, object.disk, object.alarm) = (State::default(), None, None);
            return self.count(Rare::WatchEnded);
        }
        self.count(Rare::WatchKept);
        if self.save(user) {
            self.arm(user, idle_ms);
        }
    }

    pub(super) fn arm(&mut self, user: usize, ms: i64) {
        let number = self.number();
        if let Some(object) = self.object(user) {
            object.alarm = Some(number);
        }
        self.after(ms.max(1), Step::Alarm { user, alarm: number });
    }
}
