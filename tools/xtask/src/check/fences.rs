//! Which crate may depend on what. Each fence first asserts something that must be there, so that
//! a command that says nothing cannot pass for a clean answer.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::call::Call;
use crate::place::Place;
use crate::tally::Tally;
use crate::versions::WASM_TARGET;
use crate::workers::Worker;

/// The libraries that Workers are built from.
pub(super) const BELOW_WORKERS: [&str; 3] = ["shared", "edge", "replayer"];

/// Those of them that do I/O.
const LIBRARIES: [&str; 2] = ["edge", "replayer"];

/// The features that give Workers their fault switches, for tests alone.
pub(super) const SWITCHES: [&str; 4] =
    ["consumer/faults", "durable/faults", "rolecall-console/faults", "ssr/faults"];

/// What the pure core must never reach, on any target: a platform, a runtime.
const PLATFORM: [&str; 6] =
    ["worker", "worker-sys", "worker-macros", "tokio", "web-sys", "wasm-bindgen-futures"];

/// What else it must not reach. On wasm `jsonwebtoken` brings some of these, to ask JavaScript
/// for the time and for randomness; the core calls neither (every token is judged at a time that
/// is an argument, and nothing is signed), and without them it would not compile.
const PLATFORM_BY_JSONWEBTOKEN: [&str; 5] =
    ["js-sys", "wasm-bindgen", "wasm-bindgen-macro", "wasm-bindgen-shared", "getrandom"];

/// What no Worker may link: it needs sockets, threads or a C library, none of which is there.
/// `svix` signs and checks natively only.
const NATIVE_ONLY: [&str; 6] = ["svix", "hyper", "mio", "reqwest", "ring", "openssl-sys"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

/// Runs every fence; each counts as one.
pub(super) fn all(place: &Place, workers: &[Worker]) -> Tally {
    [
        Tally::of("fence: shared is pure", |_| shared_is_pure(place)),
        Tally::of("fence: only Workers know `worker`", |_| only_workers(place, workers)),
        Tally::of("fence: no Worker links what is native", |_| nothing_native(place, workers)),
        Tally::of("fence: fault switches are off by default", |_| switches_are_off(place, workers)),
    ]
    .into_iter()
    .sum()
}

fn shared_is_pure(place: &Place) -> Result<String> {
    let host = tree(place, "shared", &[])?;
    must_have(&host, "shared", "serde")?;
    must_lack(&host, "shared", &PLATFORM)?;
    must_lack(&host, "shared", &PLATFORM_BY_JSONWEBTOKEN)?;
    let wasm = tree(place, "shared", &["--target", WASM_TARGET])?;
    must_have(&wasm, "shared", "serde")?;
    must_lack(&wasm, "shared", &PLATFORM)?;
    let without = ["--target", WASM_TARGET, "--prune", "jsonwebtoken", "--prune", "getrandom@0.2"];
    let own = tree(place, "shared", &without)?;
    must_have(&own, "shared", "serde")?;
    must_lack(&own, "shared", &PLATFORM_BY_JSONWEBTOKEN)?;
    Ok(format!("{} crates below it", host.len()))
}

fn only_workers(place: &Place, workers: &[Worker]) -> Result<String> {
    let text = Call::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .dir(&place.root)
        .run_and_read("Fix the manifest that is named above.")?;
    let metadata: Metadata = serde_json::from_str(&text)
        .context("cargo metadata gave another form than expected; is cargo the pinned one?")?;
    let allowed: BTreeSet<&str> = workers.iter().map(Worker::package).chain(LIBRARIES).collect();
    let found: BTreeSet<&str> = metadata
        .packages
        .iter()
        .filter(|package| package.dependencies.iter().any(|it| it.name == "worker"))
        .map(|package| package.name.as_str())
        .collect();
    if !found.contains("edge") {
        bail!("edge does not depend on `worker`; does this check look in the right place?");
    }
    if let Some(name) = found.difference(&allowed).next() {
        bail!("{name} depends on `worker`; only edge, replayer and the Workers may");
    }
    Ok(format!("{} crates know it", found.len()))
}

fn nothing_native(place: &Place, workers: &[Worker]) -> Result<String> {
    for name in workers.iter().map(Worker::package) {
        let tree = tree(place, name, &["--target", WASM_TARGET])?;
        must_have(&tree, name, "worker")?;
        must_lack(&tree, name, &NATIVE_ONLY)?;
    }
    Ok(format!("{} Workers", workers.len()))
}

/// No default, and no crate that depends on another, turns the switches on.
fn switches_are_off(place: &Place, workers: &[Worker]) -> Result<String> {
    for name in workers.iter().map(Worker::package) {
        let shipped = features_of_edge(place, name, &[])?;
        if shipped.contains("faults") {
            bail!("{name} has fault switches by default; take the feature away");
        }
    }
    for switch in SWITCHES {
        let name = switch.split('/').next().unwrap_or_default();
        if !features_of_edge(place, name, &["--features", switch])?.contains("faults") {
            bail!("{switch} turns no switch of edge on; does this check look in the right place?");
        }
    }
    Ok(format!("{} Workers", workers.len()))
}

/// The features that `edge` has below `name`, with commas.
fn features_of_edge(place: &Place, name: &str, more: &[&str]) -> Result<String> {
    let text = Call::new("cargo")
        .args(["tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none"])
        .args(["--target", WASM_TARGET, "--format", "{p} features {f}"])
        .args(more)
        .dir(&place.root)
        .run_and_read("Fix the manifest that is named above.")?;
    let edge = text.lines().find(|line| line.starts_with("edge "));
    let features = edge.and_then(|line| line.split_once(" features ")).map(|(_, it)| it.to_owned());
    features.with_context(|| {
        format!("{name} does not link edge; does this check look in the right place?")
    })
}

/// The names of all crates that `name` links.
fn tree(place: &Place, name: &str, more: &[&str]) -> Result<BTreeSet<String>> {
    let text = Call::new("cargo")
        .args(["tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none"])
        .args(more)
        .dir(&place.root)
        .run_and_read("Fix the manifest that is named above.")?;
    Ok(names(&text))
}

fn names(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn must_have(tree: &BTreeSet<String>, root: &str, name: &str) -> Result<()> {
    if tree.contains(name) {
        return Ok(());
    }
    bail!("`cargo tree -p {root}` lacks {name}; does this check look in the right place?");
}

fn must_lack(tree: &BTreeSet<String>, root: &str, forbidden: &[&str]) -> Result<()> {
    let Some(name) = forbidden.iter().find(|name| tree.contains(**name)) else { return Ok(()) };
    bail!("{root} links {name}, which it must not; `cargo tree -p {root} -i {name}` says why");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_stops_what_is_forbidden_and_an_empty_answer() {
        let tree = names("shared v0.1.0 (path)\nserde v1.0.0\nserde v1.0.0 (*)\n");
        assert!(must_have(&tree, "shared", "serde").is_ok());
        assert!(must_lack(&tree, "shared", &PLATFORM).is_ok());
        assert!(must_lack(&tree, "shared", &["serde"]).is_err());
        assert!(must_have(&names(""), "shared", "serde").is_err());
    }
}
