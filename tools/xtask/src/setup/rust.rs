//! The parts of the toolchain: `rust-toolchain.toml` names them, rustup installs them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{lock, run_with_retries};
use crate::call::Call;
use crate::place::Place;
use crate::show::Step;
use crate::versions::WASM_TARGET;

#[derive(Deserialize)]
struct ToolchainFile {
    toolchain: Toolchain,
}

#[derive(Deserialize)]
struct Toolchain {
    components: Vec<String>,
}

/// Adds the wasm target and the components when they are missing.
pub(super) fn ensure(place: &Place) -> Result<()> {
    if has_target(place)? && has_components(place)? {
        return Ok(());
    }
    let _lock = lock(&place.cache, "rustup")?;
    if !has_target(place)? {
        add(place, &["target", "add", WASM_TARGET])?;
    }
    if !has_components(place)? {
        let pins = place.root.join("rust-toolchain.toml");
        let text = fs::read_to_string(&pins)
            .with_context(|| format!("cannot read {}; restore it from git", pins.display()))?;
        let pins: ToolchainFile = toml::from_str(&text)
            .context("rust-toolchain.toml lists no components; restore it from git")?;
        let mut args = vec!["component", "add"];
        args.extend(pins.toolchain.components.iter().map(String::as_str));
        add(place, &args)?;
    }
    Ok(())
}

fn add(place: &Place, args: &[&str]) -> Result<()> {
    let step = Step::begin(format!("rustup {}", args.join(" ")));
    let call = || Call::new("rustup").args(args).dir(&place.root);
    run_with_retries(&step, call, "Check the network, then run that command by hand.")?;
    step.done("added");
    Ok(())
}

fn has_target(place: &Place) -> Result<bool> {
    let folder = Call::new("rustc")
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .dir(&place.root)
        .run_and_read("Install the toolchain with `rustup toolchain install` in the clone.")?;
    Ok(Path::new(folder.trim()).is_dir())
}

fn has_components(place: &Place) -> Result<bool> {
    for tool in ["fmt", "clippy"] {
        if !Call::new("cargo").args([tool, "--version"]).dir(&place.root).run(|_| ())?.success {
            return Ok(false);
        }
    }
    Ok(true)
}
