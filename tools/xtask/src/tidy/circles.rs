//! Modules of a crate use each other in one direction: no circle of files.
//!
//! A file uses another when its code, tests left out, names one of its items by a path or an
//! import. A parent is made of its children, so a child that uses an item of its parent is held to
//! what that item uses itself: it is in a circle when the item depends on the child again.

mod graph;
mod source;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::graph::Uses;
use super::{File, assert_none, files_ending};

#[test]
fn no_module_depends_on_itself() {
    let files = files_ending(".rs");
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|File { path, text }| (path.as_str(), text.as_str())).collect();
    let is_root = |path: &&&str| path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    assert!(
        10 < texts.keys().filter(is_root).count(),
        "few crates; does this test look in the right place?"
    );
    let roots = texts.keys().filter(is_root);
    let found = roots.flat_map(|root| circles(&graph::uses(root, &texts)));
    let found: Vec<String> = found.map(|circle| circle.join(" -> ")).collect();
    assert_none(&found, "move what both files need to a third file that uses neither");
}

/// The shortest circle through each file that is in one, each circle once.
fn circles(uses: &Uses) -> Vec<Vec<String>> {
    let mut circles: Vec<Vec<String>> = Vec::new();
    for file in uses.keys() {
        let Some(circle) = shortest(uses, file) else { continue };
        let is_new = |known: &Vec<String>| !circle.iter().all(|file| known.contains(file));
        if circles.iter().all(is_new) {
            circles.push(circle);
        }
    }
    circles
}

/// The shortest way from a file back to it, the file itself at both ends.
fn shortest(uses: &Uses, file: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![file.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(way.last()?)? {
            let mut way = way.clone();
            way.push(next.clone());
            if next == file {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{circles, graph};

    #[track_caller]
    fn check(files: &[(&str, &str)], want: &[&str]) {
        let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
        let uses = graph::uses("c/src/lib.rs", &texts);
        assert_eq!(uses.len(), files.len(), "{uses:?}");
        let found: Vec<String> = circles(&uses).iter().map(|it| it.join(" -> ")).collect();
        assert_eq!(found, want, "{uses:?}");
    }

    #[test]
    fn siblings_that_import_each_other_are_a_circle() {
        let lib = ("c/src/lib.rs", "mod a;\nmod b;\n");
        let a = ("c/src/a.rs", "use crate::b::B;\npub struct A(B);\n");
        check(&[lib, a, ("c/src/b.rs", "pub struct B;\n")], &[]);
        let back = "pub struct B;\nfn back() {\n    super::a::run();\n}\n";
        check(&[lib, a, ("c/src/b.rs", back)], &["c/src/a.rs -> c/src/b.rs -> c/src/a.rs"]);
        let in_tests = "pub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n";
        check(&[lib, a, ("c/src/b.rs", in_tests)], &[]);
    }

    #[test]
    fn a_child_may_use_what_its_parent_does_not_take_from_it() {
        let lib = ("c/src/lib.rs", "mod p;\n");
        let child = ("c/src/p/x.rs", "use super::Kind;\npub fn all() -> Kind {\n}\n");
        let apart = "mod x;\nenum Kind {}\nfn run() {\n    x::all();\n}\n";
        check(&[lib, ("c/src/p.rs", apart), child], &[]);
        let round = "mod x;\nenum Kind {}\nimpl Kind {\n    fn f() {\n        run();\n    }\n}\n\
                     fn run() {\n    x::all();\n}\n";
        check(&[lib, ("c/src/p.rs", round), child], &["c/src/p/x.rs -> c/src/p/x.rs"]);
    }

    #[test]
    fn a_parent_is_seen_through() {
        let lib = ("c/src/lib.rs", "mod p;\n");
        let parent = ("c/src/p.rs", "mod x;\nmod y;\npub use self::x::X;\nstruct W(y::Y);\n");
        let x = ("c/src/p/x.rs", "pub struct X(super::W);\n");
        check(&[lib, parent, x, ("c/src/p/y.rs", "pub struct Y;\n")], &[]);
        let y = ("c/src/p/y.rs", "use super::X;\npub struct Y(X);\n");
        let want = ["c/src/p/x.rs -> c/src/p/y.rs -> c/src/p/x.rs"];
        check(&[lib, parent, x, y], &want);
    }
}
