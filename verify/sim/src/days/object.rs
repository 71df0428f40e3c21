//! One role cache, step by step as `durable/src/object.rs` and `durable/src/object/idle.rs`: its
//! memory, its disk, the one fill under way, and who waits for it. A write to disk and what waits
//! for it are one step: the platform's gates let nothing in between.

use shared::cache::{AgeLimits, CacheDecision, CacheState, FillBackoff, RefusalReason};
use shared::retry::ObjectCallError;
use shared::role_cache::{Hint, HintReply, RoleAnswer, RoleQuery};
use shared::time::UnixMillis;

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::idle::ALARM_AGAIN_MS;
use super::input::Window;
use super::sabotage::Sabotage;
use super::state::{Object, Waiter};
use super::world::{World, user_id};

impl World<'_> {
    pub(super) fn object(&mut self, user: usize) -> Option<&mut Object> {
        self.objects.get_mut(user)
    }

    /// The objects' clock.
    pub(super) fn object_now(&self) -> UnixMillis {
        UnixMillis(self.clock(Window::ObjectsAhead, Window::ObjectsBehind))
    }

    /// A question arrives: `RoleCacheObject::query`.
    pub(super) fn handle_question(&mut self, user: usize, guard: u32, try_: u32, ask: &RoleQuery) {
        if self.dice.strikes(Fault::Evicted) {
            self.evict(user);
        }
        let (now, ages) = (self.object_now(), self.mix.ages);
        self.load(user);
        let Some(object) = self.object(user) else { return };
        object.memory.user_id = user_id(user).into();
        let touched = object.memory.record_use(now, &ages);
        if (touched || self.is_unsaved(user)) && !self.ensure_saved(user) {
            let lives = self.object(user).is_some_and(|it| it.loaded);
            let fault = if lives { ObjectCallError::Permanent } else { ObjectCallError::Retryable };
            return self.send_reply(guard, try_, Err(fault));
        }
        let Some(object) = self.object(user) else { return };
        match object.memory.decide(ask, now, &ages, &mut object.pace) {
            CacheDecision::Serve(answer) => self.send_answer(user, guard, try_, answer),
            CacheDecision::ServeAndRefill(answer) => {
                self.begin_refill(user);
                self.send_answer(user, guard, try_, answer);
            }
            CacheDecision::JoinFill if object.flight.is_some() => {
                let ask = ask.clone();
                object.waiters.push(Waiter { guard, try_, ask, asked_at: now, once_more: false });
            }
            CacheDecision::JoinFill | CacheDecision::Refuse(RefusalReason::VersionTooFarAhead) => {
                self.count(Rare::BelowVersion);
                self.send_reply(guard, try_, Err(ObjectCallError::Permanent));
            }
            CacheDecision::Refuse(RefusalReason::BackingOff) => {
                self.count(Rare::FillWaited);
                self.send_reply(guard, try_, Err(ObjectCallError::Permanent));
            }
            CacheDecision::FillFirst => {
                if object.memory.entry.is_some() && !object.memory.is_below_floor() && !ask.fresh {
                    self.count(Rare::StaleRefused);
                }
                let once_more = !self.begin_refill(user);
                let ask = ask.clone();
                let waiter = Waiter { guard, try_, ask, asked_at: now, once_more };
                if let Some(object) = self.object(user) {
                    object.waiters.push(waiter);
                }
            }
        }
    }

    pub(super) fn send_answer(&mut self, user: usize, guard: u32, try_: u32, answer: RoleAnswer) {
        self.check_served(user, &answer);
        self.send_reply(guard, try_, Ok(answer));
    }

    pub(super) fn send_reply(
        &mut self,
        guard: u32,
        try_: u32,
        answer: Result<RoleAnswer, ObjectCallError>,
    ) {
        if !self.dice.strikes(Fault::AskReplyLost) {
            self.on_its_way(Step::Asked { guard, try_, answer });
        }
    }

    /// A hint arrives: `RoleCacheObject::hint`. No answer when the disk failed.
    pub(super) fn handle_hint(&mut self, user: usize, hint: &Hint) -> Option<HintReply> {
        if self.dice.strikes(Fault::Evicted) {
            self.evict(user);
        }
        let (now, sabotage) = (self.object_now(), self.sabotage);
        self.load(user);
        let object = self.objects.get_mut(user)?;
        let floor = object.memory.floor;
        let reply = object.memory.hint(hint, now);
        if sabotage == Some(Sabotage::HintIgnoredOnMiss) && object.memory.entry.is_none() {
            object.memory.floor = floor;
        }
        if sabotage == Some(Sabotage::HintVerifies)
            && reply == HintReply::Acked
            && let Some(entry) = &mut object.memory.entry
        {
            entry.verified_at = now;
        }
        let (raised, owed) = (object.memory.floor != floor, object.memory.is_below_floor());
        if reply == HintReply::Refused {
            self.count(Rare::SkewedObject);
        }
        let forgets = sabotage == Some(Sabotage::UnsavedForgotten);
        let acked = reply == HintReply::Acked;
        let writes = if forgets { raised } else { acked && self.is_unsaved(user) };
        if writes && !self.save_or_back_off(user) {
            return None;
        }
        if reply == HintReply::Acked {
            self.laws.acknowledged(user, hint.version);
            let waits = self.object(user).is_some_and(|it| it.pace.remaining_ms(now).is_some());
            if owed && !waits {
                self.begin_refill(user);
            }
        }
        Some(reply)
    }

    pub(super) fn load(&mut self, user: usize) {
        let sabotage = self.sabotage;
        let Some(object) = self.object(user) else { return };
        if !std::mem::replace(&mut object.loaded, true) {
            object.memory = object.disk.clone().unwrap_or_default();
            if sabotage == Some(Sabotage::FloorLost) {
                object.memory.floor = 0;
            }
        }
    }

    /// Writes the state to disk. When that fails the platform ends the instance, unless it was told
    /// so before the write began.
    pub(super) fn save(&mut self, user: usize) -> bool {
        if self.dice.strikes(Fault::DiskRefuses) {
            self.count(Rare::DiskRefused);
            return false;
        }
        if self.dice.strikes(Fault::DiskFails) {
            self.count(Rare::DiskFailed);
            self.evict(user);
            return false;
        }
        if let Some(object) = self.object(user) {
            object.disk = Some(object.memory.clone());
        }
        true
    }

    /// The instance is thrown out of memory; the guards that wait are told to ask again.
    pub(super) fn evict(&mut self, user: usize) {
        let Some(object) = self.object(user) else { return };
        let (flight, ending) = (object.flight.take(), object.ending.take());
        (object.loaded, object.memory, object.pace) =
            (false, CacheState::default(), FillBackoff::default());
        let waiters = std::mem::take(&mut object.waiters);
        self.say(format_args!("object {user}: is evicted"));
        if flight.is_some() {
            self.count(Rare::EvictedDuringFill);
        }
        if ending.is_some() {
            // The platform runs an alarm again that did not end.
            self.count(Rare::EvictedWhileEnding);
            self.set_alarm(user, ALARM_AGAIN_MS);
        }
        for waiter in waiters {
            self.send_reply(waiter.guard, waiter.try_, Err(ObjectCallError::Retryable));
        }
    }

    /// The storage is lost with the instance.
    pub(super) fn wipe(&mut self, user: usize) {
        self.evict(user);
        self.count(Rare::Wiped);
        if let Some(object) = self.object(user) {
            (object.disk, object.alarm) = (None, None);
        }
    }

    /// What an object would serve now, as far as it knows.
    pub(super) fn current_answer(&mut self, user: usize, ages: &AgeLimits) -> Option<RoleAnswer> {
        let now = self.object_now();
        self.load(user);
        let ask = RoleQuery {
            user_id: user_id(user).into(),
            fresh: false,
            min_version: 0,
            compact: true,
        };
        let object = self.objects.get(user)?;
        match object.memory.decide(&ask, now, ages, &mut FillBackoff::default()) {
            CacheDecision::Serve(answer) | CacheDecision::ServeAndRefill(answer) => Some(answer),
            CacheDecision::FillFirst | CacheDecision::JoinFill | CacheDecision::Refuse(_) => None,
        }
    }
}
