//! The whole line at small bounds: Clerk's events through Svix, the door, the queue, two consumers,
//! D1 and the outbox to the role caches of two users and a guard for each; the dead-letter queue,
//! dead letters, operators, the sweep, D1 away for long and one step of the clock.
//!
//! The queue hands a message out for the last but one time first, for all that the earlier times
//! change is the count. Where the bounds name no door, every event lies in the queue from the
//! beginning: as the queue keeps no order, one that is delivered late is one that lies there long,
//! one delivered twice lies there twice, and one given up is not there. Each choice of these is a
//! state to begin with, the two together among them. Where the bounds say so a consumer's work is
//! one step, and what goes wrong in it is part of that step: [`action::Fate`].
//! `docs/correctness.md` says why nothing is lost by it, and a test holds the two ways against each
//! other.

pub mod decided;
pub mod history;
pub mod table;

pub mod action;
mod begin;
mod dead;
mod laws;
mod mark;
mod next;
mod normal;
mod pipe;
mod progress;
mod step;
mod world;
mod write;

#[cfg(test)]
mod same;

use stateright::{Model, Property};

pub use action::Action;
pub use world::{Bounds, Consumer, Left, Line, World};

impl Model for Line {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let (bounds, all) = (&self.bounds, self.clerks());
        let Bounds { copies, lost, .. } = *bounds;
        if bounds.door {
            return vec![World { unsent: all, ..self.begin(0, copies, lost) }];
        }
        let given_up = next::bits(all).filter(|_| lost != 0).map(|event| all & !(1 << event));
        let mut worlds = vec![];
        for sent in std::iter::once(all).chain(given_up) {
            let once = self.begin(sent, 0, 0);
            worlds.push(once);
            worlds.extend(next::bits(sent).filter(|_| copies != 0).map(|event| {
                let mut twice = once;
                pipe::enqueue(&mut twice, decided::message_number(event, false));
                twice
            }));
        }
        worlds
    }

    fn actions(&self, world: &World, acts: &mut Vec<Action>) {
        next::list(self, world, acts);
    }

    fn next_state(&self, world: &World, act: Action) -> Option<World> {
        let mut next = World { marks: 0, ..*world };
        step::step(self, &mut next, act);
        let truth = self.table.what(next.rows);
        normal::normalize(&mut next, truth);
        if next == *world {
            return None;
        }
        if progress::way_to_go(self, world) <= progress::way_to_go(self, &next) {
            next.marks |= mark::Mark::NoProgress.bit();
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(self.bounds)
    }
}

#[cfg(test)]
mod tests {
    use stateright::Model as _;

    use super::Line;
    use super::decided::message_number;
    use crate::bounds::{Bounds, full};
    use crate::variant::{Scope, Variant};

    #[test]
    fn a_duplicate_meets_an_event_given_up() {
        for scope in [Scope::Copies, Scope::Late] {
            let Bounds::Line(bounds) = full(scope) else { panic!("{scope:?} is not of the line") };
            let worlds = Line::new(bounds, Variant::Right).unwrap().init_states();
            let has = |twice: u8, never: u8| {
                let place = usize::from(message_number(twice, false)) - 1;
                worlds.iter().any(|it| it.queue[place] == 2 && it.accepted & (1 << never) == 0)
            };
            for (twice, never) in (0..4).flat_map(|it| (0..4).map(move |other| (it, other))) {
                assert_eq!(has(twice, never), twice != never, "{scope:?}: {twice}, {never}");
            }
            // All once; one twice; one never; one twice and another never.
            assert_eq!(worlds.len(), 1 + 4 + 4 + 12, "{scope:?}");
        }
    }
}
