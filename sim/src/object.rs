//! One object with its memory, its disk and its one fill under way: the twin of what
//! `durable/src/object.rs` does around [`shared::cache::State`], which decides here too.
//!
//! A write to disk and the answer that waits for it are one step: the platform's output gate holds
//! back what leaves the object until the disk has it.

use shared::cache::{Ages, Alarm, Decision, Filled, Row, State};
use shared::object::{Answer, Ask, Hint, HintReply};
use shared::time::UnixMillis;

use crate::variant::Variant;
use crate::wire::{Kept, Read, Sent};

/// As in `durable/src/object.rs`.
const FILLS_MAX: u8 = 4;

/// One user's role cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Object {
    /// Whose.
    pub user: u8,
    /// What the instance in memory knows.
    pub memory: Kept,
    /// What outlives it.
    pub disk: Kept,
    /// The fill that the instance waits for.
    pub flight: Option<Flight>,
    /// When the alarm rings.
    pub alarm: Option<UnixMillis>,
    /// The incarnation whose end the instance waits for D1 to confirm.
    pub ends: Option<i64>,
}

/// A fill under way, and how many came before it for the same questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    /// What was sent.
    pub sent: Sent,
    /// Which of the rows of fills it is.
    pub round: u8,
    /// How far it is.
    pub stage: Stage,
}

/// How far a fill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// On its way to D1.
    Sent,
    /// D1 has answered; the answer is on its way.
    Answered(Option<Read>),
}

/// What a question met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An answer at once.
    Served(Answer),
    /// A fill must come first. Whether one was under way already.
    Waits(bool),
    /// A 503 at once: no fill can meet the question.
    Refused,
}

/// What a fill's answer led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Another fill is under way.
    Again,
    /// The questions are answered from what is held now.
    Done,
    /// The roles cannot be known.
    GaveUp,
}

impl Object {
    /// An object that nobody has asked yet.
    #[must_use]
    pub fn new(user: u8) -> Self {
        Self { user, ..Self::default() }
    }

    /// A guard asks.
    pub fn ask(&mut self, ask: &Ask, now: UnixMillis, ages: &Ages) -> Asked {
        if self.memory.0.touch(now, ages) {
            self.save();
        }
        match self.memory.0.ask(ask, now, ages) {
            Decision::Serve(answer) => Asked::Served(answer),
            Decision::ServeAndRefill(answer) => {
                self.begin_refill(now, ages);
                Asked::Served(answer)
            }
            Decision::Refuse => Asked::Refused,
            Decision::Fill => Asked::Waits(!self.begin_refill(now, ages)),
        }
    }

    /// Begins a fill unless one is under way. Whether this one began.
    pub fn begin_refill(&mut self, now: UnixMillis, ages: &Ages) -> bool {
        if self.flight.is_some() {
            return false;
        }
        self.send(false, 1, now, ages);
        true
    }

    fn send(&mut self, registers: bool, round: u8, now: UnixMillis, ages: &Ages) {
        let (fill, begins) = self.memory.0.begin_fill(registers, now);
        if begins {
            self.save();
            self.alarm = Some(now.plus(ages.idle_ms));
        }
        let sent = Sent::new(self.user, &fill);
        self.flight = Some(Flight { sent, round, stage: Stage::Sent });
    }

    /// D1's answer to the fill under way comes in.
    pub fn arrive(
        &mut self,
        row: Option<Row>,
        now: UnixMillis,
        ages: &Ages,
        variant: Variant,
    ) -> Arrived {
        let Some(flight) = self.flight.take() else { return Arrived::GaveUp };
        let filled = variant.take(&mut self.memory.0, &flight.sent.fill(), row, now);
        if filled != Filled::Dropped {
            self.save();
        }
        match filled {
            Filled::Applied => Arrived::Done,
            Filled::Again | Filled::Dropped if FILLS_MAX <= flight.round => Arrived::GaveUp,
            Filled::Again | Filled::Dropped => {
                self.send(filled == Filled::Again, flight.round + 1, now, ages);
                Arrived::Again
            }
        }
    }

    /// A hint comes in.
    pub fn hint(
        &mut self,
        hint: &Hint,
        now: UnixMillis,
        ages: &Ages,
        variant: Variant,
    ) -> HintReply {
        let floor = self.memory.0.floor;
        let reply = variant.hint(&mut self.memory.0, hint, now);
        if self.memory.0.floor != floor || variant.hint_writes() {
            self.save();
        }
        if variant.forgets_fills() {
            self.flight = None;
        }
        let owed = self.memory.0.is_below_floor();
        if reply == HintReply::Acked && owed && variant.refills_on_hint() {
            self.begin_refill(now, ages);
        }
        reply
    }

    /// The alarm rings. The incarnation whose watch D1 shall end, if it comes to that.
    pub fn ring(&mut self, now: UnixMillis, ages: &Ages, variant: Variant) -> Option<i64> {
        let owner = match variant.alarm(&mut self.memory.0, now, ages) {
            Alarm::Rearm(at) => {
                self.alarm = Some(at);
                return None;
            }
            Alarm::End(owner) => owner,
        };
        self.save();
        self.alarm = None;
        self.ends = Some(owner);
        Some(owner)
    }

    /// D1 has confirmed the end of the watch, or not.
    pub fn ended(&mut self, confirmed: bool, now: UnixMillis, ages: &Ages) {
        let Some(owner) = self.ends.take() else { return };
        if !confirmed {
            self.alarm = Some(now);
        } else if self.memory.0.ended(owner) && self.flight.is_none() {
            *self = Self::new(self.user);
        } else {
            self.save();
            self.alarm = Some(now.plus(ages.idle_ms));
        }
    }

    /// The instance is thrown out of memory. The fill that it had sent, which may still land.
    pub fn evict(&mut self, now: UnixMillis, variant: Variant) -> Option<Sent> {
        self.memory.0 = variant.reload(&self.disk.0);
        self.disk = self.memory.clone();
        if self.ends.take().is_some() {
            // The platform runs an alarm again that did not end.
            self.alarm = Some(now);
        }
        let flight = self.flight.take()?;
        (flight.stage == Stage::Sent).then_some(flight.sent)
    }

    fn save(&mut self) {
        self.disk = self.memory.clone();
    }
}

/// The state as an evicted object finds it without its floor.
#[must_use]
pub fn without_floor(disk: &State) -> State {
    State { floor: 0, ..disk.clone() }
}
