//! `docs/operators.md`, compared with the code: every reason, state and class has its row.

use std::collections::BTreeSet;

use shared::operators::letter::{LetterClass, LetterState};

use super::{files, root};

const PAGE: &str = "docs/operators.md";

/// Where the words of `dead_letters.reason` are made, and by which function.
const REASONS: [(&str, &str); 3] = [
    ("shared/src/inbox.rs", "pub fn reason(&self)"),
    ("shared/src/d1_error.rs", "pub fn reason(&self)"),
    ("shared/src/event.rs", "pub fn as_str(self)"),
];

/// The first cells of the table below this head.
fn rows<'a>(page: &'a str, head: &str) -> Vec<&'a str> {
    let table = page.split_once(head).map_or("", |(_, rest)| rest);
    let table = table.split("\n\n").next().unwrap_or_default();
    table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// The words that a function returns.
fn returned(path: &str, signature: &str) -> Vec<String> {
    let file = files().into_iter().find(|file| file.path == path);
    let text = file.unwrap_or_else(|| panic!("there is no {path}")).text;
    let (_, rest) = text.split_once(signature).unwrap_or_else(|| panic!("{path}: {signature}"));
    let body = rest.split("\n    }\n").next().unwrap_or_default();
    body.split("=> \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check(head: &str, want: &BTreeSet<String>) {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let listed = rows(&page, head);
    let named: BTreeSet<String> = listed.iter().map(|&word| word.to_owned()).collect();
    assert_eq!(named.len(), listed.len(), "{PAGE} has a row twice: {listed:?}");
    assert_eq!(&named, want, "{PAGE}: one row for each, and no other");
}

#[test]
fn the_operators_page_explains_every_reason() {
    let words = REASONS.iter().flat_map(|(path, signature)| returned(path, signature));
    let words: BTreeSet<String> = words.collect();
    assert!(10 < words.len(), "few reasons: {words:?}; does this test look in the right place?");
    check("| reason | what happened | what to do |\n", &words);
}

#[test]
fn the_operators_page_explains_every_state_and_class() {
    let states = LetterState::ALL.into_iter().map(|state| state.as_str().to_owned());
    check("| state | it means |\n", &states.collect());
    let classes = LetterClass::ALL.into_iter().map(|class| class.as_str().to_owned());
    check("| class | a replay would | sent? |\n", &classes.collect());
}

#[test]
fn the_words_of_a_function_are_found() {
    let page = "| a |\n|---|\n| `x` | y |\n| `z` | w |\n\n| `v` | u |\n";
    assert_eq!(rows(page, "| a |\n"), ["x", "z"]);
    assert!(returned(REASONS[0].0, REASONS[0].1).contains(&"not-text".to_owned()));
}
