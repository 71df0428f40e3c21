//! How the line begins.

use super::world::{BEGIN, Bounds, Consumer, Left, Line, World};
use super::{decided, next, normal, pipe};
use crate::d1::Slot;
use crate::object::Object;
use crate::small_set::SmallSet;

impl Line {
    /// A world in which the door has accepted these, and they are in the queue.
    pub(super) fn begin(&self, accepted: u8, copies: u8, lost: u8) -> World {
        let Bounds { crashes, errors, evictions, ticks, outages, ends, asks, .. } = self.bounds;
        let is = self.table.what(0).map(|what| 1 << what);
        let mut world = World {
            now: BEGIN,
            unsent: 0,
            accepted,
            noted: 0,
            queue: [0; 8],
            consumers: [Consumer::default(); 2],
            dead: [0; 4],
            letters: 0,
            ended: 0,
            down: false,
            inbox: 0,
            joined: 0,
            rows: 0,
            slots: [Slot::default(); 2],
            objects: [Object::new(0), Object::new(1)],
            hints: SmallSet::default(),
            asks,
            waits: [false; 2],
            was: is,
            is,
            served: [(0, 0); 2],
            replayed: 0,
            left: Left { crashes, copies, errors, evictions, lost, ticks, outages, ends },
            marks: 0,
        };
        for event in next::bits(accepted) {
            pipe::enqueue(&mut world, decided::message_number(event, false));
        }
        let truth = self.table.what(world.rows);
        normal::normalize(&mut world, truth);
        world
    }
}
