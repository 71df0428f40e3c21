//! The glossary explains each word once, in few words, and names places that exist.

use std::collections::BTreeSet;

use super::{assert_none, files, root};

/// One word of `docs/glossary.md`.
#[derive(Debug)]
struct Entry {
    word: String,
    says: String,
    paths: Vec<String>,
    /// What the word is called there.
    names: Vec<String>,
}

/// The most characters of an explanation: one sentence.
const SAYS_MAX: usize = 200;

fn entries(page: &str) -> Vec<Entry> {
    let items = page.split("\n- **").skip(1);
    let items = items.map(|item| item.split("\n\n").next().unwrap_or(item));
    items.map(entry).collect()
}

fn entry(item: &str) -> Entry {
    let (word, rest) = item.split_once("**: ").unwrap_or((item, ""));
    let (says, place) = rest.split_once("\n  - Where: ").unwrap_or((rest, ""));
    let marked = place.split('`').skip(1).step_by(2).map(str::to_owned);
    // What stands in brackets is a name inside of the file before it.
    let (paths, names) = marked.partition(|it: &String| it.contains('/'));
    Entry {
        word: word.to_owned(),
        says: says.split_whitespace().collect::<Vec<_>>().join(" "),
        paths,
        names,
    }
}

#[test]
fn the_glossary_explains_each_word_once_and_names_its_place() {
    let page = std::fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let mut wrong = Vec::new();
    let mut words = BTreeSet::new();
    let files = files();
    for Entry { word, says, paths, names } in entries(&page) {
        let length = says.chars().count();
        if !says.ends_with('.') || SAYS_MAX < length {
            wrong.push(format!("{word}: not one short sentence ({length} characters): {says}"));
        }
        if paths.is_empty() {
            wrong.push(format!("{word}: no line `Where:` with a path"));
        }
        let gone = paths.iter().filter(|path| !root().join(path).exists());
        wrong.extend(gone.map(|path| format!("{word}: there is no {path}")));
        let named = files.iter().filter(|file| paths.iter().any(|it| file.path.starts_with(it)));
        let text: String = named.map(|file| file.text.as_str()).collect();
        let lost = names.iter().filter(|name| !text.contains(name.as_str()));
        wrong.extend(lost.map(|name| format!("{word}: {name} is not there")));
        if !words.insert(word.to_lowercase()) {
            wrong.push(format!("{word}: explained twice"));
        }
    }
    assert!(words.contains("watch") && words.contains("floor"), "{words:?}");
    assert!(30 < words.len(), "few words; does this test look in the right place?");
    assert_none(&wrong, "fix docs/glossary.md");
}

/// A reader of the two first pages finds it.
#[test]
fn the_first_pages_link_the_glossary() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let found = files().into_iter().find(|file| file.path == page).unwrap();
        assert!(found.text.contains("](docs/glossary.md)"), "{page} does not link it");
    }
}

#[test]
fn an_entry_is_taken_apart() {
    let page =
        "# G\n\n- **a b**: says\n  it.\n  - Where: `x/y.rs` (`Z`), `w/v`\n- **c**: d\n\n## More\n";
    let found = entries(page);
    let [first, second] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.word.as_str(), first.says.as_str()), ("a b", "says it."));
    assert_eq!((first.paths.join(" "), first.names.join(" ")), ("x/y.rs w/v".into(), "Z".into()));
    assert_eq!((second.word.as_str(), second.paths.len()), ("c", 0));
}
