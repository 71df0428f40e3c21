//! Programs that `cargo install` builds, each in a folder of its own under the cache, named by
//! its version, so that clones with different versions do not conflict.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{lock, run_with_retries};
use crate::call::Call;
use crate::place::Place;
use crate::show::Step;
use crate::versions::{CARGO_DENY, CARGO_FUZZ, WORKER_BUILD};

/// Whether a program is built with its own lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockMode {
    Locked,
    /// For a program whose published lock file names a withdrawn version.
    Unlocked,
}

#[derive(Deserialize)]
struct CargoLock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
}

/// `worker-build`, in the pinned version.
pub(super) fn worker_build(place: &Place) -> Result<PathBuf> {
    install(place, "worker-build", WORKER_BUILD, LockMode::Locked)
        .map(|folder| folder.join("worker-build"))
}

/// `wasm-bindgen`, in the version of `Cargo.lock`: any other refuses the Workers' wasm.
pub(super) fn wasm_bindgen(place: &Place) -> Result<PathBuf> {
    let path = place.root.join("Cargo.lock");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    let version = locked(&text, "wasm-bindgen")?;
    // The published lock of 0.2.130 names a version of a dependency that was withdrawn.
    install(place, "wasm-bindgen-cli", &version, LockMode::Unlocked)
        .map(|folder| folder.join("wasm-bindgen"))
}

/// Whether both of these are installed. Errors are reported when they are installed.
pub(super) fn are_installed(place: &Place) -> bool {
    let lock = fs::read_to_string(place.root.join("Cargo.lock")).unwrap_or_default();
    let wasm_bindgen = locked(&lock, "wasm-bindgen").unwrap_or_default();
    let programs = [("worker-build", WORKER_BUILD), ("wasm-bindgen-cli", &*wasm_bindgen)];
    programs.iter().all(|(name, version)| is_complete(&root(place, name, version), name, version))
}

/// `cargo-fuzz`, in the pinned version; returns the folder that it is in, for `PATH`.
pub(super) fn cargo_fuzz(place: &Place) -> Result<PathBuf> {
    install(place, "cargo-fuzz", CARGO_FUZZ, LockMode::Locked)
}

/// `cargo-deny`, in the pinned version.
pub(super) fn cargo_deny(place: &Place) -> Result<PathBuf> {
    install(place, "cargo-deny", CARGO_DENY, LockMode::Locked)
        .map(|folder| folder.join("cargo-deny"))
}

/// Builds a program unless it is installed; returns its folder.
fn install(place: &Place, name: &str, version: &str, keep: LockMode) -> Result<PathBuf> {
    let root = root(place, name, version);
    if is_complete(&root, name, version) {
        return Ok(root.join("bin"));
    }
    let _lock = lock(&place.cache, name)?;
    if !is_complete(&root, name, version) {
        let step = Step::begin(format!("cargo install {name}@{version} (a few minutes, once)"));
        let call = || {
            let call = Call::new("cargo").arg("install").arg(format!("{name}@{version}"));
            let call = if keep == LockMode::Locked { call.arg("--locked") } else { call };
            call.arg("--root").arg(&root).dir(&place.root)
        };
        let next = "Check the network and that a C compiler, pkg-config and OpenSSL's headers \
                    (Debian: gcc pkg-config libssl-dev) are there, then run the task again.";
        run_with_retries(&step, call, next)?;
        step.done("installed");
    }
    Ok(root.join("bin"))
}

fn root(place: &Place, name: &str, version: &str) -> PathBuf {
    place.cache.join(format!("{name}-{version}"))
}

/// Whether cargo's own list has the program. The list is made when a build begins,
/// and the program is added when it is installed.
fn is_complete(root: &Path, name: &str, version: &str) -> bool {
    let list = fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
    list.contains(&format!("\"{name} {version} "))
}

fn locked(text: &str, name: &str) -> Result<String> {
    let locked: CargoLock =
        toml::from_str(text).context("Cargo.lock is not a lock file; restore it from git")?;
    let package = locked.package.into_iter().find(|package| package.name == name);
    package
        .map(|package| package.version)
        .with_context(|| format!("Cargo.lock has no {name}; restore it from git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_build_is_not_complete() {
        let root = tempfile::tempdir().unwrap();
        let complete = || is_complete(root.path(), "a", "1.2.3");
        assert!(!complete());
        let list = root.path().join(".crates.toml");
        fs::write(&list, "").unwrap();
        assert!(!complete(), "cargo has begun");
        fs::write(&list, "[v1]\n\"a 1.2.30 (registry+x)\" = [\"a\"]\n").unwrap();
        assert!(!complete(), "another version");
        fs::write(&list, "[v1]\n\"a 1.2.3 (registry+x)\" = [\"a\"]\n").unwrap();
        assert!(complete());
    }

    #[test]
    fn the_version_comes_from_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "a").unwrap(), "1.2.3");
        assert!(locked(lock, "b").unwrap_err().to_string().contains("no b"));
    }
}
