//! `docs/operators.md`, compared with the code: every reason, state and class has its row.

use std::collections::BTreeSet;

use shared::operators::letter::{LetterClass, LetterState};
use shared::operators::letter_reason::{self, OTHER};

use super::root;

const PAGE: &str = "docs/operators.md";

/// The first cells of the table below this head.
fn rows<'a>(page: &'a str, head: &str) -> Vec<&'a str> {
    let table = page.split_once(head).map_or("", |(_, rest)| rest);
    let table = table.split("\n\n").next().unwrap_or_default();
    table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[track_caller]
fn check(head: &str, want: &BTreeSet<&str>) {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let listed = rows(&page, head);
    let named: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(named.len(), listed.len(), "{PAGE} has a row twice: {listed:?}");
    assert_eq!(&named, want, "{PAGE}: one row for each, and no other");
}

#[test]
fn the_operators_page_explains_every_reason() {
    let words = letter_reason::ALL.into_iter().filter(|reason| *reason != OTHER);
    check("| reason | what happened | what to do |\n", &words.collect());
}

#[test]
fn the_operators_page_explains_every_state_and_class() {
    check("| state | it means |\n", &LetterState::ALL.map(LetterState::as_str).into());
    let classes = LetterClass::ALL.map(LetterClass::as_str);
    check("| class | a replay would | sent? |\n", &classes.into());
}

#[test]
fn the_rows_of_a_table_are_found() {
    let page = "| a |\n|---|\n| `x` | y |\n| `z` | w |\n\n| `v` | u |\n";
    assert_eq!(rows(page, "| a |\n"), ["x", "z"]);
}
