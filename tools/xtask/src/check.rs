//! `cargo xtask check`: what can be judged without running anything.

mod fences;
mod imports;
mod style;
mod supply;

use anyhow::{Result, bail};

use crate::call::Call;
use crate::place::Place;
use crate::setup;
use crate::show::{self, Step};
use crate::tally::Tally;
use crate::versions::WASM_TARGET;
use crate::workers::{self, Worker};

/// The feature under which the fuzz targets are type-checked without being linked.
const FUZZ_PROGRAMS: &str = "fuzz/programs";

/// Runs every check, and says how many failed. With `fix`, first fixes what a tool can fix.
///
/// # Errors
/// When one failed, or the toolchain is incomplete and cannot be completed.
pub(crate) fn run(place: &Place, fix: bool) -> Result<()> {
    setup::toolchain(place)?;
    if fix {
        style::fix(place)?;
    }
    let tally = all(place, &workers::all(place)?);
    show::line(tally.shown());
    if !tally.is_good() {
        bail!("a check failed; its message above says what to fix");
    }
    Ok(())
}

/// Runs every check; each counts as one.
pub(crate) fn all(place: &Place, workers: &[Worker]) -> Tally {
    let mut tally: Tally = [
        Tally::of("format", |step| format(place, step)),
        Tally::of("clippy, host", |step| clippy_host(place, step)),
        Tally::of("clippy, wasm", |step| clippy_wasm(place, workers, &[], step)),
        Tally::of("clippy, wasm with fault switches", |step| {
            clippy_wasm(place, workers, &fences::SWITCHES, step)
        }),
        Tally::of("documentation", |step| documentation(place, step)),
    ]
    .into_iter()
    .sum();
    tally += style::all(place);
    tally += fences::all(place, workers);
    tally += supply::all(place);
    tally
}

fn format(place: &Place, step: &Step) -> Result<String> {
    let call = Call::new("cargo").args(["fmt", "--all", "--check"]);
    done(place, step, call, "Run `cargo xtask check --fix`.")
}

fn clippy_host(place: &Place, step: &Step) -> Result<String> {
    let call = Call::new("cargo")
        // The programs of the fuzz targets are asked for by name: linked, they would need C++.
        .args(["clippy", "--workspace", "--all-targets", "--locked", "--features", FUZZ_PROGRAMS])
        .args(["--", "-D", "warnings"]);
    done(place, step, call, "Fix what clippy names.")
}

fn clippy_wasm(
    place: &Place,
    workers: &[Worker],
    features: &[&str],
    step: &Step,
) -> Result<String> {
    let call = Call::new("cargo").args(["clippy", "--lib", "--locked", "--target", WASM_TARGET]);
    let crates = workers.iter().map(Worker::package).chain(fences::BELOW_WORKERS);
    let call = crates.fold(call, |call, name| call.args(["-p", name]));
    let call = features.iter().fold(call, |call, name| call.args(["--features", name]));
    done(place, step, call.args(["--", "-D", "warnings"]), "Fix what clippy names.")
}

fn documentation(place: &Place, step: &Step) -> Result<String> {
    let call = Call::new("cargo")
        .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        .vars([("RUSTDOCFLAGS", "-D warnings")]);
    done(place, step, call, "Fix what rustdoc names.")
}

/// Runs one check to its end; a passed one has no more to say.
fn done(place: &Place, step: &Step, call: Call, next: &str) -> Result<String> {
    call.dir(&place.root).run(|line| step.say(line))?.ok(next)?;
    Ok(String::new())
}
