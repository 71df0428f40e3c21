//! The order of imports in Rust, which stable rustfmt cannot keep: the standard library, then other
//! crates, then this crate's own modules, an empty line between them; re-exports apart. rustfmt
//! sorts each of these groups.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::call::Call;
use crate::place::Place;

/// The roots of the standard library.
const STANDARD: [&str; 3] = ["std", "core", "alloc"];

/// The roots of what is this crate's own.
const OWN: [&str; 3] = ["crate", "self", "super"];

/// How a visibility begins.
const PUBLIC: [&str; 2] = ["pub ", "pub("];

/// Where an import belongs, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Standard,
    Crates,
    Own,
    Exports,
}

/// Whether each file has its imports in order.
///
/// # Errors
/// When one has not: which, and what to do.
pub(super) fn check(place: &Place) -> Result<String> {
    let files = files(place)?;
    let mut wrong = Vec::new();
    for path in &files {
        let text = read_file(place, path)?;
        if ordered(&text) != text {
            wrong.push(path.as_str());
        }
    }
    if !wrong.is_empty() {
        bail!(
            "imports are not in order (standard library, other crates, own modules; an empty line \
             between):\n    {}\nRun `cargo xtask check --fix`.",
            wrong.join("\n    ")
        );
    }
    Ok(format!("{} files", files.len()))
}

/// Puts the imports of each file in order.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn fix(place: &Place) -> Result<()> {
    for path in files(place)? {
        let text = read_file(place, &path)?;
        let ordered_text = ordered(&text);
        if ordered_text != text {
            fs::write(place.root.join(&path), ordered_text)
                .with_context(|| format!("cannot write {path}; may you write there?"))?;
        }
    }
    Ok(())
}

fn read_file(place: &Place, path: &str) -> Result<String> {
    fs::read_to_string(place.root.join(path)).with_context(|| format!("cannot read {path}"))
}

/// The Rust files that are tracked, or would be if they were added.
fn files(place: &Place) -> Result<Vec<String>> {
    let listed = Call::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .dir(&place.root)
        .run_and_read("Run the task in a clone.")?;
    // What was removed but not yet committed is not there.
    let there = |name: &&str| place.root.join(name).is_file();
    let files: Vec<String> = listed.lines().filter(there).map(str::to_owned).collect();
    if files.is_empty() {
        bail!("git lists no Rust file; does this check look in the right place?");
    }
    Ok(files)
}

/// The text with each stretch of imports in order. Only what begins a line is looked at: imports
/// inside of a module or a function stand as they are.
fn ordered(text: &str) -> String {
    let modules = modules(text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let stretch = Stretch::parse(lines.get(at..).unwrap_or_default(), &modules);
        if stretch.uses.is_empty() {
            out.push_str(line);
            at += 1;
        } else {
            out.push_str(&stretch.shown());
            at += stretch.lines;
        }
    }
    out
}

/// The modules that the file declares itself.
fn modules(text: &str) -> BTreeSet<&str> {
    let declared = |line| -> Option<&str> {
        let rest = without_visibility(line).strip_prefix("mod ")?;
        rest.split([';', ' ']).next()
    };
    text.lines().filter_map(declared).collect()
}

/// Imports that follow each other, with nothing but empty lines between them.
#[derive(Debug, Default)]
struct Stretch {
    /// Each with the comments and attributes above it.
    uses: Vec<(Group, String)>,
    /// How many lines it takes up, the empty ones at its end left out.
    lines: usize,
}

impl Stretch {
    fn parse(lines: &[&str], modules: &BTreeSet<&str>) -> Self {
        let mut stretch = Self::default();
        let mut item = String::new();
        let mut is_open = false;
        for (index, line) in lines.iter().enumerate() {
            let starts = without_visibility(line).starts_with("use ");
            let is_above = line.starts_with("//") && !line.starts_with("//!");
            match () {
                () if is_open => item.push_str(line),
                () if starts || is_above || line.starts_with("#[") => item.push_str(line),
                () if line.trim().is_empty() && item.is_empty() && index != 0 => {}
                () => break,
            }
            is_open = (is_open || starts) && !line.trim_end().ends_with(';');
            if !is_open && (starts || line.trim_end().ends_with(';')) && !is_above {
                let group = group(&item, modules);
                stretch.uses.push((group, std::mem::take(&mut item)));
                stretch.lines = index + 1;
            }
        }
        stretch
    }

    /// Re-exports stay behind the groups that they were behind.
    fn shown(&self) -> String {
        let ahead = self.uses.iter().map(|(group, _)| *group);
        let ahead = ahead.take_while(|group| *group != Group::Exports).max();
        let mut order = vec![Group::Standard, Group::Crates, Group::Own];
        let at = order.iter().filter(|group| Some(**group) <= ahead).count();
        order.insert(at, Group::Exports);
        let shown = order.into_iter().map(|wanted| {
            let of_it = self.uses.iter().filter(|(group, _)| *group == wanted);
            of_it.map(|(_, text)| text.as_str()).collect::<String>()
        });
        shown.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

fn group(item: &str, modules: &BTreeSet<&str>) -> Group {
    let found = item.lines().find(|line| without_visibility(line).starts_with("use "));
    let line = found.unwrap_or_default();
    let path = without_visibility(line).trim_start_matches("use ").trim_start_matches("::");
    let root = path.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
    let root = root.unwrap_or_default();
    match () {
        () if PUBLIC.iter().any(|begin| line.starts_with(begin)) => Group::Exports,
        () if STANDARD.contains(&root) => Group::Standard,
        () if OWN.contains(&root) || modules.contains(root) => Group::Own,
        () => Group::Crates,
    }
}

fn without_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest,
        None => rest,
    };
    rest.trim_start()
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(ordered(text), want);
        assert_eq!(ordered(want), want, "and stays so");
    }

    #[test]
    fn each_group_stands_apart() {
        check(
            "//! A file.\n\nuse crate::a;\nuse serde::Serialize;\nuse std::fs;\n\nfn f() {}\n",
            "//! A file.\n\nuse std::fs;\n\nuse serde::Serialize;\n\nuse crate::a;\n\nfn f() {}\n",
        );
    }

    #[test]
    fn what_stands_above_an_import_goes_with_it() {
        check(
            "#[cfg(test)]\nuse super::{\n    a,\n};\n// Why.\nuse std::fs;\nconst A: u8 = 1;\n",
            "// Why.\nuse std::fs;\n\n#[cfg(test)]\nuse super::{\n    a,\n};\nconst A: u8 = 1;\n",
        );
    }

    #[test]
    fn a_module_of_the_file_is_its_own_and_exports_keep_their_side() {
        check(
            "mod a;\n\npub use a::B;\nuse a::C;\nuse serde::D;\n",
            "mod a;\n\npub use a::B;\n\nuse serde::D;\n\nuse a::C;\n",
        );
        check("use a::C;\npub(crate) use b::D;\n", "use a::C;\n\npub(crate) use b::D;\n");
    }

    #[test]
    fn other_lines_stay() {
        let text = "//! A file.\n\n// A note.\n\nfn f() {\n    use b::c;\n    use std::fs;\n}\n";
        check(text, text);
        let text = "use std::fs;\n\n/// A constant.\nconst A: u8 = 1;\n\n#[test]\nfn f() {}\n";
        check(text, text);
    }
}
