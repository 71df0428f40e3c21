//! `examples/react-router`: built if it changed, and started as an app beside the Workers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Addresses;
use crate::call::Call;
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show::Step;

/// Its name beside the Workers.
pub(crate) const NAME: &str = "example";

/// Its folder.
pub(crate) const FOLDER: &str = "examples/react-router";

/// Its inputs, besides its own folder.
const INPUTS: [&str; 3] =
    ["packages/guard/src", "packages/guard/tsconfig.json", "package-lock.json"];

/// The last output of a build.
const OUTPUT: &str = "build/server/index.js";

/// Builds the guards and the app, unless the last build is newer than all of its inputs.
///
/// # Errors
/// When either does not compile.
pub(crate) fn build(place: &Place, tools: &Tools) -> Result<()> {
    let _lock = setup::lock(&place.scratch(), "build-example")?;
    let folder = place.root.join(FOLDER);
    let output = folder.join(OUTPUT);
    let inputs = INPUTS.iter().map(|name| place.root.join(name)).chain([folder.clone()]);
    if is_fresh(&output, inputs)? {
        return Ok(());
    }
    let step = Step::begin("build example");
    let node = || Call::new(&tools.node);
    let modules = place.root.join("node_modules");
    node()
        .arg(modules.join("typescript/bin/tsc"))
        .args(["--project", "packages/guard/tsconfig.json"])
        .dir(&place.root)
        .run(|line| step.say(line))?
        .ok("Fix the types in packages/guard that the compiler names.")?;
    let ran = node()
        .arg(modules.join("@react-router/dev/bin.js"))
        .arg("build")
        .dir(&folder)
        .vars(tools.vars()?)
        .run(|line| step.say(line))?
        .ok("Fix what is named above in examples/react-router.")?;
    if !output.is_file() {
        bail!("the build wrote no {FOLDER}/{OUTPUT}; its output:\n{}", ran.tail());
    }
    step.done("");
    Ok(())
}

/// The options of `serve.mjs` for it. `key` is the local Clerk's, as a JSON Web Key.
pub(super) fn options(addresses: Addresses, key: &Value) -> Value {
    let clerk = addresses.clerk();
    json!({
        "folder": FOLDER,
        "port": addresses.example_port(),
        "key": key,
        "bindings": {
            "CLERK_PUBLISHABLE_KEY": publishable_key(addresses),
            "CLERK_SECRET_KEY": "none: nothing here calls Clerk's API",
            "CLERK_PROXY_URL": clerk,
            "AUTHORIZED_PARTIES": addresses.parties(),
            "SIGN_IN_URL": format!("{clerk}/sign-in"),
            "SIGN_OUT_URL": format!("{clerk}/sign-out"),
        },
    })
}

/// The key of a live instance: for a development instance, Clerk's SDK needs a browser cookie
/// that a script of Clerk sets, and there is no such script here.
fn publishable_key(addresses: Addresses) -> String {
    format!("pk_live_{}", STANDARD.encode(format!("127.0.0.1:{}$", addresses.clerk_port())))
}

fn is_fresh(output: &Path, inputs: impl IntoIterator<Item = PathBuf>) -> Result<bool> {
    let Ok(built) = fs::metadata(output).and_then(|it| it.modified()) else { return Ok(false) };
    for input in inputs {
        if built <= newest(&input)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When a file, or anything below a folder, was last changed. Build outputs and hidden files do
/// not count. A folder changes when a file in it is made or removed.
fn newest(path: &Path) -> Result<SystemTime> {
    let read = || format!("cannot read {}; restore it from git", path.display());
    let changed = |path: &Path| fs::metadata(path).and_then(|it| it.modified());
    if !path.is_dir() {
        return changed(path).with_context(read);
    }
    // A build makes `build` beside the sources, so the time of the top folder itself is not used.
    let mut found = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(path).with_context(read)? {
        let path = entry.with_context(read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "build" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            found = found.max(changed(&path).with_context(read)?);
        }
        found = found.max(newest(&path)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::time::Duration;

    use super::*;

    /// Sets the time of change of a file or folder.
    fn change(path: &Path, second: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let file = fs::File::open(path).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }

    #[track_caller]
    fn check(changed: &str, want: bool) {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let (files, folders) = (["app/a.ts", "build/index.js", ".cache/x"], ["app", "build", ""]);
        for name in files {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
            change(&at(name), 10);
        }
        for name in folders {
            change(&at(name), 10);
        }
        change(&at("build/index.js"), 20);
        change(&at(changed), 30);
        let fresh = is_fresh(&at("build/index.js"), [place.path().to_path_buf()]).unwrap();
        assert_eq!(fresh, want, "{changed}");
    }

    #[test]
    fn it_is_built_again_if_its_sources_changed() {
        check("app/a.ts", false);
        check("app", false);
        check("build/index.js", true);
        check("build", true);
        check(".cache/x", true);
    }

    #[test]
    fn without_an_output_it_is_built() {
        assert!(!is_fresh(Path::new("not-there"), []).unwrap());
    }

    #[test]
    fn its_settings_are_those_of_the_local_clerk() {
        let options = options(Addresses { first: 9000 }, &json!({ "kty": "RSA" }));
        assert_eq!(options["port"], 9004);
        assert_eq!(options["bindings"]["SIGN_IN_URL"], "http://127.0.0.1:9003/sign-in");
        let key = options["bindings"]["CLERK_PUBLISHABLE_KEY"].as_str().unwrap();
        let host = STANDARD.decode(key.trim_start_matches("pk_live_")).unwrap();
        assert_eq!(host, b"127.0.0.1:9003$");
        let parties = options["bindings"]["AUTHORIZED_PARTIES"].as_str().unwrap();
        assert!(parties.split(',').any(|it| it == "http://127.0.0.1:9004"), "{parties}");
    }
}
