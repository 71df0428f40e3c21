//! Dead letters and their replays at small bounds: the rows of the letters, one or two replays,
//! those who carry them on (requests of the console, the cron), the queue, the consumer, the
//! sweep, operators, and a world that changes meanwhile.
//!
//! The steps of letters and replays are those of `shared::operators::{letter, replay}`. Each letter
//! is about a user of its own; what a message does to its row is asked of `shared::merge`. Time is
//! not modelled: whatever a timeout allows may happen at any moment.

pub mod law;

pub mod action;
mod drive;
mod laws;
mod life;
mod machine;
mod mark;
mod memory;
mod message;
mod paper;
mod progress;
mod queue;
mod replay;
mod step;
mod stored;
mod world;

use shared::operators::letter::LetterState;
use stateright::{Model, Property};

pub use action::Action;
pub use world::{Bounds, Left, Letters, Message, Number, World};

use self::law::{Content, Law};
use self::world::{Driver, LETTERS, Letter, REPLAYS};
use crate::small_set::SmallSet;
use crate::variant::Variant;

impl Letters {
    /// The model of these bounds.
    #[must_use]
    pub fn new(bounds: Bounds, variant: Variant) -> Self {
        let (law, rows, memory) = (Law::new(), paper::rows(&bounds), memory::Memory::default());
        Self { bounds, variant, law, rows, memory }
    }
}

impl Model for Letters {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let parked = LetterState::Parked;
        let letter = Letter { state: parked, generation: 0, replay: None, sent: false, round: 0 };
        let mut world = World {
            letters: [letter; LETTERS],
            replays: [machine::begin(false); REPLAYS],
            drivers: [Driver::Idle; 2],
            queue: SmallSet::default(),
            rows: [Content::None; LETTERS],
            inbox: [None; LETTERS],
            took: 0,
            gone: 0,
            discarded: 0,
            unaudited: false,
            left: self.bounds.left,
            marks: 0,
        };
        for (number, (row, (content, _))) in
            (0..).zip(world.rows.iter_mut().zip(self.bounds.letters))
        {
            *row = *content;
            world.gone |= u8::from(*content == Content::Deleted) << number;
        }
        for (replay, _) in world.replays.iter_mut().zip(self.bounds.replays) {
            *replay = machine::begin(true);
        }
        vec![world]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Action>) {
        action::list(self, world, acts);
    }

    fn next_state(&self, world: &World, act: Action) -> Option<World> {
        let before = World { marks: 0, ..*world };
        let mut next = before;
        step::step(self, &mut next, act);
        // Which of two drivers is which makes no difference.
        next.drivers.sort_unstable();
        if next == before {
            return None;
        }
        if progress::way_to_go(self, world) <= progress::way_to_go(self, &next) {
            next.marks |= mark::Mark::NoProgress.bit();
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(&self.bounds)
    }
}
