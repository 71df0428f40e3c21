//! What the line consists of: its bounds, its state, and small helpers on both.

use std::sync::Arc;

use super::decided::{Decisions, Pair};
use super::history::{self, History};
use super::table::{Rows, Table};
use crate::d1::Slot;
use crate::object::Object;
use crate::small_set::SmallSet;
use crate::variant::Variant;
use crate::wire::{HintKey, Ms};

/// When the clock begins.
pub(super) const BEGIN: Ms = 1_000_000;

/// What is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What Clerk says.
    pub history: History,
    /// Whether Svix and the door take their steps, or have taken them.
    pub door: bool,
    /// Whether a consumer's work is taken step by step.
    pub steps: bool,
    /// Workers that die: consumers, or the door.
    pub crashes: u8,
    /// Deliveries that come twice.
    pub copies: u8,
    /// Batches and fills that D1 refuses, or takes and says that it did not.
    pub errors: u8,
    /// Objects thrown out of memory.
    pub evictions: u8,
    /// Events that Svix gives up.
    pub lost: u8,
    /// Steps of the clock, each longer than the hard age.
    pub ticks: u8,
    /// Times that D1 goes away, for longer than all attempts of the first queue, and comes back.
    pub outages: u8,
    /// Messages that D1 refuses, alone, up to the last attempt of the dead-letter queue.
    pub ends: u8,
    /// Questions of the guard of each user.
    pub asks: [u8; 2],
}

/// The model.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is explored.
    pub bounds: Bounds,
    /// The protocol, or a wrong form of it.
    pub variant: Variant,
    /// The events.
    pub script: Arc<history::Script>,
    /// What D1 makes of them.
    pub table: Arc<Table>,
    /// What a consumer makes of them.
    pub decisions: Arc<Decisions>,
}

/// How far a consumer is with its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Consumer {
    /// Messages to apply, before the commit.
    pub messages: Pair,
    /// Messages to park, before the commit.
    pub letters: Pair,
    /// Messages whose commit is done, before the acknowledgement.
    pub done: Pair,
    /// Hints that are owed, read with the commit.
    pub owed: SmallSet<HintKey, 2>,
}

/// Everything there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The one clock.
    pub now: Ms,
    /// Events that Svix still has to deliver, as bits.
    pub unsent: u8,
    /// Events that the door has accepted, as bits.
    pub accepted: u8,
    /// Events whose id the door has noted; wrong forms read it.
    pub noted: u8,
    /// How many of each message the queue holds.
    pub queue: [u8; 8],
    /// The consumers.
    pub consumers: [Consumer; 2],
    /// How many messages of each event the platform gave up.
    pub dead: [u8; 4],
    /// Rows of `dead_letters`, as bits.
    pub letters: u8,
    /// Events of which a message had its last attempt of all, as bits.
    pub ended: u8,
    /// Whether D1 is away.
    pub down: bool,
    /// Rows of `deliveries` that say applied or superseded, as bits.
    pub inbox: u8,
    /// Events whose changes D1 has taken in, as bits; operators' writes among them.
    pub joined: u8,
    /// The rows.
    pub rows: Rows,
    /// Each user's watch.
    pub slots: [Slot; 2],
    /// Each user's role cache.
    pub objects: [Object; 2],
    /// Hints under way, at most two of a user.
    pub hints: SmallSet<HintKey, 4>,
    /// Questions that each user's guard may still ask.
    pub asks: [u8; 2],
    /// Whether it waits for a fill.
    pub waits: [bool; 2],
    /// What each user was ever allowed, as bits by number.
    pub was: [u32; 2],
    /// The same, since the last step of the clock.
    pub is: [u32; 2],
    /// The last version and set that each user's guard was served.
    pub served: [(Ms, u8); 2],
    /// Dead letters that the operator has put back into the queue, as bits.
    pub replayed: u8,
    /// What may still go wrong.
    pub left: Left,
    /// What the last step broke or showed, as bits of `laws`.
    pub marks: u32,
}

/// Faults that may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    /// As in [`Bounds`].
    pub crashes: u8,
    /// As in [`Bounds`].
    pub copies: u8,
    /// As in [`Bounds`].
    pub errors: u8,
    /// As in [`Bounds`].
    pub evictions: u8,
    /// As in [`Bounds`].
    pub lost: u8,
    /// As in [`Bounds`].
    pub ticks: u8,
    /// As in [`Bounds`].
    pub outages: u8,
    /// As in [`Bounds`].
    pub ends: u8,
}

impl Line {
    /// The model at some bounds.
    ///
    /// # Errors
    /// When SQLite refuses what D1 must take.
    pub fn new(bounds: Bounds, variant: Variant) -> anyhow::Result<Self> {
        let script = bounds.history.script();
        let table = Arc::new(Table::new(&script, variant)?);
        let decisions = Arc::new(Decisions::new(&script));
        Ok(Self { bounds, variant, script: Arc::new(script), table, decisions })
    }

    /// Clerk's events, as bits.
    #[must_use]
    pub fn clerks(&self) -> u8 {
        (1 << self.script.clerks) - 1
    }
}
