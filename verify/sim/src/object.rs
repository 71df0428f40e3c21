//! One object with its memory, its disk and its one fill under way: the twin of what
//! `durable/src/object.rs` does around [`shared::cache::CacheState`], which decides here too.
//!
//! A write to disk and the answer that waits for it are one step: the platform's output gate holds
//! back what leaves the object until the disk has it.

mod outcome;

use shared::cache::{
    AfterFill, AgeLimits, AlarmAction, CacheDecision, CacheState, FillBackoff, FillOutcome,
    FillResult,
};
use shared::role_cache::{Hint, HintReply, RoleAnswer, RoleQuery};

pub use outcome::{Arrived, Asked, Disk, Flight, Stage};

use crate::variant::Variant;
use crate::wire::{FillRow, Ms, PackedState, SentFill, instant, ms, set};

/// One user's role cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Object {
    /// Whose.
    pub user: u8,
    /// What the instance in memory knows.
    pub memory: PackedState,
    /// What outlives it.
    pub disk: PackedState,
    /// The fill that the instance waits for.
    pub flight: Option<Flight>,
    /// When the alarm rings.
    pub alarm: Option<Ms>,
    /// The incarnation whose end the instance waits for D1 to confirm.
    pub ends: Option<Ms>,
    /// How the instance spaces its fills.
    pub pace: FillBackoff,
}

impl Object {
    /// An object that nobody has asked yet.
    #[must_use]
    pub fn new(user: u8) -> Self {
        Self { user, ..Self::default() }
    }

    /// A guard asks.
    pub fn ask(&mut self, ask: &RoleQuery, now: Ms, ages: &AgeLimits, variant: Variant) -> Asked {
        let touched = self.with(|state| state.record_use(instant(now), ages));
        if touched || (!self.is_saved() && variant != Variant::ServesUnsaved) {
            self.save();
        }
        if variant == Variant::WaitsForEver && self.pace != FillBackoff::default() {
            return Asked::Refused;
        }
        match self.memory.state().decide(ask, instant(now), ages, &mut self.pace) {
            CacheDecision::Serve(answer) => Asked::Served(answer),
            CacheDecision::ServeAndRefill(answer) => {
                self.begin_refill(now, ages);
                Asked::Served(answer)
            }
            CacheDecision::JoinFill if self.flight.is_some() => Asked::Waits(false),
            CacheDecision::JoinFill | CacheDecision::Refuse(_) => Asked::Refused,
            CacheDecision::FillFirst => Asked::Waits(!self.begin_refill(now, ages)),
        }
    }

    /// Answers a question of `asked_at` after a fill, if the fill meets it.
    #[must_use]
    pub fn after_fill(
        &self,
        ask: &RoleQuery,
        asked_at: Ms,
        now: Ms,
        ages: &AgeLimits,
    ) -> Option<RoleAnswer> {
        self.memory.state().answer_after_fill(ask, instant(asked_at), instant(now), ages)
    }

    /// Begins a fill unless one is under way. Whether this one began.
    pub fn begin_refill(&mut self, now: Ms, ages: &AgeLimits) -> bool {
        if self.flight.is_some() {
            return false;
        }
        self.send(false, 1, now, ages);
        true
    }

    fn send(&mut self, registers: bool, round: u8, now: Ms, ages: &AgeLimits) {
        let (fill, begins) = self.with(|state| state.begin_fill(registers, instant(now)));
        if begins {
            self.save();
            self.arm(instant(now).plus(ages.idle_ms).0);
        }
        let sent = SentFill::new(self.user, &fill);
        self.flight = Some(Flight { sent, round, stage: Stage::Sent });
    }

    /// D1's answer to the fill under way comes in.
    pub fn arrive(
        &mut self,
        read: Option<FillRow>,
        now: Ms,
        ages: &AgeLimits,
        (variant, disk): (Variant, Disk),
    ) -> Arrived {
        let Some(flight) = self.flight.take() else { return Arrived::GaveUp };
        let row =
            read.map(|it| FillResult { owner: it.owner.into(), set: set(it.version, it.what) });
        let fill = flight.sent.fill();
        let filled = self.with(|state| variant.take(state, &fill, row, instant(now)));
        if filled != FillOutcome::Discarded && disk == Disk::Fails {
            self.fill_failed(now);
            return Arrived::GaveUp;
        }
        if filled != FillOutcome::Discarded {
            self.save();
        }
        match filled.next_step(flight.round.into()) {
            AfterFill::Done => {
                self.pace.record_success();
                Arrived::Done
            }
            AfterFill::GiveUp => {
                self.fill_failed(now);
                Arrived::GaveUp
            }
            AfterFill::FillAgain { registers } => {
                self.send(registers, flight.round + 1, now, ages);
                Arrived::Again
            }
        }
    }

    /// The fill under way has failed, or nothing came of it: the next one waits.
    pub fn fill_failed(&mut self, now: Ms) {
        self.flight = None;
        self.pace = FillBackoff::default();
        self.pace.record_failure(instant(now), 0);
    }

    /// As much time goes by, within a step of the clock, as a wait lasts and a demand counts.
    pub fn rest(&mut self) {
        self.pace = FillBackoff::default();
    }

    /// A hint comes in. No answer when `disk` fails, and the instance lives on.
    pub fn hint(
        &mut self,
        hint: &Hint,
        now: Ms,
        ages: &AgeLimits,
        (variant, disk): (Variant, Disk),
    ) -> Option<HintReply> {
        let before = self.memory;
        let reply = self.with(|state| variant.hint(state, hint, instant(now)));
        let forgets = variant == Variant::UnsavedIsForgotten;
        let writes = if forgets { self.memory != before } else { !self.is_saved() };
        if writes && disk == Disk::Fails {
            return None;
        }
        if writes {
            self.save();
        }
        if variant.forgets_fills() {
            self.flight = None;
        }
        let owed = self.memory.served().is_none();
        let may = variant.refills_on_hint() && self.pace.remaining_ms(instant(now)).is_none();
        if reply == HintReply::Acked && owed && may {
            self.begin_refill(now, ages);
        }
        Some(reply)
    }

    /// The alarm rings. The incarnation whose watch D1 shall end, if it comes to that.
    pub fn ring(&mut self, now: Ms, ages: &AgeLimits, variant: Variant) -> Option<Ms> {
        let owner = match self.with(|state| variant.alarm(state, instant(now), ages)) {
            AlarmAction::Rearm(at) => {
                self.arm(at.0);
                return None;
            }
            AlarmAction::EndWatch(owner) => ms(owner),
        };
        self.save();
        self.alarm = None;
        self.ends = Some(owner);
        Some(owner)
    }

    /// D1 has confirmed the end of the watch, or not.
    pub fn ended(&mut self, confirmed: bool, now: Ms, ages: &AgeLimits, variant: Variant) {
        let Some(owner) = self.ends.take() else { return };
        if !confirmed {
            self.alarm = Some(now);
            return;
        }
        let now_or_so = if variant == Variant::ClearsAtOnce { now + 1 } else { now };
        let may_clear = self.with(|state| state.watch_ended(owner.into(), instant(now_or_so)));
        if may_clear && self.flight.is_none() {
            *self = Self::new(self.user);
        } else {
            self.save();
            self.arm(instant(now).plus(ages.idle_ms).0);
        }
    }

    /// The instance is thrown out of memory. The fill that it had sent, which may still land.
    pub fn evict(&mut self, now: Ms, variant: Variant) -> Option<SentFill> {
        self.pace = FillBackoff::default();
        self.memory = PackedState::from(&variant.reload(&self.disk.state()));
        self.disk = self.memory;
        if self.ends.take().is_some() {
            // The platform runs an alarm again that did not end.
            self.alarm = Some(now);
        }
        let flight = self.flight.take()?;
        (flight.stage == Stage::Sent).then_some(flight.sent)
    }

    /// Lets the machine work on the state in memory.
    fn with<T>(&mut self, work: impl FnOnce(&mut CacheState) -> T) -> T {
        let mut state = self.memory.state();
        let done = work(&mut state);
        self.memory = PackedState::from(&state);
        done
    }

    fn arm(&mut self, at: i64) {
        self.alarm = Some(ms(at));
    }

    /// Whether the disk holds what the memory does, as [`shared::cache::TrackedState`] counts it.
    fn is_saved(&self) -> bool {
        self.disk == self.memory
    }

    fn save(&mut self) {
        self.disk = self.memory;
    }
}
