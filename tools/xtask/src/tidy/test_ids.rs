//! `docs/test-ids.md` says what each id in the tests stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{File, assert_none, files, root};

const PAGE: &str = "docs/test-ids.md";

/// Where requirements are told from the tests that prove them; some ids stand there alone.
const REQUIREMENTS: &str = "tests/workerd/README.md";

/// The lists on the page. `P-256` and its like are no ids of ours.
const PREFIXES: [char; 6] = ['A', 'C', 'F', 'J', 'S', 'W'];

/// The most digits of an id; `a_503_…` is the name of a test without one.
const DIGITS_MAX: usize = 2;

#[test]
fn each_test_id_is_explained() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let rows: Vec<String> = page.lines().filter_map(row).collect();
    let explained: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(rows.len(), explained.len(), "{PAGE} explains an id twice");
    let mut used = BTreeMap::new();
    for File { path, text } in files() {
        let is_source = [".rs", ".mjs", ".ts"].iter().any(|end| path.ends_with(end));
        let is_here = path.starts_with("tools/xtask/src/tidy");
        if (is_source && !is_here) || path == REQUIREMENTS {
            used.extend(ids(&text).into_iter().map(|id| (id, path.clone())));
        }
    }
    assert!(
        50 < used.len(),
        "only {} ids were found; does this test look in the right place?",
        used.len()
    );
    let unknown = used.iter().filter(|(id, _)| !explained.contains(id.as_str()));
    let unknown: Vec<String> = unknown.map(|(id, path)| format!("{path}: {id}")).collect();
    assert_none(&unknown, "say in docs/test-ids.md what the id stands for, or correct it");
    let unused = explained.iter().filter(|id| !used.contains_key(**id));
    let unused: Vec<String> = unused.map(|id| (*id).to_owned()).collect();
    assert_none(&unused, "no test has the id; remove its row from docs/test-ids.md");
}

/// The id that a row of the page begins with, if something is said of it.
fn row(line: &str) -> Option<String> {
    let (id, sentence) = line.strip_prefix("| ")?.split_once(" | ")?;
    let is_one = ids(id) == BTreeSet::from([id.to_owned()]);
    (is_one && sentence.trim_end_matches(" |").ends_with('.')).then(|| id.to_owned())
}

/// `W-22` anywhere, and `w_22` where the name of a function begins.
fn ids(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, letter) in text.char_indices() {
        let (before, rest) = text.split_at(at);
        let rest = &rest[letter.len_utf8()..];
        let is_name = rest.starts_with('_') && before.ends_with("fn ");
        let is_word = rest.starts_with('-')
            && letter.is_uppercase()
            && !before.ends_with(|letter: char| letter.is_alphanumeric() || "-_".contains(letter));
        let letter = letter.to_ascii_uppercase();
        if !PREFIXES.contains(&letter) || !(is_name || is_word) {
            continue;
        }
        let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
        let end = rest[1 + digits.len()..].chars().next();
        let ends = end.is_none_or(|end| !end.is_alphanumeric() && end != '-');
        if (1..=DIGITS_MAX).contains(&digits.len()) && ends && (is_word || end == Some('_')) {
            found.insert(format!("{letter}-{digits}"));
        }
    }
    found
}

#[test]
fn ids_are_found() {
    let found = |text: &str| ids(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("it(\"C-6 F-14 is so\") // W-3 to W-6"), "C-6 F-14 W-3 W-6");
    assert_eq!(found("fn j_16_what_is_missing() {}"), "J-16");
    assert_eq!(found("fn a_503_is_retried() {} let s_1_a = SHA-1; P-256, UTF-8, S-2a"), "");
    assert_eq!(row("| J-9 | Tokens of another class are no session. |").unwrap(), "J-9");
    assert_eq!(row("| J | tokens |"), None);
}
