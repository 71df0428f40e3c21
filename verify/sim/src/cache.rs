//! The cache half alone, deep: one user's roles in D1, the watch, the outbox, the object, two
//! guards, the alarm, one restore of the database, and a network that loses, repeats and reorders.
//!
//! What the user may do is a number: each commit makes the next one, and even ones grant. So every
//! set that is served can be told from every other, and its time as the truth is known.

mod action;
mod laws;
mod mark;
mod step;
mod world;

use stateright::{Model, Property};

pub use action::Action;
pub use world::{Bounds, Cache, Guard, Wants, World};

use self::world::{BEGIN, SETS_MAX};
use crate::d1::Slot;
use crate::object::Object;
use crate::small_set::SmallSet;
use crate::wire::Ms;

impl Model for Cache {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let begin = |skew: &Ms| World {
            now: BEGIN,
            skew: *skew,
            truth: 0,
            made: 0,
            slot: Slot::default(),
            object: Object::new(0),
            orphans: SmallSet::default(),
            hints: SmallSet::default(),
            replies: SmallSet::default(),
            unwatches: SmallSet::default(),
            guards: vec![Guard::Idle; self.bounds.guards.len()],
            copy: None,
            restored_at: None,
            lagging: None,
            served: 0,
            ended: [0; SETS_MAX],
            marks: 0,
        };
        self.bounds.skews.iter().map(begin).collect()
    }

    fn actions(&self, world: &World, acts: &mut Vec<Action>) {
        action::list(self, world, acts);
    }

    fn next_state(&self, world: &World, act: Action) -> Option<World> {
        let mut next = world.clone();
        next.marks = 0;
        step::step(self, &mut next, act);
        step::forget(&mut next);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(&self.bounds)
    }
}
