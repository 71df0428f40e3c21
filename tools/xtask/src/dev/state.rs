//! What is kept between starts: data, keys, and whether the day was played.

use std::env;
use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::place::Place;

/// A folder that only this run uses.
#[derive(Debug)]
pub(super) struct DevState {
    folder: PathBuf,
    /// The webhook secret, which ingest and the local Clerk share.
    pub(super) secret: String,
    /// What opens the console.
    pub(super) operator_token: String,
    /// What opens `/metrics` of the console, and nothing else.
    pub(super) metrics_token: String,
    _lock: File,
    /// A folder that is deleted at the end.
    _scratch: Option<TempDir>,
}

impl DevState {
    /// Opens the state of the clone, or for `once` a temporary one.
    ///
    /// # Errors
    /// When the folder cannot be made, or another run uses it.
    pub(super) fn open(place: &Place, once: bool, fresh: bool) -> Result<Self> {
        let scratch = if once {
            Some(
                tempfile::tempdir()
                    .context("cannot make a temporary folder; check that TMPDIR has space")?,
            )
        } else {
            None
        };
        let folder =
            scratch.as_ref().map_or_else(|| place.root.join(".state"), |dir| dir.path().into());
        Self::at(folder, scratch, fresh)
    }

    fn at(folder: PathBuf, scratch: Option<TempDir>, fresh: bool) -> Result<Self> {
        let make = || format!("cannot make {}; check that you may write there", folder.display());
        fs::create_dir_all(&folder).with_context(make)?;
        let lock = File::create(folder.join("lock")).with_context(make)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another `cargo xtask dev` runs on {}; end it first, or use --once",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(make),
        }
        if fresh {
            empty(&folder)?;
        }
        // Svix's own secrets are 24 random bytes:
        // <https://docs.svix.com/receiving/verifying-payloads/how-manual>
        let secret = own_secret("CLERK_WEBHOOK_SECRET", &folder.join("webhook-secret"), || {
            format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 24]>()))
        })?;
        let token = || STANDARD.encode(rand::random::<[u8; 32]>());
        let operator_token = own_secret("OPERATOR_TOKEN", &folder.join("operator-token"), token)?;
        let metrics_token = own_secret("METRICS_TOKEN", &folder.join("metrics-token"), token)?;
        Ok(Self { folder, secret, operator_token, metrics_token, _lock: lock, _scratch: scratch })
    }

    /// The folder of the Workers' data.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the local Clerk's key.
    pub(super) fn clerk_folder(&self) -> PathBuf {
        self.folder.join("local-clerk")
    }

    /// The path of the Workers' log, for people.
    pub(super) fn log(&self) -> String {
        self.folder.join("workers.log").display().to_string()
    }

    /// Whether the day was not played on this state yet.
    pub(super) fn is_first_start(&self) -> bool {
        !self.marker().exists()
    }

    /// Notes that the day was begun: a second play would give other outcomes.
    pub(super) fn note_first_start(&self) -> Result<()> {
        let marker = self.marker();
        fs::write(&marker, "The scripted day was begun on this state.\n").with_context(|| {
            format!("cannot write {}; check that you may write there", marker.display())
        })
    }

    fn marker(&self) -> PathBuf {
        self.folder.join("played")
    }
}

/// Removes everything except the lock, which is held.
fn empty(folder: &Path) -> Result<()> {
    let failed = || format!("cannot empty {}; remove it by hand", folder.display());
    for entry in fs::read_dir(folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.file_name().is_some_and(|name| name == "lock") {
            continue;
        }
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(failed)?;
    }
    Ok(())
}

/// The secret of the environment, else that of this state, which the first start makes.
fn own_secret(variable: &str, path: &Path, make: impl FnOnce() -> String) -> Result<String> {
    if let Some(given) = env::var(variable).ok().filter(|it| !it.is_empty()) {
        return Ok(given);
    }
    if let Ok(kept) = fs::read_to_string(path) {
        return Ok(kept.trim().to_owned());
    }
    let secret = make();
    fs::write(path, &secret)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o600)))
        .with_context(|| {
            format!("cannot write {}; check that you may write there", path.display())
        })?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, fresh: bool) -> Result<DevState> {
        DevState::at(folder.to_path_buf(), None, fresh)
    }

    #[test]
    fn a_second_start_keeps_the_state_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), false).unwrap();
        assert!(first.is_first_start());
        first.note_first_start().unwrap();
        let secrets = (first.secret.clone(), first.operator_token.clone());
        drop(first);
        let second = open(folder.path(), false).unwrap();
        assert!(!second.is_first_start());
        assert_eq!((second.secret.clone(), second.operator_token.clone()), secrets);
    }

    #[test]
    fn a_fresh_start_removes_the_state() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), false).unwrap().note_first_start().unwrap();
        fs::create_dir(folder.path().join("workers")).unwrap();
        assert!(open(folder.path(), true).unwrap().is_first_start());
        assert!(!folder.path().join("workers").exists());
    }

    #[test]
    fn two_runs_cannot_use_one_state() {
        let folder = tempfile::tempdir().unwrap();
        let _first = open(folder.path(), false).unwrap();
        let error = open(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains("another `cargo xtask dev`"), "{error}");
    }
}
