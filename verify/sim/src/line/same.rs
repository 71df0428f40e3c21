//! A consumer's work as one step, held to the same work step by step: what can be reached with the
//! consumers idle is the same.

use std::collections::HashSet;

use stateright::Model as _;

use super::history::History;
use super::{Bounds, Consumer, Line, World};
use crate::variant::Variant;

/// Every world that can be reached in which the consumers are idle.
fn reached(bounds: Bounds) -> HashSet<World> {
    let model = Line::new(bounds, Variant::Right).unwrap();
    let mut open = model.init_states();
    for world in &mut open {
        // The first three events are enough to tell the two ways apart, and few enough to be quick.
        world.queue[6..].fill(0);
        world.accepted &= 0b111;
    }
    let mut seen: HashSet<World> = open.iter().copied().collect();
    let mut acts = vec![];
    while let Some(world) = open.pop() {
        model.actions(&world, &mut acts);
        for act in acts.drain(..) {
            let next = model.next_state(&world, act).map(|next| World { marks: 0, ..next });
            open.extend(next.filter(|next| seen.insert(*next)));
        }
    }
    seen.into_iter().filter(|it| it.consumers == [Consumer::default(); 2]).collect()
}

#[track_caller]
fn check(bounds: Bounds) {
    let whole = reached(Bounds { steps: false, ..bounds });
    let steps = reached(Bounds { steps: true, ..bounds });
    let (more, less) = (steps.difference(&whole).count(), whole.difference(&steps).count());
    assert_eq!((more, less), (0, 0), "of {} worlds", whole.len());
    assert!(200 < whole.len(), "only {} worlds", whole.len());
}

const BOUNDS: Bounds = Bounds {
    history: History::Ties,
    door: false,
    steps: false,
    crashes: 1,
    copies: 0,
    errors: 0,
    evictions: 0,
    lost: 0,
    ticks: 0,
    outages: 0,
    ends: 0,
    asks: [1, 0],
};

#[test]
fn a_consumer_that_dies_leads_nowhere_else_when_its_work_is_one_step() {
    check(BOUNDS);
}

#[test]
fn neither_does_an_error_of_d1() {
    check(Bounds { crashes: 0, errors: 1, ..BOUNDS });
}

#[test]
fn nor_both_with_a_duplicate() {
    check(Bounds { history: History::Revoke, errors: 1, copies: 1, asks: [0, 0], ..BOUNDS });
}
