//! The whole line at small bounds: Clerk's events through Svix, the door, the queue, two consumers,
//! D1 and the outbox to the role caches of two users and a guard for each.
//!
//! The clock stands still here: ages are the cache half's. The queue hands a message out for the
//! last but one time first, for all that the earlier times change is the count. Every event lies in
//! the queue from the beginning: as the queue keeps no order, one that Svix delivers late is one
//! that lies there long, one delivered twice lies there twice, and one given up is not there. Each
//! choice of these is a state to begin with.

pub mod history;
pub mod store;

mod act;
mod laws;
mod pipe;
mod handout;
mod step;

use std::collections::BTreeSet;
use std::sync::Arc;

use stateright::{Model, Property};

pub use act::Act;

use crate::d1::Watch;
use crate::object::Object;
use crate::variant::Variant;
use crate::wire::Told;
use history::{History, Known};
use store::Rows;

/// What is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What Clerk says.
    pub history: History,
    /// Consumers that die.
    pub crashes: u8,
    /// Deliveries that come twice.
    pub copies: u8,
    /// Batches that D1 refuses, or takes and says that it did not.
    pub errors: u8,
    /// Objects thrown out of memory.
    pub evictions: u8,
    /// Events that Svix gives up.
    pub lost: u8,
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
    pub events: Arc<Vec<Known>>,
    /// How many of them D1 holds at the beginning.
    pub before: u8,
}

/// A message in the queue: the event and how often it has been handed out.
pub type Held = (u8, u32);

/// How far a consumer is with its batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Consumer {
    /// Messages to apply, before the commit.
    pub messages: Vec<Held>,
    /// Messages to park, before the commit.
    pub letters: Vec<Held>,
    /// Messages whose commit is done, before the acknowledgement.
    pub done: Vec<Held>,
    /// Hints that are owed, read with the commit.
    pub owed: BTreeSet<Told>,
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Events that Svix still has to deliver, as bits.
    pub unsent: u32,
    /// Events that the door has accepted, as bits.
    pub accepted: u32,
    /// Events whose id the door has noted; wrong forms read it.
    pub noted: u32,
    /// The queue, sorted.
    pub queue: Vec<Held>,
    /// The consumers.
    pub consumers: [Consumer; 2],
    /// The queue of what the platform gave up, sorted.
    pub dead: Vec<u8>,
    /// Rows of `dead_letters`, as bits.
    pub letters: u32,
    /// Rows of `deliveries` that say applied or superseded, as bits.
    pub inbox: u32,
    /// Events whose changes D1 has taken in, as bits.
    pub joined: u32,
    /// The synced rows.
    pub rows: Rows,
    /// Each user's row of `watches`.
    pub slots: [Option<Watch>; 2],
    /// Each user's role cache.
    pub objects: [Object; 2],
    /// Hints under way.
    pub hints: BTreeSet<Told>,
    /// Questions that each user's guard may still ask.
    pub asks: [u8; 2],
    /// Whether it waits for a fill.
    pub waits: [bool; 2],
    /// What each user was ever allowed, as bits by number.
    pub was: [u32; 2],
    /// The last version and set that each user's guard was served.
    pub served: [(i64, u16); 2],
    /// Dead letters that the operator has put back into the queue, as bits.
    pub replayed: u32,
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
    pub errors: u8,
    /// As in [`Bounds`].
    pub evictions: u8,
}

impl Line {
    /// The model at some bounds.
    #[must_use]
    pub fn new(bounds: Bounds, variant: Variant) -> Self {
        let (events, before) = bounds.history.events();
        let before = u8::try_from(before).unwrap_or(u8::MAX);
        Self { bounds, variant, events: Arc::new(events), before }
    }
}

impl Model for Line {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let bounds = &self.bounds;
        let before = (1_u32 << self.before) - 1;
        let all = (1_u32 << self.events.len()) - 1;
        if self.variant == Variant::NotedBeforeSent {
            return vec![self.begin(all & !before, before, vec![])];
        }
        let told: Vec<u8> = act::bits(all & !before).collect();
        let mut worlds = vec![self.begin(0, all, told.clone())];
        for event in &told {
            if bounds.copies != 0 {
                let twice = told.iter().chain([event]).copied().collect();
                worlds.push(self.begin(0, all, twice));
            }
            if bounds.lost != 0 {
                let rest = told.iter().filter(|it| *it != event).copied().collect();
                worlds.push(self.begin(0, all & !(1 << event), rest));
            }
        }
        worlds
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        act::list(self, world, acts);
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        next.marks = 0;
        step::step(self, &mut next, act);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(self.bounds)
    }
}

impl Line {
    /// A world in which Svix still has `unsent`, the door has `accepted`, and `told` is in the
    /// queue.
    fn begin(&self, unsent: u32, accepted: u32, told: Vec<u8>) -> World {
        let bounds = &self.bounds;
        let before = (1_u32 << self.before) - 1;
        let mut queue: Vec<Held> = told.into_iter().map(|event| (event, pipe::FIRST)).collect();
        queue.sort_unstable();
        let rows = store::fold(&self.events, before);
        let was = [0, 1].map(|user| 1 << store::code(&self.events, &rows, user, self.variant));
        World {
            unsent,
            accepted,
            noted: 0,
            queue,
            consumers: [Consumer::default(), Consumer::default()],
            dead: vec![],
            letters: 0,
            inbox: before,
            joined: before,
            rows,
            slots: [None, None],
            objects: [Object::new(0), Object::new(1)],
            hints: BTreeSet::new(),
            asks: bounds.asks,
            waits: [false; 2],
            was,
            served: [(0, 0); 2],
            replayed: 0,
            left: Left {
                crashes: bounds.crashes,
                errors: bounds.errors,
                evictions: bounds.evictions,
            },
            marks: 0,
        }
    }
}
