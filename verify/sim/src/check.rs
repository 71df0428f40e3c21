//! Runs the models and says what came of it.

use std::fmt::Debug;
use std::hash::Hash;

use anyhow::Result;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::bounds::{Bounds, full};
use crate::cache::Cache;
use crate::letters::Letters;
use crate::line::Line;
use crate::variant::{Scope, Variant};

/// One property's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyResult {
    /// The property.
    pub property: &'static str,
    /// Whether it need only be seen somewhere, which bounds that are too small do not show.
    pub is_shown: bool,
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
    pub results: Vec<PropertyResult>,
}

impl Report {
    /// Whether every property is as it must be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.results.iter().all(|verdict| verdict.holds)
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
        let report = model.run(1, Some(Until { steps, found: HasDiscoveries::AnyFailures }));
        let caught = report.results.into_iter().find(|it| !it.holds && !it.steps.is_empty());
        if let Some(PropertyResult { property, steps, .. }) = caught {
            return Ok(Some(Caught { property, steps }));
        }
        if report.states == states {
            return Ok(None);
        }
        states = report.states;
    }
    Ok(None)
}

/// The steps by which a variant breaks one property, if it does so within `steps`.
///
/// # Errors
/// When the model cannot be made.
pub fn breaks(
    bounds: Bounds,
    variant: Variant,
    property: &'static str,
    steps: usize,
) -> Result<Option<Vec<String>>> {
    let until = Until { steps, found: HasDiscoveries::AnyOf([property].into()) };
    let report = AnyModel::new(bounds, variant)?.run(1, Some(until));
    let mut results = report.results.into_iter();
    let broken = results.find(|it| it.property == property && !it.holds);
    Ok(broken.map(|it| it.steps).filter(|steps| !steps.is_empty()))
}

/// The scopes whose name contains `part`.
pub fn scopes(part: &str) -> impl Iterator<Item = Scope> {
    Scope::ALL.iter().copied().filter(move |scope| scope.name().contains(part))
}

/// When to stop before the end.
struct Until {
    steps: usize,
    found: HasDiscoveries,
}

/// One of the models.
enum AnyModel {
    Cache(Cache),
    Line(Line),
    Letters(Letters),
}

impl AnyModel {
    fn new(bounds: Bounds, variant: Variant) -> Result<Self> {
        Ok(match bounds {
            Bounds::Cache(bounds) => Self::Cache(Cache { bounds, variant }),
            Bounds::Line(bounds) => Self::Line(Line::new(bounds, variant)?),
            Bounds::Letters(bounds) => Self::Letters(Letters::new(bounds, variant)),
        })
    }

    fn run(&self, threads: usize, until: Option<Until>) -> Report {
        match self {
            Self::Cache(model) => run_model(*model, threads, until),
            Self::Line(model) => run_model(model.clone(), threads, until),
            Self::Letters(model) => run_model(model.clone(), threads, until),
        }
    }
}

fn run_model<M>(model: M, threads: usize, until: Option<Until>) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let properties = model.properties();
    let mut builder = model.checker().threads(threads);
    if let Some(Until { steps, found }) = until {
        // The checker counts states, the first one included, and stops before the last.
        builder = builder.finish_when(found).target_max_depth(steps + 2);
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
        let is_shown = property.expectation == Expectation::Sometimes;
        PropertyResult { property: property.name, is_shown, holds, steps }
    };
    let results = properties.iter().map(verdict).collect();
    Report { states: checker.unique_state_count(), depth: checker.max_depth(), results }
}

/// A caught mutant as an entry of the list in `docs/correctness.md`: two lines.
#[must_use]
pub fn entry(variant: Variant, caught: &Caught) -> String {
    let (description, scope, property) =
        (variant.description(), variant.scope().name(), caught.property);
    let mark = match variant.mark() {
        "" => String::new(),
        mark => format!(" ({mark})"),
    };
    let length = match caught.steps.len() {
        1 => "1 step".to_owned(),
        length => format!("{length} steps"),
    };
    format!("- `{variant:?}`{mark}: {description}.\n  - {scope}; {property}; {length}.")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stateright::Expectation::Sometimes;
    use stateright::{Model, Property};

    use super::{AnyModel, breaks, catch, entry, explore};
    use crate::bounds::{full, small};
    use crate::variant::{Scope, Variant};

    const PLAN_HOLDS: &str = "I18 a plan that does not hold does nothing";
    const ENDED_DOES_NOTHING: &str = "I18 what is paused or ended does nothing";

    /// For each property that must hold a wrong form that breaks it, where, and within how many
    /// steps. One that breaks several is caught by the first of them alone in `sim mutants`.
    const BREAKS: &[(&str, Variant, Scope, usize)] = &[
        ("I1 convergence", Variant::TiesByArrival, Scope::Ties, 5),
        ("I2 no resurrection", Variant::HardDelete, Scope::Ties, 5),
        ("I2 no resurrection", Variant::TombstoneByTime, Scope::Ties, 5),
        ("I3 no phantom authority", Variant::RolesOfTheOther, Scope::Late, 4),
        ("I4 bounded staleness", Variant::VerifiedOnArrival, Scope::Ages, 8),
        ("I5 monotone reads", Variant::LeaseWithLaggingReads, Scope::Changes, 12),
        ("I5 monotone reads", Variant::VersionsRestart, Scope::Unwatch, 16),
        ("I6 a version names its roles", Variant::TwoStatementRead, Scope::Changes, 8),
        ("I7 agreement at rest", Variant::NoOutbox, Scope::Changes, 6),
        ("I8 conservation", Variant::NotedBeforeSent, Scope::Ties, 3),
        ("I9 replay is harmless", Variant::BumpWithoutChange, Scope::Ties, 5),
        ("I9 replay is harmless", Variant::TiesByArrival, Scope::Ties, 5),
        ("I10 noted with its effects", Variant::InboxApart, Scope::Ties, 3),
        ("I11 isolation", Variant::MembershipsByOrganization, Scope::Copies, 3),
        ("I16 one membership of a pair", Variant::EachByItself, Scope::Again, 3),
        ("I17 what is gone gives nothing", Variant::KeysForgotten, Scope::Keys, 3),
        ("I15 only what failed is parked", Variant::ForeignKeys, Scope::Rejoin, 2),
        ("I15 every step is progress", Variant::HintsAreNotSettled, Scope::Late, 6),
        ("I15 what was accepted is applied", Variant::DeadIsParked, Scope::Outage, 7),
        ("I15 nothing is stuck", Variant::NobodyParks, Scope::Faults, 4),
        ("I15 the line drains", Variant::NobodyParks, Scope::Faults, 6),
        ("I15 at rest a query is answered", Variant::RestoreWithoutFloor, Scope::Restore, 10),
        ("I8 conservation", Variant::OutcomeBefore, Scope::Losses, 10),
        ("I9 replay is harmless", Variant::ReplayOverwrites, Scope::Meanwhile, 13),
        ("I18 a letter says what became of it", Variant::OutcomeAfter, Scope::Losses, 10),
        ("I18 what is final stays so", Variant::OutcomeTwice, Scope::Losses, 11),
        ("I18 a replay says what became of each", Variant::ReturnIsNotTold, Scope::Losses, 9),
        ("I18 a message has its mark", Variant::SentBeforeMarked, Scope::Losses, 8),
        ("I18 a message has its mark", Variant::ReturnKeepsGeneration, Scope::Failures, 10),
        ("I18 parked again by its own message", Variant::ParkedByAnyMessage, Scope::Failures, 13),
        ("I18 each step has its audit row", Variant::AuditAfter, Scope::Losses, 8),
        ("I18 the audit trail is one chain", Variant::HeadNotCompared, Scope::Rivals, 5),
        (PLAN_HOLDS, Variant::ApplyWithoutHash, Scope::Meanwhile, 9),
        (ENDED_DOES_NOTHING, Variant::StepNotCompared, Scope::Discards, 12),
        ("I18 the canary goes first", Variant::NoCanary, Scope::Failures, 10),
        ("I18 nothing is stuck", Variant::LostStayLost, Scope::Losses, 9),
        ("I18 every step is progress", Variant::ReturnsWhatIsQueued, Scope::Losses, 12),
        ("I18 all comes to rest", Variant::LostStayLost, Scope::Losses, 12),
        ("a question gets what it asks for", Variant::VerifiedOnArrival, Scope::Demands, 8),
    ];

    /// The names of the properties that must hold.
    fn musts<M: Model>(model: &M) -> Vec<&'static str> {
        let must = |it: &Property<M>| it.expectation != Sometimes;
        model.properties().into_iter().filter(must).map(|it| it.name).collect()
    }

    #[test]
    fn each_property_is_broken_by_a_wrong_form() {
        for (property, variant, scope, steps) in BREAKS {
            let found = breaks(full(*scope), *variant, property, *steps).unwrap();
            assert!(found.is_some(), "{variant:?} does not break {property} in {steps} steps");
        }
        let models = Scope::ALL.iter().map(|it| AnyModel::new(full(*it), Variant::Right).unwrap());
        let musts = models.flat_map(|model| match model {
            AnyModel::Cache(model) => musts(&model),
            AnyModel::Line(model) => musts(&model),
            AnyModel::Letters(model) => musts(&model),
        });
        let (musts, broken): (BTreeSet<_>, BTreeSet<_>) =
            (musts.collect(), BREAKS.iter().map(|it| it.0).collect());
        assert_eq!(musts, broken);
    }

    #[test]
    fn the_protocol_holds_at_small_bounds() {
        for scope in Scope::ALL {
            let report = explore(small(*scope), Variant::Right, 2).unwrap();
            let bad = |it: &&super::PropertyResult| !it.holds && !it.is_shown;
            let bad: Vec<_> = report.results.iter().filter(bad).collect();
            assert!(bad.is_empty(), "{}: {bad:#?}", scope.name());
            assert!(100 < report.states, "{}: only {} states", scope.name(), report.states);
        }
    }

    #[test]
    fn each_mutant_is_caught_as_the_page_says() {
        let page = include_str!("../../../docs/correctness.md");
        for variant in Variant::WRONG {
            let caught = catch(*variant).unwrap().unwrap_or_else(|| panic!("{variant:?} survived"));
            let entry = format!("{}\n", entry(*variant, &caught));
            assert!(page.contains(&entry), "docs/correctness.md lacks:\n{entry}");
        }
    }
}
