//! The two queues, recognized by the names that the settings give them.

use crate::limits::ATTEMPTS_MAX;

/// A queue whose messages the consumer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// The events queue, written by ingest.
    Events,
    /// The dead-letter queue: messages that failed all attempts of the events queue. They are
    /// applied in the same way, with more time.
    DeadLetterQueue,
}

/// The names in the settings; empty if not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueNames<'a> {
    /// The variable `EVENTS_QUEUE`.
    pub events: &'a str,
    /// The variable `DEAD_QUEUE`.
    pub dead: &'a str,
}

impl QueueKind {
    /// The value of the label `queue`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::DeadLetterQueue => "dead",
        }
    }

    /// The queue of this name. `None` if the settings do not name it, or give both queues the same
    /// name.
    #[must_use]
    pub fn from_name(name: &str, names: QueueNames<'_>) -> Option<Self> {
        let is = |configured: &str| !name.is_empty() && configured.trim() == name;
        match (is(names.events), is(names.dead)) {
            (true, false) => Some(Self::Events),
            (false, true) => Some(Self::DeadLetterQueue),
            (true, true) | (false, false) => None,
        }
    }

    /// Total attempts over both queues, given the count of this one: Queues starts again at 1 when
    /// it moves a message to the dead-letter queue.
    #[must_use]
    pub fn total_attempts(self, counted: u32) -> u32 {
        match self {
            Self::Events => counted,
            Self::DeadLetterQueue => ATTEMPTS_MAX.saturating_add(counted),
        }
    }
}

/// The same for a queue that the settings may not name. Its messages wait as long as those of the
/// dead-letter queue.
#[must_use]
pub fn total_attempts(queue: Option<QueueKind>, counted: u32) -> u32 {
    queue.unwrap_or(QueueKind::DeadLetterQueue).total_attempts(counted)
}

#[cfg(test)]
mod tests {
    use super::{QueueKind, QueueNames, total_attempts};

    #[track_caller]
    fn check(name: &str, [events, dead]: [&str; 2], want: Option<QueueKind>) {
        assert_eq!(QueueKind::from_name(name, QueueNames { events, dead }), want);
    }

    #[test]
    fn a_queue_is_found_by_its_configured_name() {
        let names = ["rolecall-events-staging", "rolecall-dead-staging"];
        check(names[0], names, Some(QueueKind::Events));
        check(names[1], names, Some(QueueKind::DeadLetterQueue));
        for other in ["rolecall-events", "rolecall-dead", "", "x"] {
            check(other, names, None);
        }
        check("q", [" q\n", "d"], Some(QueueKind::Events));
    }

    #[test]
    fn an_unconfigured_or_ambiguous_queue_is_none() {
        check("rolecall-events", ["", ""], None);
        check("q", ["q", "q"], None);
        check("q", ["", "q"], Some(QueueKind::DeadLetterQueue));
    }

    #[test]
    fn attempts_count_on_from_one_queue_to_the_other() {
        assert_eq!(QueueKind::Events.total_attempts(9), 9);
        assert_eq!(QueueKind::DeadLetterQueue.total_attempts(1), 10);
        assert_eq!(QueueKind::DeadLetterQueue.total_attempts(u32::MAX), u32::MAX);
        assert_eq!(total_attempts(Some(QueueKind::Events), 9), 9);
        assert_eq!(total_attempts(None, 1), 10);
    }
}
