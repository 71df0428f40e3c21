//! `cargo xtask sim …`: the model checker of `sim/`, built to be fast.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::call::Call;
use crate::interrupt::{self, Group};
use crate::place::Place;

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Args {
    /// Explore every state at the bounds of docs/correctness.md; takes minutes.
    Check {
        /// Only the bounds whose name contains this.
        filter: Option<String>,
    },
    /// Switch on each wrong form in turn; the last line is `mutants: N caught, M survived`.
    Mutants {
        /// Print the steps of each counterexample.
        #[arg(long)]
        steps: bool,
    },
}

/// Runs the model checker; it says itself what it finds, as it finds it.
///
/// # Errors
/// When a property does not hold, or a wrong form survives.
pub(crate) fn run(place: &Place, args: &Args) -> Result<()> {
    let call = Call::new("cargo")
        .args(["run", "--locked", "--quiet", "--profile", "sim", "-p", "sim", "--"])
        .dir(&place.root);
    let call = match args {
        Args::Check { filter } => call.arg("check").args(filter.as_deref()),
        Args::Mutants { steps } => call.arg("mutants").args(steps.then_some("--steps")),
    };
    let shown = call.shown().to_owned();
    let mut command: Command = call.into_command();
    let mut child = command
        .spawn()
        .with_context(|| format!("`{shown}` could not be started; is it installed?"))?;
    let group = Group::of(&child);
    let status = child.wait().with_context(|| format!("`{shown}` was lost"))?;
    drop(group);
    interrupt::wait_if_ending();
    if !status.success() {
        bail!("`{shown}` found a fault: the lines above say which steps lead to it");
    }
    Ok(())
}
