//! `cargo xtask env`: the pinned tools for a shell, as `eval "$(cargo xtask env)"`.

use std::path::Path;

use anyhow::Result;

use crate::place::Place;
use crate::{setup, show};

/// Prints the lines for the shell to evaluate.
///
/// # Errors
/// When a tool is missing and cannot be installed.
pub(crate) fn run(place: &Place) -> Result<()> {
    let tools = setup::ensure(place)?;
    let folders: Vec<String> = tools.folders().iter().map(|folder| quote(folder)).collect();
    show::line(format!("export PATH={}:\"$PATH\"", folders.join(":")));
    for (name, file) in tools.binaries() {
        show::line(format!("export {name}={}", quote(&file)));
    }
    Ok(())
}

/// A path as one word of a POSIX shell.
fn quote(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(quote(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
