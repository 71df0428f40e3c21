//! Node's packages, and Node itself among them: `npm ci` by the root's lock.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{lock, persist};
use crate::call::Call;
use crate::place::Place;
use crate::show::Step;
use crate::versions::NODE_MAJOR_MIN;

#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Package>,
}

/// What tells one package from another; the rest of an entry differs between npm's versions.
#[derive(Deserialize, PartialEq)]
struct Package {
    version: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    optional: bool,
}

/// Installs the packages unless exactly those of the lock are there; returns their folder.
pub(super) fn ensure(place: &Place) -> Result<PathBuf> {
    let folder = place.root.join("node_modules");
    if is_fresh(place, &folder)? {
        return Ok(folder);
    }
    let _lock = lock(&place.scratch(), "npm")?;
    if !is_fresh(place, &folder)? {
        check_npm(place)?;
        let step = Step::begin("npm ci (about 100 MB, once)");
        let call = || Call::new("npm").args(["ci", "--no-audit", "--no-fund"]).dir(&place.root);
        persist(&step, call, "Check the network, then run the task again.")?;
        if !is_fresh(place, &folder)? {
            step.failed("incomplete");
            bail!(
                "`npm ci` ended well, but node_modules/node/bin/node or a package is missing; \
                 if npm is set to ignore scripts, run `npm ci --ignore-scripts=false`"
            );
        }
        step.done("installed");
    }
    Ok(folder)
}

/// Whether what npm says it installed is what the lock says, and Node's own download is there.
fn is_fresh(place: &Place, folder: &Path) -> Result<bool> {
    let path = place.root.join("package-lock.json");
    let want = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    let Ok(have) = fs::read_to_string(folder.join(".package-lock.json")) else {
        return Ok(false);
    };
    let agree = agree(&want, &have).context("package-lock.json is broken; restore it from git")?;
    Ok(agree && folder.join("node").join("bin").join("node").is_file())
}

/// npm leaves out what is optional and not for this machine; all else must be the same.
fn agree(want: &str, have: &str) -> Result<bool> {
    let want: Lock = serde_json::from_str(want)?;
    let Ok(have) = serde_json::from_str::<Lock>(have) else { return Ok(false) };
    let same = |(name, package): (&String, &Package)| match have.packages.get(name) {
        Some(found) => found == package,
        None => package.optional || name.is_empty(),
    };
    Ok(want.packages.iter().all(same))
}

fn check_npm(place: &Place) -> Result<()> {
    let install = "Install Node 20 or newer with npm, then run the task again.";
    let text = Call::new("node").arg("--version").dir(&place.root).read(install)?;
    let major = text.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major < NODE_MAJOR_MIN) {
        bail!("node is {}, which is too old for the set-up. {install}", text.trim());
    }
    Call::new("npm").arg("--version").dir(&place.root).read(install)?;
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
    fn only_the_packages_of_the_lock_are_fresh() {
        check(r#"{"packages":{"node_modules/a":{"version":"1"}}}"#, true);
        check(r#"{"packages":{"node_modules/a":{"version":"2"}}}"#, false);
        check(r#"{"packages":{}}"#, false);
        check("cut off", false);
    }
}
