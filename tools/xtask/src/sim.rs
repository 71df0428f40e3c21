//! `cargo xtask sim …`: the model checker and the simulator of `verify/sim/`, and the long
//! run of the property tests, with an optimised build.

mod fuzz;
mod timing;

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::call::Call;
use crate::interrupt::{self, ProcessGroup};
use crate::place::Place;

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum SimArgs {
    /// Explore every state at the bounds of docs/correctness.md; takes minutes.
    Check {
        /// Only the bounds whose name contains this.
        filter: Option<String>,
    },
    /// Try each mutant in turn; the last line is `mutants: N caught, M survived`.
    Mutants {
        /// Only those of the bounds whose name contains this, and none of the simulator.
        filter: Option<String>,
        /// Print the steps of each counterexample.
        #[arg(long)]
        steps: bool,
    },
    /// Simulate days of deliveries, each decided by one seed, with all kinds of faults; the last
    /// line is `sim: N schedules, every property holds`.
    Run(SimDays),
    /// Test the laws on random cases, each history of eight steps in every order, and every write
    /// of a row under every trigger; prints how often each law held.
    Laws {
        /// Random cases for each law; fewer for those that use SQL.
        #[arg(long, default_value_t = 300_000)]
        cases: u32,
    },
    /// Search for inputs on which a fuzz target and its reference implementation disagree.
    Fuzz(fuzz::FuzzArgs),
    /// Measure whether the response time of ingest reveals anything about a signature.
    Timing {
        /// Only the benches whose name contains this.
        filter: Option<String>,
    },
}

/// Which days to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct SimDays {
    /// The number of days.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The seed of the first day.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only the day of this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Print its steps.
    #[arg(long, requires = "seed")]
    trace: bool,
}

impl SimDays {
    fn args(&self) -> Vec<String> {
        let Self { seeds, from, seed, trace } = self;
        let days = format!("run --seeds {seeds} --from {from}");
        let one = seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
        let words = if *trace { " --trace" } else { "" };
        (days + &one + words).split(' ').map(String::from).collect()
    }
}

/// The property tests among the integration tests.
const LAWS: [&str; 3] = ["law::", "laws::", "triggers::"];

/// Runs the model checker or the property tests. They print what they find.
///
/// # Errors
/// When a property does not hold, or a mutant survives.
pub(crate) fn run(place: &Place, args: &SimArgs) -> Result<()> {
    let cargo = || Call::new("cargo").dir(&place.root);
    let sim =
        || cargo().args(["run", "--locked", "--quiet", "--profile", "sim", "-p", "sim", "--"]);
    let call = match args {
        SimArgs::Check { filter } => sim().arg("check").args(filter.as_deref()),
        SimArgs::Mutants { filter, steps } => {
            sim().arg("mutants").args(filter.as_deref()).args(steps.then_some("--steps"))
        }
        SimArgs::Fuzz(args) => return fuzz::run(place, args),
        SimArgs::Timing { filter } => return timing::run(place, filter.as_deref()),
        SimArgs::Run(days) => sim().args(days.args()),
        SimArgs::Laws { cases } => {
            let call = cargo().vars([("PROPTEST_CASES", cases.to_string())]);
            let call = call.args(["test", "--locked", "--profile", "sim", "-p", "it", "--"]);
            call.args(LAWS).args(["--include-ignored", "--nocapture"])
        }
    };
    let shown = call.shown().to_owned();
    let mut command: Command = call.into_command();
    let mut child = command
        .spawn()
        .with_context(|| format!("`{shown}` could not be started; check that it is installed"))?;
    let group = ProcessGroup::of(&child);
    let status = child.wait().with_context(|| format!("`{shown}` could not be waited for"))?;
    drop(group);
    interrupt::wait_if_ending();
    if !status.success() {
        bail!("`{shown}` found a violation: see the steps in the lines above");
    }
    Ok(())
}
