//! The inputs of a Worker's build: a digest that changes if, and only if, building again could
//! change the result.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::place::Place;
use crate::setup::Tools;
use crate::versions::{WASM_TARGET, WORKER_BUILD};

/// The files in the root that every build reads.
const COMMON: [&str; 5] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml", "package.json"];

/// The variables that change the output of cargo.
const VARIABLES: [&str; 3] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"];

/// The inputs of all Workers.
#[derive(Debug)]
pub(super) struct BuildInputs {
    root: PathBuf,
    /// Each crate of the workspace: its folder, and the workspace crates that it depends on. The
    /// crate of a Worker is found by its folder: the name of `console` is taken.
    crates: BTreeMap<String, (PathBuf, Vec<String>)>,
    tools: String,
}

#[derive(Deserialize)]
struct CargoMetadata {
    packages: Vec<CargoPackage>,
}

#[derive(Deserialize)]
struct CargoPackage {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<CargoDependency>,
}

#[derive(Deserialize)]
struct CargoDependency {
    name: String,
    path: Option<PathBuf>,
    /// `dev`, `build`, or none for an ordinary one.
    kind: Option<String>,
}

impl BuildInputs {
    /// Reads the dependencies between the crates.
    pub(super) fn load(place: &Place, tools: &Tools) -> Result<Self> {
        let text = Call::new("cargo")
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .dir(&place.root)
            .run_and_read("Fix the manifest that is named above.")?;
        let metadata: CargoMetadata = serde_json::from_str(&text)
            .context("cargo metadata has an unexpected form; check that cargo is the pinned one")?;
        let crates = metadata.packages.into_iter().map(CargoPackage::entry).collect();
        Ok(Self { root: place.root.clone(), crates, tools: tool_line(tools) })
    }

    /// The digest of the files and the arguments that the crate `name` is built with.
    pub(super) fn digest(&self, name: &str, args: &[String]) -> Result<String> {
        let mut files: BTreeSet<PathBuf> = COMMON.iter().map(|file| self.root.join(file)).collect();
        for folder in self.folders(name)? {
            walk(&folder, &mut files)?;
        }
        let files = digest(&self.root, files)?;
        let args = args.join(" ");
        Ok(hex(Sha256::digest(format!("{} {args}\n{files}", self.tools))))
    }

    /// The folders of the crate and of all workspace crates that it depends on.
    fn folders(&self, name: &str) -> Result<BTreeSet<PathBuf>> {
        let mut folders = BTreeSet::new();
        let at = self.root.join(name);
        let named = self.crates.iter().find(|(_, (folder, _))| *folder == at);
        let mut open = vec![named.map_or(name, |(name, _)| name.as_str())];
        while let Some(name) = open.pop() {
            let (folder, below) = self.crates.get(name).with_context(|| {
                format!("the workspace has no crate `{name}`; add it to Cargo.toml's members")
            })?;
            if folders.insert(folder.clone()) {
                open.extend(below.iter().map(String::as_str));
            }
        }
        Ok(folders)
    }
}

impl CargoPackage {
    fn entry(self) -> (String, (PathBuf, Vec<String>)) {
        let folder = self.manifest_path.parent().map(Path::to_path_buf).unwrap_or_default();
        let below = self.dependencies.into_iter();
        let below = below.filter(|it| it.path.is_some() && it.kind.as_deref() != Some("dev"));
        (self.name, (folder, below.map(|it| it.name).collect()))
    }
}

/// The digest of the names and contents of `files`. Names are relative to `root`, so two clones
/// get the same digest.
pub(super) fn digest(root: &Path, files: impl IntoIterator<Item = PathBuf>) -> Result<String> {
    let mut all = Sha256::new();
    for file in files {
        let content = fs::read(&file).with_context(|| {
            format!("cannot read {}; check that you may read it", file.display())
        })?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        // The length comes before the content, so two different lists never have the same bytes.
        all.update(format!("{name}\n{}\n", content.len()));
        all.update(&content);
    }
    Ok(hex(all.finalize()))
}

/// Adds the files below `folder`, without build outputs and hidden files.
fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let read = || format!("cannot read {}; check that you may read it", folder.display());
    for entry in fs::read_dir(folder).with_context(read)? {
        let path = entry.with_context(read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "build" || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

fn tool_line(tools: &Tools) -> String {
    let [(_, wasm_bindgen), ..] = tools.binaries();
    // The name of the tool's folder has its version, from Cargo.lock, which is hashed too.
    let wasm_bindgen = wasm_bindgen.components().rev().nth(2);
    let wasm_bindgen = wasm_bindgen.map(|name| name.as_os_str().to_string_lossy().into_owned());
    let mut line = format!("{WASM_TARGET} {WORKER_BUILD} {}", wasm_bindgen.unwrap_or_default());
    for name in VARIABLES {
        let value = env::var_os(name).unwrap_or_default();
        line.extend([" ", name, "=", &value.to_string_lossy()]);
    }
    line
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // A String takes any text, so this write cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, BuildInputs) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        let names = ["a/src", "b/src", "a/build", ".cargo"];
        for name in names {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in COMMON {
            fs::write(root.join(name), "x").unwrap();
        }
        fs::write(root.join("a/src/lib.rs"), "a").unwrap();
        fs::write(root.join("b/src/lib.rs"), "b").unwrap();
        let crates = BTreeMap::from([
            ("a".to_owned(), (root.join("a"), vec!["b".to_owned()])),
            ("b".to_owned(), (root.join("b"), Vec::new())),
        ]);
        (folder, BuildInputs { root, crates, tools: "1".to_owned() })
    }

    #[track_caller]
    fn check(change: impl Fn(&mut BuildInputs), changes: bool) {
        let (_folder, mut inputs) = workspace();
        let before = inputs.digest("a", &[]).unwrap();
        change(&mut inputs);
        assert_eq!(before != inputs.digest("a", &[]).unwrap(), changes);
    }

    #[test]
    fn only_inputs_of_the_build_change_the_digest() {
        check(|_| (), false);
        check(|it| fs::write(it.root.join("a/src/lib.rs"), "A").unwrap(), true);
        check(|it| fs::write(it.root.join("b/src/new.rs"), "").unwrap(), true);
        check(|it| fs::write(it.root.join("Cargo.lock"), "y").unwrap(), true);
        check(|it| "2".clone_into(&mut it.tools), true);
        check(|it| fs::write(it.root.join("a/build/index.js"), "out").unwrap(), false);
        check(|it| fs::write(it.root.join("README.md"), "read").unwrap(), false);
    }

    #[test]
    fn the_arguments_change_the_digest() {
        let (_folder, inputs) = workspace();
        let of = |args: &[&str]| {
            inputs.digest("a", &args.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(of(&["--dev"]), of(&["--dev"]));
        assert_ne!(of(&["--dev"]), of(&["--release"]));
    }

    #[test]
    fn an_unknown_crate_is_named() {
        let error = workspace().1.digest("c", &[]).unwrap_err();
        assert!(error.to_string().contains("no crate `c`"));
    }
}
