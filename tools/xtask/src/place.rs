//! The folders: the clone, and the cache of tools outside it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders of every task.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The root of the workspace.
    pub(crate) root: PathBuf,
    /// Installed tools, shared by all clones: `$ROLECALL_CACHE`, else `rolecall` in
    /// `$XDG_CACHE_HOME`, else in `~/.cache`.
    pub(crate) cache: PathBuf,
}

impl Place {
    /// Finds both folders.
    ///
    /// # Errors
    /// When there is no workspace above this crate, or neither a cache nor a home is named.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.ancestors().nth(2).map(Path::to_path_buf).with_context(|| {
            format!("no workspace above {}; run `cargo xtask` inside the clone", manifest.display())
        })?;
        Ok(Self { root, cache: cache()? })
    }

    /// The folder for the tasks' own locks and logs. `target` is ignored by git.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.join("target").join("xtask")
    }
}

fn cache() -> Result<PathBuf> {
    if let Some(named) = filled("ROLECALL_CACHE") {
        return Ok(named);
    }
    if let Some(base) = filled("XDG_CACHE_HOME") {
        return Ok(base.join("rolecall"));
    }
    let home =
        filled("HOME").context("HOME is not set; set ROLECALL_CACHE to a folder for the tools")?;
    Ok(home.join(".cache").join("rolecall"))
}

/// The path in a variable, if it is set and not empty.
fn filled(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
