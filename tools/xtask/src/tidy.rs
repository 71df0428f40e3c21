//! House rules that no lint knows, as tests over the files of the repository.
//!
//! Files that do not keep a rule yet are in a list beside the rule. Such a list only shrinks: an
//! entry that is no longer needed fails the test too.

mod claims;
mod circles;
mod config;
mod decisions;
mod documents;
mod glossary;
mod layout;
mod logging;
mod names;
mod operators;
mod settings;
mod sources;
mod test_ids;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::place::Place;

/// A text file of the repository.
struct File {
    /// Its path from the root, with `/`.
    path: String,
    text: String,
}

/// Every text file that is tracked, or would be if it were added.
fn files() -> Vec<File> {
    let root = root();
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(&root)
        .output()
        .expect("git lists the files of a clone");
    assert!(listed.status.success(), "git ls-files failed; run the tests in a clone");
    let names = String::from_utf8(listed.stdout).unwrap();
    let names = names.split('\0').filter(|name| !name.is_empty());
    // Binary files, and files removed but not yet committed, cannot be read as text.
    let files: Vec<File> = names
        .filter_map(|name| {
            let text = fs::read_to_string(root.join(name)).ok()?;
            Some(File { path: name.to_owned(), text })
        })
        .collect();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the list has no Cargo.toml");
    files
}

/// The files with this ending.
fn files_ending(suffix: &str) -> Vec<File> {
    let mut found = files();
    found.retain(|file| file.path.ends_with(suffix));
    assert!(!found.is_empty(), "no file ends with {suffix}");
    found
}

fn root() -> PathBuf {
    Place::find().unwrap().root
}

/// Fails if anything was found, and lists it, one line each. `rule` says what to do.
#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}
