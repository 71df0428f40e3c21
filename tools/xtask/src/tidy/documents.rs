//! Rules for what people read: links lead somewhere, and nothing points at one machine.

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

/// A recipe names what to change in which file; a change that renames it is led here.
#[test]
fn the_cookbook_names_what_is_there() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, cookbook) = text.split_once("## Cookbook").unwrap();
    let mut sources = files();
    sources.retain(|file| !file.path.ends_with("CONTRIBUTING.md"));
    let named: Vec<(String, String)> =
        items(cookbook).iter().flat_map(|item| names_with_path(item)).collect();
    assert!(
        30 < named.len(),
        "only {} names; does this test look in the right place?",
        named.len()
    );
    let gone = named.iter().filter(|(path, name)| {
        let mut there = sources.iter().filter(|file| file.path.starts_with(path));
        !there.any(|file| has_word(&file.text, name))
    });
    let gone: Vec<String> = gone.map(|(path, name)| format!("{name}, in {path:?}")).collect();
    assert_none(&gone, "name in the cookbook what the file before it names");
}

/// Each name in an item, with the file or folder that the item has named last; nothing before that.
fn names_with_path(item: &str) -> Vec<(String, String)> {
    let mut path = "";
    let mut found = Vec::new();
    for word in item.split('`').skip(1).step_by(2) {
        if root().join(word).exists() {
            // The name of a crate is no place of a name.
            path = Some(word).filter(|it| it.contains(['/', '.'])).unwrap_or(path);
        } else if let Some(name) = code_name(word) {
            found.push((path.to_owned(), name.to_owned()));
        }
    }
    found
}

/// The rows, list items and paragraphs of a page.
fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    for line in text.lines() {
        let is_new = line.is_empty()
            || line.starts_with(['|', '-', '#'])
            || line.split_once(". ").is_some_and(|(no, _)| no.parse::<u8>().is_ok());
        if is_new {
            items.push(String::new());
        }
        if let Some(item) = items.last_mut() {
            item.push_str(line);
            item.push('\n');
        }
    }
    items
}

/// The name in this word, if it is one: `users`, `AnyWrite`, `synced_row!`.
fn code_name(word: &str) -> Option<&str> {
    let name = word.trim_end_matches('!');
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    (!name.is_empty() && name.chars().all(is_letter)).then_some(name)
}

fn has_word(text: &str, name: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .any(|word| word == name)
}

#[test]
fn names_are_held_to_the_item_that_has_them() {
    assert_eq!(items("1. a\n   b\n| c\n").len(), 3);
    assert_eq!(
        [code_name("synced_row!"), code_name("a/b.rs"), code_name("a b")],
        [Some("synced_row"), None, None]
    );
    assert!(has_word("fn a_b(c)", "a_b") && !has_word("fn a_b(c)", "a"));
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
