//! Runs the models and says what came of it.

use std::fmt::Debug;
use std::hash::Hash;

use anyhow::Result;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::bounds::{Bounds, full};
use crate::cache::Cache;
use crate::line::Line;
use crate::variant::{Scope, Variant};

/// One property's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The property.
    pub property: &'static str,
    /// Whether it is as it must be.
    pub holds: bool,
    /// The steps that show it, when some do.
    pub steps: Vec<String>,
}

/// What exploring one model showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// States that differ.
    pub states: usize,
    /// The most steps from the beginning to a state that is found by fewest steps.
    pub depth: usize,
    /// Each property.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// Whether every property is as it must be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

/// How a wrong form was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The property that it breaks.
    pub property: &'static str,
    /// The steps of a shortest counterexample.
    pub steps: Vec<String>,
}

/// A wrong form whose counterexample would be longer than this counts as surviving.
const STEPS_MAX: usize = 30;

/// Explores a variant to its end.
///
/// # Errors
/// When the model cannot be made.
pub fn explore(bounds: Bounds, variant: Variant, threads: usize) -> Result<Report> {
    Ok(AnyModel::new(bounds, variant)?.run(threads, None))
}

/// Looks for a shortest counterexample to a wrong form, one step deeper each time.
///
/// # Errors
/// When the model cannot be made.
pub fn catch(variant: Variant) -> Result<Option<Caught>> {
    let model = AnyModel::new(full(variant.scope()), variant)?;
    let mut states = 0;
    for steps in 1..=STEPS_MAX {
        let report = model.run(1, Some(steps));
        let caught = report.verdicts.into_iter().find(|it| !it.holds && !it.steps.is_empty());
        if let Some(Verdict { property, steps, .. }) = caught {
            return Ok(Some(Caught { property, steps }));
        }
        if report.states == states {
            return Ok(None);
        }
        states = report.states;
    }
    Ok(None)
}

/// The scopes whose name contains `part`.
pub fn scopes(part: &str) -> impl Iterator<Item = Scope> {
    Scope::ALL.iter().copied().filter(move |scope| scope.name().contains(part))
}

/// One of the two models.
enum AnyModel {
    Cache(Cache),
    Line(Line),
}

impl AnyModel {
    fn new(bounds: Bounds, variant: Variant) -> Result<Self> {
        Ok(match bounds {
            Bounds::Cache(bounds) => Self::Cache(Cache { bounds, variant }),
            Bounds::Line(bounds) => Self::Line(Line::new(bounds, variant)?),
        })
    }

    fn run(&self, threads: usize, steps: Option<usize>) -> Report {
        match self {
            Self::Cache(model) => run_model(*model, threads, steps),
            Self::Line(model) => run_model(model.clone(), threads, steps),
        }
    }
}

fn run_model<M>(model: M, threads: usize, steps: Option<usize>) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let properties = model.properties();
    let until = if steps.is_some() { HasDiscoveries::AnyFailures } else { HasDiscoveries::All };
    let mut builder = model.checker().threads(threads).finish_when(until);
    if let Some(steps) = steps {
        // The checker counts states, the first one included, and stops before the last.
        builder = builder.target_max_depth(steps + 2);
    }
    let checker = builder.spawn_bfs().join();
    let found = checker.discoveries();
    let verdict = |property: &stateright::Property<M>| {
        let path = found.get(property.name).cloned();
        let holds = match property.expectation {
            Expectation::Always | Expectation::Eventually => path.is_none(),
            Expectation::Sometimes => path.is_some(),
        };
        let acts = path.map(stateright::Path::into_actions).unwrap_or_default();
        let steps = acts.iter().map(|act| format!("{act:?}")).collect();
        Verdict { property: property.name, holds, steps }
    };
    let verdicts = properties.iter().map(verdict).collect();
    Report { states: checker.unique_state_count(), depth: checker.max_depth(), verdicts }
}

/// A caught wrong form as a row of the table in `docs/correctness.md`.
#[must_use]
pub fn row(variant: Variant, caught: &Caught) -> String {
    let (mark, says, scope) = (variant.mark(), variant.says(), variant.scope().name());
    let (length, property) = (caught.steps.len(), caught.property);
    format!("| {variant:?} | {mark} | {says} | {scope} | {property} | {length} |")
}

#[cfg(test)]
mod tests {
    use super::{catch, explore, row};
    use crate::bounds::small;
    use crate::variant::{Scope, Variant};

    #[test]
    fn the_protocol_holds_at_small_bounds() {
        for scope in Scope::ALL {
            let report = explore(small(*scope), Variant::Right, 2).unwrap();
            let bad = |it: &&super::Verdict| !it.holds && it.property.starts_with('I');
            let bad: Vec<_> = report.verdicts.iter().filter(bad).collect();
            assert!(bad.is_empty(), "{}: {bad:#?}", scope.name());
            assert!(100 < report.states, "{}: only {} states", scope.name(), report.states);
        }
    }

    #[test]
    fn each_wrong_form_is_caught_as_the_table_says() {
        let table = include_str!("../../docs/correctness.md");
        for variant in Variant::WRONG {
            let caught = catch(*variant).unwrap().unwrap_or_else(|| panic!("{variant:?} survived"));
            let row = row(*variant, &caught);
            assert!(table.lines().any(|line| line == row), "docs/correctness.md lacks:\n{row}");
        }
    }
}
