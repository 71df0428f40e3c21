//! Rules for what people read: links lead somewhere, and nothing points at one machine.

use std::collections::BTreeSet;
use std::path::Path;

use super::{File, assert_none, files, files_ending, root};

/// Folders of a developer's machine, put together here so that this file does not name them.
const MACHINES: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// A folder beside the clone, which a clone does not have.
const BESIDE: &str = concat!("../sha", "red");

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for File { path, text } in files_ending(".md") {
        let folder = root().join(&path).parent().map(Path::to_path_buf).unwrap();
        for link in links(&text) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !folder.join(target).exists() {
                dead.push(format!("{path}: {link}"));
            }
        }
    }
    assert_none(&dead, "fix the link");
}

/// The README names a test beside each promise, the cookbook the files of each recipe.
#[test]
fn files_that_the_documents_name_are_there() {
    let mut gone = Vec::new();
    for path in ["README.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let named = named(&text);
        assert!(
            5 <= named.len(),
            "{path} names {} files; does this test look in the right place?",
            named.len()
        );
        let missing = named.into_iter().filter(|name| !root().join(name).exists());
        gone.extend(missing.map(|name| format!("{path}: {name}")));
    }
    assert_none(&gone, "name a file that exists");
}

/// The words that look like a file of this repository.
fn named(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| letter.is_whitespace() || "`()[],;".contains(letter));
    let words = words.map(|word| word.trim_end_matches(['.', ':']));
    let ends = [".rs", ".mjs", ".md", ".toml", ".sql"];
    let is_file = |word: &&str| {
        let is_pattern = word.contains(['<', '*', '{', '$']) || word.contains("://");
        ends.iter().any(|end| word.ends_with(end)) && !is_pattern
    };
    words.filter(is_file).collect()
}

/// A recipe names the types and constants to change; after a rename this test fails.
#[test]
fn the_cookbook_names_what_is_there() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, cookbook) = text.split_once("## Cookbook").unwrap();
    let is_name = |word: &&str| {
        word.starts_with(|letter: char| letter.is_ascii_uppercase())
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let names: BTreeSet<&str> = cookbook.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(5 < names.len(), "few names were found; does this test look in the right place?");
    let mut sources = files();
    sources.retain(|file| [".rs", ".mjs"].iter().any(|end| file.path.ends_with(end)));
    let is_there = |name: &str| {
        let is_word = |word: &str| word == name;
        let ends = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
        sources.iter().any(|file| file.text.split(ends).any(is_word))
    };
    let gone = names.into_iter().filter(|name| !is_there(name)).map(str::to_owned);
    assert_none(&gone.collect::<Vec<_>>(), "use the names of the code in the cookbook");
}

/// The apps look alike. The example has its own copy, as an app elsewhere would.
#[test]
fn the_apps_share_one_style_sheet() {
    let read_page = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let sheet = read_page("ssr/templates/style.css");
    assert_eq!(sheet, read_page("examples/react-router/app/styles.css"), "copy the first over it");
    assert!(sheet.len() < 6_000, "{} bytes that every page waits for", sheet.len());
}

#[test]
fn nothing_points_at_one_machine() {
    let mut wrong = Vec::new();
    for File { path, text } in files() {
        for (index, line) in text.lines().enumerate() {
            if points_at_a_machine(line) {
                wrong.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert_none(&wrong, "name no folder that a clone elsewhere lacks");
}

fn points_at_a_machine(line: &str) -> bool {
    // Inside of a longer path or of a URL such a name means something else.
    let stands_alone = |at: usize| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"/._-~}".contains(letter))
    };
    MACHINES
        .iter()
        .chain([&BESIDE])
        .any(|name| line.match_indices(name).any(|(at, _)| stands_alone(at)))
}

#[test]
fn a_machines_folder_is_told_from_a_path_of_the_project() {
    assert!(points_at_a_machine(concat!("cd /wo", "rk/main")));
    assert!(points_at_a_machine(concat!("see `../sha", "red/design.md`")));
    assert!(!points_at_a_machine(concat!("include_str!(\"../../sha", "red/src/lib.rs\")")));
    assert!(!points_at_a_machine(concat!("https://example.com/ho", "me/")));
    assert!(!points_at_a_machine("the shared folder"));
}

/// What stands in `](…)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

#[test]
fn links_are_found() {
    let found: Vec<&str> = links("[a](b.md) and [c](d.md#e \"f\")").collect();
    assert_eq!(found, ["b.md", "d.md#e"]);
}
