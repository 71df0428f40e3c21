//! Heads of audit trails that this operator has seen. A trail that no longer contains them was
//! rewritten, even if its chain is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::operators::audit::AuditHead;

use crate::client::Client;
use crate::config::{state_path, write_private};
use crate::failure::Failure;
use crate::screen::Screen;

/// The state file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Heads {
    /// By the console's address.
    #[serde(default)]
    consoles: BTreeMap<String, SeenHeads>,
}

/// The heads of one console's trail.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SeenHeads {
    /// The end of the chain that was verified last.
    pub(crate) verified: Option<SeenHead>,
    /// The head after the last change.
    pub(crate) shown: Option<SeenHead>,
}

/// One head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenHead {
    /// The number of its entry.
    pub(crate) seq: i64,
    /// Its hash.
    pub(crate) hash: String,
}

impl From<&AuditHead> for SeenHead {
    fn from(head: &AuditHead) -> Self {
        Self { seq: head.seq, hash: head.hash.clone() }
    }
}

/// The state file.
///
/// # Errors
/// When there is no home folder.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    state_path("audit-heads.toml")
}

fn load() -> Result<Heads, Failure> {
    let path = path()?;
    let shown = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Heads::default()),
        Err(error) => {
            return Err(Failure::usage(
                format!("{shown} cannot be read: {error}"),
                "Check the file.",
            ));
        }
    };
    toml::from_str(&text).map_err(|error| {
        // A damaged file that is ignored silently could hide a rewritten trail.
        let next = "Look what happened to it; remove it to begin again.";
        Failure::usage(format!("{shown} is damaged: {}", error.message()), next)
    })
}

/// The heads that are known of a console.
///
/// # Errors
/// When the state file cannot be read.
pub(crate) fn of(client: &Client) -> Result<SeenHeads, Failure> {
    Ok(load()?.consoles.remove(client.base().as_str()).unwrap_or_default())
}

/// Keeps heads of a console.
///
/// # Errors
/// When the state file cannot be written.
pub(crate) fn keep(client: &Client, change: impl FnOnce(&mut SeenHeads)) -> Result<(), Failure> {
    let mut heads = load()?;
    change(heads.consoles.entry(client.base().to_string()).or_default());
    let text = toml::to_string(&heads).map_err(|error| {
        Failure::usage(format!("the heads cannot be written: {error}"), "Remove the state file.")
    })?;
    write_private(&path()?, &text)
}

/// Shows the head after a change, and keeps it. The change is done, so a failure is only told.
pub(crate) fn show(client: &Client, screen: &Screen) {
    let told = client.get::<AuditHead>(&["audit", "head"], &[]).and_then(|head| {
        screen.note(format!("audit head: {} {}", head.seq, head.hash));
        if screen.json {
            screen.event(&head);
        }
        keep(client, |seen| seen.shown = Some(SeenHead::from(&head)))
    });
    if let Err(failure) = told {
        screen.fail(&failure);
    }
}
