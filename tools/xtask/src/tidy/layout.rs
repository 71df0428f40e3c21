//! What `.editorconfig` and `.gitattributes` say holds for the files that are there.

use std::collections::BTreeMap;
use std::process::Command;

use super::{File, assert_none, files, root};

/// Bytes of others: never converted, never tidied.
const BYTES: [&str; 2] = ["tests/fixtures/", "verify/fuzz/corpus/"];

/// A text of others, as it was published.
const LICENCE: &str = "LICENSE";

#[test]
fn files_are_as_editorconfig_says() {
    let mut wrong = Vec::new();
    for File { path, text } in files() {
        if path == LICENCE || BYTES.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        wrong.extend(
            faults(&text).into_iter().map(|(line, fault)| format!("{path}:{line}: {fault}")),
        );
    }
    assert_none(&wrong, "set your editor up for .editorconfig, or fix these lines by hand");
}

fn faults(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let fault = match () {
            () if line.contains('\r') => "a carriage return",
            () if line.contains('\t') => "a tab",
            () if line.ends_with(' ') => "spaces at the end",
            () => continue,
        };
        found.push((index + 1, fault));
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        found.push((text.lines().count(), "not one newline at the end of the file"));
    }
    found
}

#[test]
fn a_line_that_is_not_tidy_is_found() {
    let lines = |text: &str| faults(text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
    assert_eq!(lines("a\n\nb\n"), [0_usize; 0]);
    assert_eq!(lines(""), [0_usize; 0]);
    assert_eq!(lines("a \nb\r\n\tc\n"), [1, 2, 3]);
    assert_eq!(lines("a\nb"), [2]);
    assert_eq!(lines("a\n\n"), [2]);
}

#[test]
fn test_data_is_bytes_to_git() {
    let listed = Command::new("git").args(["ls-files", "--eol"]).current_dir(root()).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let attributes: BTreeMap<&str, &str> = listed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(info, path)| Some((path, info.split_once("attr/")?.1.trim())))
        .collect();
    assert!(100 < attributes.len(), "git names few files; does this test look in the right place?");
    let mut wrong = Vec::new();
    for (path, attribute) in attributes {
        let is_bytes = BYTES.iter().any(|folder| path.starts_with(folder));
        let wanted = if is_bytes { "-text" } else { "text=auto eol=lf" };
        if attribute != wanted {
            wrong.push(format!("{path}: `{attribute}`, not `{wanted}`"));
        }
    }
    assert_none(&wrong, "fix .gitattributes");
}
