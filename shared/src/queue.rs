//! The two queues: which is which, by the names that the configuration gives.

use crate::limits::ATTEMPTS_MAX;

/// A queue whose messages the consumer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The one that the door fills.
    Events,
    /// The one to which the platform moves what the other has handed out in vain. Its messages are
    /// applied alike; they have more time.
    Dead,
}

/// What the configuration calls them; blank when it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// The variable `EVENTS_QUEUE`.
    pub events: &'a str,
    /// The variable `DEAD_QUEUE`.
    pub dead: &'a str,
}

impl Queue {
    /// The queue of this name. None, when the configuration knows no such queue, or gives both the
    /// same name.
    #[must_use]
    pub fn of(name: &str, names: Names<'_>) -> Option<Self> {
        let is = |configured: &str| !name.is_empty() && configured.trim() == name;
        match (is(names.events), is(names.dead)) {
            (true, false) => Some(Self::Events),
            (false, true) => Some(Self::Dead),
            (true, true) | (false, false) => None,
        }
    }

    /// How often a message has been handed out in all, when this queue counts so many. The platform
    /// begins to count anew when it moves a message.
    #[must_use]
    pub fn attempts(self, counted: u32) -> u32 {
        match self {
            Self::Events => counted,
            Self::Dead => ATTEMPTS_MAX.saturating_add(counted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, Queue};

    #[track_caller]
    fn check(name: &str, [events, dead]: [&str; 2], want: Option<Queue>) {
        assert_eq!(Queue::of(name, Names { events, dead }), want);
    }

    #[test]
    fn a_queue_is_what_the_configuration_calls_it() {
        let names = ["rolecall-events-staging", "rolecall-dead-staging"];
        check(names[0], names, Some(Queue::Events));
        check(names[1], names, Some(Queue::Dead));
        for other in ["rolecall-events", "rolecall-dead", "", "x"] {
            check(other, names, None);
        }
        check("q", [" q\n", "d"], Some(Queue::Events));
    }

    #[test]
    fn what_the_configuration_leaves_open_is_no_queue() {
        check("rolecall-events", ["", ""], None);
        check("q", ["q", "q"], None);
        check("q", ["", "q"], Some(Queue::Dead));
    }

    #[test]
    fn attempts_count_on_from_one_queue_to_the_other() {
        assert_eq!(Queue::Events.attempts(9), 9);
        assert_eq!(Queue::Dead.attempts(1), 10);
        assert_eq!(Queue::Dead.attempts(u32::MAX), u32::MAX);
    }
}
