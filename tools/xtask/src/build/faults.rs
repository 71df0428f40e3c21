//! Workers with fault points (`edge/src/fault_points.rs`): built for the tests only, in their own
//! folder, and the check that no other build has fault points.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Recipe, output_paths};
use crate::place::Place;
use crate::workers::Worker;

/// The feature of the Workers that have switches.
const FEATURE: &str = "faults";

/// Stands in every build with switches: the host that they ask.
const MARKER: &str = "rolecall-fault-point";

/// The service that the switches ask.
const BINDING: &str = "FAULTS";

/// How to build `worker` with its switches: without optimisation, for it is soon built and soon
/// thrown away. `None` when it has none.
///
/// # Errors
/// When the crate's manifest cannot be read.
pub(super) fn recipe<'a>(place: &Place, worker: &'a Worker) -> Result<Option<Recipe<'a>>> {
    if !has_switches(place, worker)? {
        return Ok(None);
    }
    let env = &worker.env;
    let out = format!("../target/faults/{env}");
    let args = ["--dev", "--no-opt", "--out-dir", &out, "--", "--locked", "--features", FEATURE];
    Ok(Some(Recipe {
        worker,
        title: format!("build {env} with fault switches"),
        out: folder(place, worker),
        args: args.map(str::to_owned).to_vec(),
    }))
}

/// Whether no Worker that is shipped has a switch, while every test build has some.
///
/// # Errors
/// When a build has what it must not have or lacks what it must have, or is not there.
pub(crate) fn only_in_tests(place: &Place, workers: &[Worker]) -> Result<String> {
    let mut switched = 0;
    for worker in workers {
        let release = place.root.join(&worker.env).join("build");
        if let Some(path) = first_with_marker(&release)? {
            bail!("{} has fault switches; build it anew without them", path.display());
        }
        if !has_switches(place, worker)? {
            continue;
        }
        switched += 1;
        let tests = folder(place, worker);
        if first_with_marker(&tests)?.is_none() {
            bail!("{} has no fault switches; is the marker right?", tests.display());
        }
    }
    if switched == 0 {
        bail!("no Worker has the feature `{FEATURE}`; is the rule read right?");
    }
    let path = place.root.join("wrangler.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    if text.contains(BINDING) {
        bail!("wrangler.toml names {BINDING}, which is for tests alone; remove it");
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
            .with_context(|| format!("cannot read {}; was it built?", path.display()))?;
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
    fn a_release_with_a_switch_is_found_and_so_is_a_test_build_without_one() {
        let switch = "\0asm http://rolecall-fault-point/x";
        assert!(check("\0asm", switch, "").is_ok());
        assert!(check(switch, switch, "").is_err());
        assert!(check("\0asm", "\0asm", "").is_err());
        assert!(check("\0asm", switch, "binding = \"FAULTS\"").is_err());
    }
}
