//! `cargo xtask build [crate]`: builds the Workers for Cloudflare, and measures them.

mod faults;
mod inputs;
mod size;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(crate) use self::faults::only_in_tests;
pub(crate) use self::size::WorkerSize;

use self::inputs::BuildInputs;
use crate::call::Call;
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show::{self, Step};
use crate::workers::{self, Worker};

/// The outputs of `worker-build`, which wrangler uploads.
const OUTPUTS: [&str; 2] = ["index.js", "index_bg.wasm"];

/// One way to build a Worker.
struct BuildRecipe<'a> {
    worker: &'a Worker,
    title: String,
    /// The folder of its outputs.
    out: PathBuf,
    /// The arguments of worker-build.
    args: Vec<String>,
}

/// Builds the named Worker or all of them, and prints the table of their sizes.
///
/// # Errors
/// When a build fails, or a Worker is larger than its budget.
pub(crate) fn run(place: &Place, name: Option<&str>) -> Result<()> {
    let tools = setup::ensure(place)?;
    let workers = workers::pick(place, name)?;
    build(place, &tools, &workers)?;
    let sizes = measure(place, &workers)?;
    show::line(size::table(&sizes));
    size::within_budget(&sizes)
}

/// Builds each Worker whose inputs or outputs changed since it was built.
///
/// # Errors
/// When a build fails: the command, its last lines, and the next step.
pub(crate) fn build(place: &Place, tools: &Tools, workers: &[Worker]) -> Result<()> {
    let inputs = BuildInputs::load(place, tools)?;
    for worker in workers {
        build_one(place, tools, &inputs, &release(place, worker))?;
    }
    Ok(())
}

/// Builds the Workers that have fault switches, with these.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_with_faults(place: &Place, tools: &Tools, workers: &[Worker]) -> Result<()> {
    let inputs = BuildInputs::load(place, tools)?;
    for worker in workers {
        if let Some(recipe) = faults::recipe(place, worker)? {
            build_one(place, tools, &inputs, &recipe)?;
        }
    }
    Ok(())
}

/// The sizes of Workers that are built.
///
/// # Errors
/// When one is not built.
pub(crate) fn measure(place: &Place, workers: &[Worker]) -> Result<Vec<WorkerSize>> {
    let outputs = |worker: &Worker| outputs(place, worker).collect::<Vec<_>>();
    workers.iter().map(|worker| WorkerSize::of(&worker.env, &outputs(worker))).collect()
}

/// Checks `sizes` against the budget.
///
/// # Errors
/// When a Worker is over the budget.
pub(crate) fn within_budget(sizes: &[WorkerSize]) -> Result<()> {
    size::within_budget(sizes)
}

/// The build for a deployment.
fn release<'a>(place: &Place, worker: &'a Worker) -> BuildRecipe<'a> {
    BuildRecipe {
        worker,
        title: format!("build {}", worker.env),
        out: place.root.join(&worker.env).join("build"),
        args: ["--release", "--", "--locked"].map(str::to_owned).to_vec(),
    }
}

fn build_one(
    place: &Place,
    tools: &Tools,
    inputs: &BuildInputs,
    recipe: &BuildRecipe<'_>,
) -> Result<()> {
    let BuildRecipe { worker, title, out, args } = recipe;
    // Two runs that build the same Worker take turns. The second finds it built.
    let _lock = setup::lock(&place.scratch(), &format!("build-{}", worker.env))?;
    let stamp = out.join(".stamp");
    let input = inputs.digest(&worker.env, args)?;
    if is_fresh(place, out, &stamp, &input) {
        return Ok(());
    }
    // An interrupted build must not look like the one before.
    let _ = fs::remove_file(&stamp);
    let step = Step::begin(title);
    let ran = Call::new(&tools.worker_build)
        .args(args)
        .dir(&place.root.join(&worker.env))
        .vars(tools.vars()?)
        // A reader needs the compiler's message, not the stack of worker-build.
        .vars([("RUST_BACKTRACE", "0")])
        .run(|line| step.say(line))?;
    let next = format!("Fix crate {} and run `cargo xtask build {0}`.", worker.env);
    let ran = ran.ok(&next)?;
    let Some(output) = output_digest(place, out) else {
        bail!(
            "worker-build wrote no {} into {}; its output:\n{}",
            OUTPUTS.join(" or no "),
            out.display(),
            ran.tail()
        );
    };
    fs::write(&stamp, mark(&input, &output)).with_context(|| {
        format!("cannot write {}; check that you may write there", stamp.display())
    })?;
    let size = WorkerSize::of(&worker.env, &output_paths(out).collect::<Vec<_>>())?;
    step.done(&size.shown());
    Ok(())
}

/// Whether the stamp says that these outputs were built from these inputs.
fn is_fresh(place: &Place, out: &Path, stamp: &Path, input: &str) -> bool {
    let Ok(found) = fs::read_to_string(stamp) else { return false };
    output_digest(place, out).is_some_and(|output| found == mark(input, &output))
}

fn mark(input: &str, output: &str) -> String {
    format!("inputs {input}\noutputs {output}\n")
}

fn output_digest(place: &Place, out: &Path) -> Option<String> {
    inputs::digest(&place.root, output_paths(out)).ok()
}

fn outputs(place: &Place, worker: &Worker) -> impl Iterator<Item = PathBuf> {
    output_paths(&place.root.join(&worker.env).join("build"))
}

fn output_paths(out: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let out = out.to_path_buf();
    OUTPUTS.into_iter().map(move |name| out.join(name))
}
