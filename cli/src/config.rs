//! The configuration file: addresses and tokens of consoles, by the name of a profile.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The file, `config.toml`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The consoles.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// One console. It has no `Debug`: it holds secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Its address.
    pub(crate) url: String,
    /// One of its `OPERATOR_TOKEN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// A service token of Cloudflare Access: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_client_id: Option<String>,
    /// A service token of Cloudflare Access: its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_client_secret: Option<String>,
    /// Where `send` delivers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ingest_url: Option<String>,
}

/// A file of this program in the operator's folder for configuration.
///
/// # Errors
/// When there is no home folder.
pub(crate) fn config_path() -> Result<PathBuf, Failure> {
    Ok(folders()?.config_dir().join("rolecall").join("config.toml"))
}

/// A file of this program in the operator's folder for state.
///
/// # Errors
/// When there is no home folder.
pub(crate) fn state_path(name: &str) -> Result<PathBuf, Failure> {
    let folders = folders()?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Ok(folder.join("rolecall").join(name))
}

fn folders() -> Result<impl etcetera::BaseStrategy, Failure> {
    etcetera::choose_base_strategy().map_err(|error| {
        let next = "Set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME.";
        Failure::usage(format!("the folder for configuration cannot be found: {error}"), next)
    })
}

/// Reads the configuration. No file is an empty configuration.
///
/// # Errors
/// When others may read the file, or it cannot be read.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => {
            return Err(Failure::usage(
                format!("{shown} cannot be read: {error}"),
                "Check the file.",
            ));
        }
    };
    let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
    if mode & 0o077 != 0 {
        let message = format!("{shown} holds tokens, and others may read it");
        return Err(Failure::usage(message, format!("Run: chmod 600 {shown}")));
    }
    // The parser's own message quotes the line, which may hold a token.
    toml::from_str(&text).map_err(|error| {
        let begin = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(begin).filter(|byte| *byte == b'\n').count() + 1;
        let message = format!("{shown} is not a configuration: line {line}");
        Failure::usage(message, "Correct the line, or remove the file and run `rolecall login`.")
    })
}

/// Writes the configuration: readable for its owner alone.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn save(path: &Path, config: &Config) -> Result<(), Failure> {
    let text = toml::to_string(config).map_err(|error| {
        Failure::usage(format!("the configuration cannot be written: {error}"), "Check the values.")
    })?;
    write_private(path, &text)
}

/// Replaces a file as a whole; its owner alone may read it.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let new = path.with_extension(format!("new-{}", std::process::id()));
        // A file that is left over could have another mode.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
        fs::rename(&new, path)
    };
    write().map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Failure::usage(message, "Check the folder and the disk.")
    })
}
