//! Workers with fault points (`edge/src/fault_points.rs`): built for the tests only, in their own
//! folder, and the check that no other build has fault points.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{BuildRecipe, output_paths};
use crate::place::Place;
use crate::workers::Worker;

/// The feature of the Workers that have switches.
const FEATURE: &str = "faults";

/// The host that the switches call. Every build with switches contains it.
const MARKER: &str = "rolecall-fault-point";

/// The service that the switches call.
const BINDING: &str = "FAULTS";

/// How to build `worker` with its switches: without optimisation, since that is faster and the
/// build is only for tests. `None` when it has no switches.
///
/// # Errors
/// When the crate's manifest cannot be read.
pub(super) fn recipe<'a>(place: &Place, worker: &'a Worker) -> Result<Option<BuildRecipe<'a>>> {
    if !has_switches(place, worker)? {
        return Ok(None);
    }
    let env = &worker.env;
    let out = format!("../target/faults/{env}");
    let args = ["--dev", "--no-opt", "--out-dir", &out, "--", "--locked", "--features", FEATURE];
    Ok(Some(BuildRecipe {
        worker,
        title: format!("build {env} with fault switches"),
        out: folder(place, worker),
        args: args.map(str::to_owned).to_vec(),
    }))
}

/// Checks that no deployed Worker has switches, and that every test build has them.
///
/// # Errors
/// When a build has switches that it must not have, lacks those that it must have, or is missing.
pub(crate) fn only_in_tests(place: &Place, workers: &[Worker]) -> Result<String> {
    let mut switched = 0;
    for worker in workers {
        let release = place.root.join(&worker.env).join("build");
        if let Some(path) = first_with_marker(&release)? {
            bail!("{} has fault switches; build it again without them", path.display());
        }
        if !has_switches(place, worker)? {
            continue;
        }
        switched += 1;
        let tests = folder(place, worker);
        if first_with_marker(&tests)?.is_none() {
            bail!("{} has no fault switches; check the marker in build/faults.rs", tests.display());
        }
    }
    if switched == 0 {
        bail!("no Worker has the feature `{FEATURE}`; check how it is read in build/faults.rs");
    }
    let path = place.root.join("wrangler.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    if text.contains(BINDING) {
        bail!("wrangler.toml names {BINDING}, which is only for tests; remove it");
    }
    Ok(format!("{switched} test builds"))
}

fn folder(place: &Place, worker: &Worker) -> PathBuf {
    place.root.join("target").join("faults").join(&worker.env)
}

fn has_switches(place: &Place, worker: &Worker) -> Result<bool> {
    let path = place.root.join(&worker.env).join("Cargo.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    let manifest: toml::Table = text.parse().with_context(|| path.display().to_string())?;
    Ok(manifest.get("features").is_some_and(|features| features.get(FEATURE).is_some()))
}

fn first_with_marker(folder: &Path) -> Result<Option<PathBuf>> {
    for path in output_paths(folder) {
        let content = fs::read(&path)
            .with_context(|| format!("cannot read {}; build it first", path.display()))?;
        if content.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Worker with switches, whose builds contain this.
    fn check(release: &str, tests: &str, wrangler: &str) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        for (at, content) in [("a/build", release), ("target/faults/a", tests)] {
            fs::create_dir_all(root.join(at)).unwrap();
            fs::write(root.join(at).join("index.js"), "").unwrap();
            fs::write(root.join(at).join("index_bg.wasm"), content).unwrap();
        }
        fs::write(root.join("a/Cargo.toml"), "[features]\nfaults = []").unwrap();
        fs::write(root.join("wrangler.toml"), wrangler).unwrap();
        let place = Place { cache: root.clone(), root };
        only_in_tests(&place, &[Worker { env: "a".to_owned() }])
    }

    #[test]
    fn a_release_with_switches_and_a_test_build_without_them_are_errors() {
        let switch = "\0asm http://rolecall-fault-point/x";
        assert!(check("\0asm", switch, "").is_ok());
        assert!(check(switch, switch, "").is_err());
        assert!(check("\0asm", "\0asm", "").is_err());
        assert!(check("\0asm", switch, "binding = \"FAULTS\"").is_err());
    }
}
