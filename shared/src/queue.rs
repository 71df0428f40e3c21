//! The two queues: which is which, by the names that the configuration gives.

use crate::limits::ATTEMPTS_MAX;

/// A queue whose messages the consumer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// The one that the door fills.
    Events,
    /// The one to which the platform moves what the other has handed out in vain. Its messages are
    /// applied alike; they have more time.
    DeadLetters,
}

/// What the configuration calls them; blank when it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueNames<'a> {
    /// The variable `EVENTS_QUEUE`.
    pub events: &'a str,
    /// The variable `DEAD_QUEUE`.
    pub dead: &'a str,
}

impl QueueKind {
    /// The queue of this name. None, when the configuration knows no such queue, or gives both the
    /// same name.
    #[must_use]
    pub fn from_name(name: &str, names: QueueNames<'_>) -> Option<Self> {
        let is = |configured: &str| !name.is_empty() && configured.trim() == name;
        match (is(names.events), is(names.dead)) {
            (true, false) => Some(Self::Events),
            (false, true) => Some(Self::DeadLetters),
            (true, true) | (false, false) => None,
        }
    }

    /// How often a message has been handed out in all, when this queue counts so many. The platform
    /// begins to count anew when it moves a message.
    #[must_use]
    pub fn total_attempts(self, counted: u32) -> u32 {
        match self {
            Self::Events => counted,
            Self::DeadLetters => ATTEMPTS_MAX.saturating_add(counted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{QueueKind, QueueNames};

    #[track_caller]
    fn check(name: &str, [events, dead]: [&str; 2], want: Option<QueueKind>) {
        assert_eq!(QueueKind::from_name(name, QueueNames { events, dead }), want);
    }

    #[test]
    fn a_queue_is_what_the_configuration_calls_it() {
        let names = ["rolecall-events-staging", "rolecall-dead-staging"];
        check(names[0], names, Some(QueueKind::Events));
        check(names[1], names, Some(QueueKind::DeadLetters));
        for other in ["rolecall-events", "rolecall-dead", "", "x"] {
            check(other, names, None);
        }
        check("q", [" q\n", "d"], Some(QueueKind::Events));
    }

    #[test]
    fn what_the_configuration_leaves_open_is_no_queue() {
        check("rolecall-events", ["", ""], None);
        check("q", ["q", "q"], None);
        check("q", ["", "q"], Some(QueueKind::DeadLetters));
    }

    #[test]
    fn attempts_count_on_from_one_queue_to_the_other() {
        assert_eq!(QueueKind::Events.total_attempts(9), 9);
        assert_eq!(QueueKind::DeadLetters.total_attempts(1), 10);
        assert_eq!(QueueKind::DeadLetters.total_attempts(u32::MAX), u32::MAX);
    }
}
