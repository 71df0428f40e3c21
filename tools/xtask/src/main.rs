//! Rolecall's developer tasks: `cargo xtask <task>`.
//!
//! Results go to standard output, progress to standard error. An error says what was tried and
//! what to do next. One file per task: [`dev`], [`mod@test`], [`build`], [`check`],
//! [`derived`], [`metrics`], [`sim`], [`mod@bench`], [`deploy`], [`mod@env`].

mod bench;
mod build;
mod check;
mod deploy;
mod derived;
mod dev;
mod env;
mod metrics;
mod sim;
mod test;

mod place;
mod setup;
mod versions;
mod workers;

mod call;
mod clock;
mod interrupt;
mod show;
mod tally;

#[cfg(test)]
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::place::Place;

/// Rolecall's developer tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, about)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start the whole system on this machine, play a day of events, and keep running.
    Dev(dev::DevArgs),
    /// Run all tests; the last line is `N passed, N failed`.
    Test {
        /// Only the tests whose name contains this, without the checks and the bundling.
        filter: Option<String>,
    },
    /// Build the Workers whose sources changed, and print their sizes.
    Build {
        /// One Worker's crate; all of them by default.
        name: Option<String>,
    },
    /// Format, lints, spelling, documentation and dependency fences.
    Check {
        /// First fix what a tool can fix: format, imports, Markdown, some lints.
        #[arg(long)]
        fix: bool,
    },
    /// Write the migration of the views and triggers from `migrations/derived/`.
    Derived,
    /// Write what is made from the table of metrics: docs, dashboards and alert rules.
    Metrics(metrics::MetricsArgs),
    /// Search for orders, repetitions and crashes that break a promise.
    #[command(subcommand)]
    Sim(sim::SimArgs),
    /// Measure ours and the tutorial's own way; the last lines are `bench: NAME ours=… …`.
    Bench {
        /// Which rows of tools/bench/README.md; all of them by default.
        names: Vec<String>,
    },
    /// Deploy everything to Cloudflare, or show the plan.
    Deploy(deploy::DeployArgs),
    /// Print PATH and the *_BIN variables, for `eval "$(cargo xtask env)"`.
    Env,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let ended =
        interrupt::install().and_then(|()| Place::find()).and_then(|place| match args.task {
            Task::Dev(args) => dev::run(&place, &args),
            Task::Test { filter } => test::run(&place, filter.as_deref()),
            Task::Build { name } => build::run(&place, name.as_deref()),
            Task::Check { fix } => check::run(&place, fix),
            Task::Derived => derived::run(&place),
            Task::Metrics(args) => metrics::run(&place, &args),
            Task::Sim(args) => sim::run(&place, &args),
            Task::Bench { names } => bench::run(&place, &names),
            Task::Deploy(args) => deploy::run(&place, &args),
            Task::Env => env::run(&place),
        });
    interrupt::wait_if_ending();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::note(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
