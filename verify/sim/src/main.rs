//! `sim check` explores the models to their ends; `sim mutants` catches their wrong forms;
//! `sim run` runs whole days.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sim::bounds::full;
use sim::check::{catch, entry, explore, scopes};
use sim::days::{Day, Sabotage};
use sim::run;
use sim::variant::Variant;

/// Rolecall's model checker.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Explore every state at the bounds, and say which properties hold.
    Check {
        /// Only the bounds whose name contains this.
        filter: Option<String>,
    },
    /// Switch on each wrong form in turn: each must be caught.
    Mutants {
        /// Only those of the bounds whose name contains this, and none of the simulator.
        filter: Option<String>,
        /// Print the steps of each counterexample.
        #[arg(long)]
        steps: bool,
    },
    /// Run whole days, each decided by one seed, with faults of every kind.
    Run {
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first of them.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// This one alone.
        #[arg(long)]
        seed: Option<u64>,
        /// Print its steps.
        #[arg(long, requires = "seed")]
        trace: bool,
        /// Threads; as many as there are processors when it is not said.
        #[arg(long)]
        threads: Option<usize>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let good = match Args::parse().task {
        Task::Check { filter } => check(filter.as_deref().unwrap_or_default())?,
        Task::Mutants { filter, steps } => mutants(filter.as_deref(), steps)?,
        Task::Run { seed: Some(seed), trace: traces, .. } => {
            run::one(&mut io::stdout(), &Day { seed, traces, ..Day::default() })?
        }
        Task::Run { seed: None, seeds, from, threads, .. } => {
            let threads = match threads {
                Some(threads) => threads,
                None => std::thread::available_parallelism()?.get(),
            };
            run::many(&mut io::stdout(), from, seeds, threads)?
        }
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(filter: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout();
    let threads = std::thread::available_parallelism()?.get();
    let (mut good, mut states) = (true, 0);
    for scope in scopes(filter) {
        let report = explore(full(scope), Variant::Right, threads)?;
        writeln!(out, "{}: {} states, {} steps deep", scope.name(), report.states, report.depth)?;
        for result in &report.results {
            let mark = if result.holds { "✓" } else { "✗" };
            writeln!(out, "  {mark} {}", result.property)?;
            if !result.holds {
                result.steps.iter().try_for_each(|step| writeln!(out, "      {step}"))?;
            }
        }
        good &= report.is_good();
        states += report.states;
    }
    let shown = if good { "every property holds" } else { "a property does not hold" };
    writeln!(out, "sim: {states} states, {shown}")?;
    Ok(good && states != 0)
}

fn mutants(filter: Option<&str>, steps: bool) -> anyhow::Result<bool> {
    let mut out = io::stdout();
    let mut survived = 0;
    writeln!(out, "By the model checker, with the length of a shortest way:")?;
    let wanted = |it: &&Variant| it.scope().name().contains(filter.unwrap_or_default());
    let mut all = Variant::WRONG.iter().filter(wanted).count();
    for variant in Variant::WRONG.iter().filter(wanted) {
        if let Some(caught) = catch(*variant)? {
            writeln!(out, "{}", entry(*variant, &caught))?;
            if steps {
                caught.steps.iter().try_for_each(|step| writeln!(out, "      {step}"))?;
            }
        } else {
            survived += 1;
            let (description, scope) = (variant.description(), variant.scope().name());
            writeln!(out, "✗ {variant:?} survived in {scope}: {description}")?;
        }
    }
    if filter.is_none() {
        writeln!(
            out,
            "By the simulator, with the days that it took and the steps of the day once shortened:"
        )?;
        survived += run::sabotages(&mut out)?;
        all += Sabotage::ALL.len();
    }
    writeln!(out, "mutants: {} caught, {survived} survived", all - survived)?;
    Ok(survived == 0 && all != 0)
}
