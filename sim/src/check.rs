//! Runs the models and tells what came of it.

use stateright::{Checker, HasDiscoveries, Model};
use std::fmt::Debug;
use std::hash::Hash;

use crate::cache::{Bounds, Cache};
use crate::line::history::History;
use crate::line::{self, Line};
use crate::variant::Variant;

/// One property's verdict.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The property.
    pub property: &'static str,
    /// Whether it is as it must be.
    pub holds: bool,
    /// The steps that show it, when some do.
    pub steps: Vec<String>,
}

/// What exploring one model showed.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which bounds.
    pub name: &'static str,
    /// States that differ.
    pub states: usize,
    /// Steps on the longest of the shortest ways to a state.
    pub depth: usize,
    /// Each property.
    pub verdicts: Vec<Verdict>,
}

/// The bounds of the cache half.
pub const CACHE: [Bounds; 4] = [
    Bounds { name: "cache: changes", commits: 3, ticks: 0, under_way: 2, guards: 2, alarms: false, restores: false },
    Bounds { name: "cache: ages", commits: 2, ticks: 3, under_way: 1, guards: 1, alarms: false, restores: false },
    Bounds { name: "cache: unwatch", commits: 1, ticks: 3, under_way: 1, guards: 1, alarms: true, restores: false },
    Bounds { name: "cache: restore", commits: 2, ticks: 1, under_way: 1, guards: 1, alarms: false, restores: true },
];

/// Explores a model to its end, or to the first failure.
pub fn explore<M>(name: &'static str, model: M, threads: usize, all: bool) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let until = if all { HasDiscoveries::All } else { HasDiscoveries::AnyFailures };
    let properties = model.properties();
    let checker = model.checker().threads(threads).finish_when(until).timeout(std::time::Duration::from_secs(100)).spawn_bfs().join();
    let found = checker.discoveries();
    let verdicts = properties.iter().map(|property| {
        let path = found.get(property.name).cloned();
        let fails = property.expectation.clone();
        let holds = path.is_some() != matches!(
            fails,
            stateright::Expectation::Always | stateright::Expectation::Eventually
        );
        let steps = path.map(|path| path.into_actions()).unwrap_or_default();
        let steps = steps.iter().map(|act| format!("{act:?}")).collect();
        Verdict { property: property.name, holds, steps }
    });
    let verdicts = verdicts.collect();
    Report { name, states: checker.unique_state_count(), depth: checker.max_depth(), verdicts }
}

/// Explores the cache half at some bounds.
#[must_use]
pub fn cache(bounds: Bounds, variant: Variant, threads: usize) -> Report {
    explore(bounds.name, Cache { bounds, variant }, threads, variant == Variant::Right)
}

/// The bounds of the line.
pub const LINE: [line::Bounds; 3] = [
    line::Bounds { name: "line: revoke", history: History::Revoke, crashes: 1, copies: 1, errors: 0, evictions: 0, lost: 0, asks: [1, 1] },
    line::Bounds { name: "line: ties", history: History::Ties, crashes: 1, copies: 1, errors: 1, evictions: 0, lost: 1, asks: [0, 0] },
    line::Bounds { name: "line: rejoin", history: History::Rejoin, crashes: 0, copies: 0, errors: 0, evictions: 1, lost: 0, asks: [2, 1] },
];

/// Explores the line at some bounds.
#[must_use]
pub fn line(bounds: line::Bounds, variant: Variant, threads: usize) -> Report {
    explore(bounds.name, Line::new(bounds, variant), threads, variant == Variant::Right)
}
