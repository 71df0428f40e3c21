//! Installs the missing tools of a task, each in its pinned version.
//!
//! What is already installed stays as it is, so a second run takes milliseconds and works
//! without a network.

mod cargo_tools;
mod node;
mod rust;

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

pub(crate) use self::node::NodeModules;

use crate::call::{Call, Ran};
use crate::place::Place;
use crate::show::Step;
use crate::versions::WASM_TARGET;

/// The number of tries of a download.
const TRIES: u32 = 3;

/// The Worker with the most dependencies.
const LARGEST: &str = "ssr";

/// The pause before the second try. Each later one is twice as long.
const PAUSE: Duration = Duration::from_secs(2);

/// Where the installed tools are.
#[derive(Debug)]
pub(crate) struct Tools {
    /// `worker-build`.
    pub(crate) worker_build: PathBuf,
    /// The pinned `node`.
    pub(crate) node: PathBuf,
    wasm_bindgen: PathBuf,
    node_modules: PathBuf,
}

impl Tools {
    /// The folders that come first in `PATH`.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let cargo_tools = [&self.worker_build, &self.wasm_bindgen];
        let mut folders: Vec<PathBuf> =
            self.node.parent().map(Path::to_path_buf).into_iter().collect();
        folders.extend(cargo_tools.iter().filter_map(|tool| tool.parent()).map(Path::to_path_buf));
        folders.push(self.bin());
        folders
    }

    /// The variables that tell `worker-build` where its tools are, so that it downloads none.
    pub(crate) fn binaries(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("WASM_BINDGEN_BIN", self.wasm_bindgen.clone()),
            ("WASM_OPT_BIN", self.bin().join("wasm-opt")),
            ("ESBUILD_BIN", self.bin().join("esbuild")),
        ]
    }

    /// The environment of a tool, with what keeps wrangler off the network.
    ///
    /// # Errors
    /// When `PATH` cannot contain the name of a folder.
    pub(crate) fn vars(&self) -> Result<Vec<(&'static str, OsString)>> {
        let rest = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(self.folders().into_iter().chain(env::split_paths(&rest)))
            .context(
                "a folder of the tools has a colon in its name; move the clone or the cache",
            )?;
        let mut vars = vec![("PATH", path)];
        vars.extend(self.binaries().map(|(name, file)| (name, file.into_os_string())));
        for (name, value) in [
            ("WRANGLER_SEND_METRICS", "false"),
            ("WRANGLER_HIDE_BANNER", "true"),
            ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
        ] {
            vars.push((name, value.into()));
        }
        Ok(vars)
    }

    /// A program of the Node packages.
    pub(crate) fn package(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    fn bin(&self) -> PathBuf {
        self.node_modules.join(".bin")
    }
}

/// Installs every missing tool.
///
/// # Errors
/// When one cannot be installed: the command, its output, and the next step.
pub(crate) fn ensure(place: &Place) -> Result<Tools> {
    toolchain(place)?;
    // In parallel: each ends in a phase that uses one core.
    thread::scope(|scope| {
        let worker_build = scope.spawn(|| cargo_tools::worker_build(place));
        let wasm_bindgen = scope.spawn(|| cargo_tools::wasm_bindgen(place));
        let packages = scope.spawn(|| node::ensure(place));
        if !cargo_tools::are_installed(place) {
            dependencies(place)?;
        }
        let NodeModules { folder, node } = join(packages)?;
        let (worker_build, wasm_bindgen) = (join(worker_build)?, join(wasm_bindgen)?);
        Ok(Tools { worker_build, node, wasm_bindgen, node_modules: folder })
    })
}

/// Compiles the dependencies of the Workers while the tools are installed. The largest Worker has
/// nearly all of them.
fn dependencies(place: &Place) -> Result<()> {
    let step = Step::begin("compile the Workers (once)");
    let ran = Call::new("cargo")
        .args(["build", "--release", "--lib", "--locked", "--package", LARGEST])
        .args(["--target", WASM_TARGET])
        .dir(&place.root.join(LARGEST))
        .run(|line| step.say(line))?;
    // If it fails, the build reports the error.
    if ran.success {
        step.done("");
    } else {
        step.failed("the build reports the error");
    }
    Ok(())
}

/// The result of a thread.
fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Installs the missing parts of the toolchain only.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn toolchain(place: &Place) -> Result<()> {
    rust::ensure(place)
}

/// Installs Node and its packages only.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn packages(place: &Place) -> Result<NodeModules> {
    node::ensure(place)
}

/// Makes sure of `cargo fuzz` alone; returns the folder that it is in, for `PATH`.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn cargo_fuzz(place: &Place) -> Result<PathBuf> {
    cargo_tools::cargo_fuzz(place)
}

/// Installs `cargo deny` only; returns the program.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn cargo_deny(place: &Place) -> Result<PathBuf> {
    cargo_tools::cargo_deny(place)
}

/// Runs the call, with retries: downloads can fail.
fn run_with_retries(step: &Step, call: impl Fn() -> Call, next: &str) -> Result<Ran> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        let ran = call().run(|line| step.say(line))?;
        if ran.success {
            return Ok(ran);
        }
        step.say(&format!("failed, retrying in {} s", pause.as_secs()));
        thread::sleep(pause);
        pause *= 2;
    }
    call().run(|line| step.say(line))?.ok(&format!("This failed {TRIES} times. {next}"))
}

/// Takes a lock against other runs of these tasks, until it is dropped.
///
/// # Errors
/// When the lock's file cannot be made.
pub(crate) fn lock(folder: &Path, name: &str) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| {
        format!("cannot make {}; check that you may write there", folder.display())
    })?;
    let path = folder.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| {
        format!("cannot make {}; check that you may write there", path.display())
    })?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
