//! The bounds: `docs/correctness.md` lists them.

mod of_letters;

use crate::cache::Wants;
use crate::line::history::History;
use crate::variant::Scope;
use crate::wire::Ms;
use crate::{cache, letters, line};

/// The bounds of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// Of the cache half.
    Cache(cache::Bounds),
    /// Of the line.
    Line(line::Bounds),
    /// Of the letters.
    Letters(letters::Bounds),
}

/// What `sim check` explores to its end.
#[must_use]
pub fn full(scope: Scope) -> Bounds {
    match scope {
        Scope::Changes => cache(cache::Bounds { commits: 3, under_way: 2, guards: &TWO, ..CACHE }),
        Scope::Ages => cache(cache::Bounds { commits: 2, ticks: 3, ..CACHE }),
        Scope::Demands => {
            cache(cache::Bounds { commits: 2, ticks: 1, guards: &DEMANDING, ..CACHE })
        }
        Scope::Unwatch => cache(cache::Bounds { commits: 1, ticks: 3, alarms: true, ..CACHE }),
        Scope::Return => cache(cache::Bounds { commits: 2, ticks: 2, alarms: true, ..CACHE }),
        Scope::Restore => cache(cache::Bounds { commits: 2, ticks: 1, restores: true, ..CACHE }),
        Scope::Everybody => {
            let (guards, everybody) = (&TWO, true);
            cache(cache::Bounds { commits: 2, ticks: 2, guards, everybody, ..CACHE })
        }
        Scope::Skew => {
            let guards = &[Wants::AtLeast];
            cache(cache::Bounds { commits: 2, ticks: 2, skews: &SKEWS, guards, ..CACHE })
        }
        Scope::Replica => cache(cache::Bounds { commits: 1, ticks: 3, replica: true, ..CACHE }),
        Scope::Trouble => {
            cache(cache::Bounds { commits: 2, guards: &DEMANDING, trouble: true, ..CACHE })
        }
        Scope::Faults => {
            line(line::Bounds { copies: 0, lost: 0, ends: 1, asks: [1, 0], ..ONE_EACH })
        }
        Scope::Copies => {
            line(line::Bounds { evictions: 0, ticks: 0, ends: 1, asks: [1, 0], ..ONE_EACH })
        }
        Scope::Outage => line(line::Bounds { outages: 1, ends: 1, ticks: 1, asks: [1, 0], ..LINE }),
        Scope::Guards => line(line::Bounds { crashes: 1, copies: 1, asks: [1, 1], ..LINE }),
        Scope::Late => line(line::Bounds { crashes: 0, errors: 0, asks: [2, 0], ..ONE_EACH }),
        Scope::Steps => {
            line(line::Bounds { steps: true, crashes: 1, copies: 1, asks: [1, 0], ..LINE })
        }
        Scope::Ties => {
            let history = History::Ties;
            let (door, asks) = (true, [1, 0]);
            line(line::Bounds { history, door, asks, evictions: 0, ticks: 0, ends: 1, ..ONE_EACH })
        }
        Scope::Rejoin => {
            let history = History::Rejoin;
            line(line::Bounds { history, evictions: 1, asks: [2, 1], ..LINE })
        }
        Scope::Again => {
            let history = History::Again;
            line(line::Bounds { history, copies: 1, lost: 1, asks: [2, 0], ..LINE })
        }
        Scope::Keys => {
            let history = History::Keys;
            line(line::Bounds { history, lost: 1, asks: [1, 1], ..LINE })
        }
        Scope::Catalogue => {
            let history = History::Catalogue;
            line(line::Bounds { history, asks: [1, 1], ..LINE })
        }
        Scope::Losses => Bounds::Letters(of_letters::LOSSES),
        Scope::Failures => Bounds::Letters(of_letters::FAILURES),
        Scope::Rivals => Bounds::Letters(of_letters::RIVALS),
        Scope::Discards => Bounds::Letters(of_letters::DISCARDS),
        Scope::Meanwhile => Bounds::Letters(of_letters::MEANWHILE),
    }
}

/// What the tests explore: seconds, without much optimisation.
#[must_use]
pub fn small(scope: Scope) -> Bounds {
    match full(scope) {
        Bounds::Cache(it) => {
            let commits = it.commits.min(1);
            Bounds::Cache(cache::Bounds { commits, ticks: it.ticks.min(1), under_way: 1, ..it })
        }
        Bounds::Line(it) => {
            let asks = [it.asks[0].max(1), 0];
            Bounds::Line(line::Bounds { crashes: 0, copies: 0, lost: 0, asks, ..it })
        }
        Bounds::Letters(it) => Bounds::Letters(of_letters::small(it)),
    }
}

/// D1's clock six minutes ahead of the object's, which is more than a hint may be; and behind.
const SKEWS: [Ms; 2] = [360_000, -360_000];

const TWO: [Wants; 2] = [Wants::Plain, Wants::Fresh];

const DEMANDING: [Wants; 2] = [Wants::Fresh, Wants::AtLeast];

const CACHE: cache::Bounds = cache::Bounds {
    commits: 1,
    ticks: 0,
    under_way: 1,
    guards: &[Wants::Plain],
    alarms: false,
    restores: false,
    everybody: false,
    replica: false,
    trouble: false,
    skews: &[0],
};

const LINE: line::Bounds = line::Bounds {
    history: History::Revoke,
    door: false,
    steps: false,
    crashes: 0,
    copies: 0,
    errors: 0,
    evictions: 0,
    lost: 0,
    ticks: 0,
    outages: 0,
    ends: 0,
    asks: [0, 0],
};

/// One fault of every kind.
const ONE_EACH: line::Bounds =
    line::Bounds { crashes: 1, copies: 1, errors: 1, evictions: 1, lost: 1, ticks: 1, ..LINE };

fn cache(bounds: cache::Bounds) -> Bounds {
    Bounds::Cache(bounds)
}

fn line(bounds: line::Bounds) -> Bounds {
    Bounds::Line(bounds)
}
