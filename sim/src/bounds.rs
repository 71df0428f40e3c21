//! The bounds: `docs/correctness.md` lists them, and a test holds the two together.

use crate::line::history::History;
use crate::variant::Scope;
use crate::{cache, line};

/// The bounds of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// Of the cache half.
    Cache(cache::Bounds),
    /// Of the line.
    Line(line::Bounds),
}

/// What `sim check` explores to its end.
#[must_use]
pub fn full(scope: Scope) -> Bounds {
    match scope {
        Scope::Changes => cache(cache::Bounds { commits: 3, under_way: 2, guards: 2, ..CACHE }),
        Scope::Ages => cache(cache::Bounds { commits: 2, ticks: 3, ..CACHE }),
        Scope::Unwatch => cache(cache::Bounds { commits: 1, ticks: 3, alarms: true, ..CACHE }),
        Scope::Restore => cache(cache::Bounds { commits: 2, ticks: 1, restores: true, ..CACHE }),
        Scope::Revoke => line(line::Bounds { copies: 1, crashes: 1, asks: [1, 1], ..LINE }),
        Scope::Ties => {
            let history = History::Ties;
            line(line::Bounds { history, crashes: 1, copies: 1, errors: 1, lost: 1, ..LINE })
        }
        Scope::Rejoin => {
            let history = History::Rejoin;
            line(line::Bounds { history, evictions: 1, asks: [2, 1], ..LINE })
        }
    }
}

/// What the tests explore: seconds, without optimisation.
#[must_use]
pub fn small(scope: Scope) -> Bounds {
    match full(scope) {
        Bounds::Cache(it) => {
            let commits = it.commits.min(1);
            Bounds::Cache(cache::Bounds { commits, ticks: it.ticks.min(1), under_way: 1, ..it })
        }
        Bounds::Line(it) => {
            Bounds::Line(line::Bounds { copies: 0, lost: 0, errors: 0, asks: [1, 0], ..it })
        }
    }
}

const CACHE: cache::Bounds =
    cache::Bounds { commits: 1, ticks: 0, under_way: 1, guards: 1, alarms: false, restores: false };

const LINE: line::Bounds = line::Bounds {
    history: History::Revoke,
    crashes: 0,
    copies: 0,
    errors: 0,
    evictions: 0,
    lost: 0,
    asks: [0, 0],
};

fn cache(bounds: cache::Bounds) -> Bounds {
    Bounds::Cache(bounds)
}

fn line(bounds: line::Bounds) -> Bounds {
    Bounds::Line(bounds)
}
