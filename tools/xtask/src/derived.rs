//! `cargo xtask derived`: views and triggers as one migration.
//!
//! The sources in `migrations/derived/` are written to be read. D1's remote splitter takes a
//! trigger on one line only, so the migration is written from them. It drops every view and every
//! trigger and makes them anew, in one step: no write comes between.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::place::Place;
use crate::show;

/// The folders of sources, in the order in which the migration has them.
const FOLDERS: [&str; 2] = ["views", "triggers"];

/// How the migration's name ends. Of several, the last is written; the others were released.
const SUFFIX: &str = "_derived.sql";

const HEAD: &str = "\
-- Makes every view and every trigger anew, in one step. Written by `cargo xtask derived` from the
-- files in migrations/derived/: read and change those. D1 takes a trigger on one line only.
";

/// Writes the newest migration of views and triggers.
///
/// # Errors
/// When a source holds anything but views and triggers, or a file cannot be read or written.
pub(crate) fn run(place: &Place) -> Result<()> {
    let file = newest(&place.root)?;
    let text = render(&sources(&place.root)?)?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    show::line(format!("wrote {}", file.display()));
    Ok(())
}

/// A source: its path below `migrations/derived/`, and its text.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The migration that is written.
pub(crate) fn newest(root: &Path) -> Result<PathBuf> {
    let folder = root.join("migrations");
    let mut found = sql_files(&folder)?;
    found.retain(|path| path.to_string_lossy().ends_with(SUFFIX));
    found.pop().with_context(|| format!("no *{SUFFIX} in {}", folder.display()))
}

/// Every source, in the order in which the migration has them.
pub(crate) fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        for file in sql_files(&root.join("migrations/derived").join(folder))? {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sources.push(Source { path: format!("{folder}/{name}"), text });
        }
    }
    Ok(sources)
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|it| it == "sql"));
    files.sort_unstable();
    Ok(files)
}

/// The text of the migration.
///
/// # Errors
/// When a source holds anything but views and triggers.
pub(crate) fn render(sources: &[Source]) -> Result<String> {
    let mut made = Vec::new();
    for source in sources {
        let statements = statements(&source.text).with_context(|| source.path.clone())?;
        made.push((&source.path, statements));
    }
    let mut text = vec![HEAD.to_owned()];
    // Triggers first: a view takes its own with it.
    for kind in ["TRIGGER", "VIEW"] {
        let statements = made.iter().flat_map(|(_, statements)| statements);
        let names = statements.filter_map(|it| name_of(it, kind));
        text.extend(names.map(|name| format!("DROP {kind} IF EXISTS {name};")));
    }
    for (path, statements) in made {
        text.push(format!("\n-- derived/{path}"));
        text.extend(statements);
    }
    text.push(String::new());
    Ok(text.join("\n"))
}

fn name_of<'a>(statement: &'a str, kind: &str) -> Option<&'a str> {
    statement.strip_prefix("CREATE ")?.strip_prefix(kind)?.split_whitespace().next()
}

/// The statements of a source: views as they are written, each trigger on one line.
fn statements(text: &str) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for line in text.lines() {
        let is_code = !line.trim_start().starts_with("--") && !line.trim().is_empty();
        if !is_code {
            continue;
        }
        ensure!(!line.contains("--"), "a comment behind code: {line}");
        open.push(line);
        let first = open.first().copied().unwrap_or_default();
        let is_trigger = first.starts_with("CREATE TRIGGER ");
        if !is_trigger && !first.starts_with("CREATE VIEW ") {
            bail!("neither `CREATE VIEW` nor `CREATE TRIGGER`: {first}");
        }
        let ends = if is_trigger { line == "END;" } else { line.ends_with(';') };
        if ends {
            statements.push(if is_trigger { on_one_line(&open) } else { open.join("\n") });
            open.clear();
        }
    }
    ensure!(open.is_empty(), "a statement without its end: {}", open.concat());
    Ok(statements)
}

fn on_one_line(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ").replace("( ", "(").replace(" )", ")")
}

#[cfg(test)]
mod tests {
    use super::{Source, newest, render, sources};
    use crate::place::Place;
    use std::fs;

    #[test]
    fn the_migration_is_what_its_sources_say() {
        let root = Place::find().unwrap().root;
        let file = newest(&root).unwrap();
        let is = fs::read_to_string(&file).unwrap();
        let want = render(&sources(&root).unwrap()).unwrap();
        assert!(is == want, "{} is not; run `cargo xtask derived`", file.display());
    }

    fn rendered(text: &str) -> Result<String, String> {
        let source = Source { path: "triggers/a.sql".into(), text: text.into() };
        render(&[source]).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_trigger_comes_on_one_line_and_a_view_as_it_is() {
        let view = "CREATE VIEW v AS\nSELECT 1;\n";
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a\nWHEN (\n    1\n  )\nBEGIN\n  -- One.\n  \
            SELECT 1;\nEND;\n";
        let text = rendered(&format!("-- a: why.\n{view}\n{trigger}")).unwrap();
        let (_, body) = text.split_once("\n\n").unwrap();
        let drops = "DROP TRIGGER IF EXISTS t;\nDROP VIEW IF EXISTS v;\n";
        let folded = "CREATE TRIGGER t AFTER INSERT ON a WHEN (1) BEGIN SELECT 1; END;\n";
        assert_eq!(body, format!("{drops}\n-- derived/triggers/a.sql\n{view}{folded}"));
    }

    #[test]
    fn what_is_neither_view_nor_trigger_is_refused() {
        for (text, why) in [
            ("DROP TABLE a;", "neither"),
            ("CREATE VIEW v AS SELECT 1; -- one", "a comment behind code"),
            ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;", "without its end"),
        ] {
            let error = rendered(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
