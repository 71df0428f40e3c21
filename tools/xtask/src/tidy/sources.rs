//! Rules for source files.

use super::{File, assert_none, files, files_ending};

/// The most columns of a line, as rustfmt has it; it leaves strings and comments alone.
const COLUMNS_MAX: usize = 100;

/// The most lines of a file, its tests not counted.
const LINES_MAX: usize = 250;

/// Longer files, each with its most lines. This list only gets shorter.
const LONGER: [(&str, usize); 0] = [];

/// Types that serde may fill by position: rows of our own statements, whose columns are objects
/// already, and variants that hold a type which is read by name. This list only gets shorter.
const BY_POSITION: [&str; 4] = ["FillRow", "PendingHint", "PayloadV1", "StateV1"];

/// Where a Worker may open its database: one place in each Worker that has one, and one in the
/// crate that two of them share.
const DATABASE_MODULES: [&str; 4] =
    ["consumer/src/db", "durable/src/d1", "console/src/db", "replayer/src/io"];

/// Where else the database's types may be named: code that these places share.
const DATABASE_HELPERS: &str = "edge/src/d1.rs";

#[test]
fn each_file_says_first_what_it_is() {
    let silent = |end: &str, mark: &str| -> Vec<String> {
        let files = files_ending(end).into_iter().filter(|file| !file.text.starts_with(mark));
        files.map(|file| file.path).collect()
    };
    assert_none(&silent(".rs", "//! "), "begin the file with a line `//! …` that says what it is");
    assert_none(&silent(".sql", "-- "), "begin the file with a line `-- …` that says what it is");
}

#[test]
fn lines_have_at_most_100_columns() {
    let mut wide = Vec::new();
    for File { path, text } in files().iter().filter(|file| is_source(&file.path)) {
        for (index, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            // A link cannot be broken.
            if COLUMNS_MAX < columns && !line.contains("://") {
                wide.push(format!("{path}:{}: {columns} columns", index + 1));
            }
        }
    }
    assert_none(&wide, "break the line at 100 columns");
}

#[test]
fn files_stay_short() {
    let mut wrong = Vec::new();
    for File { path, text } in files_ending(".rs") {
        // Tests from the first line to the last.
        let whole = path.starts_with("tests/") || path.starts_with("tools/xtask/src/tidy");
        if whole || path.ends_with("/tests.rs") || path.contains("/tests/") {
            continue;
        }
        let lines = lines_without_tests(&text);
        let listed = LONGER.iter().find(|(name, _)| *name == path);
        match listed {
            None if LINES_MAX < lines => wrong.push(format!("{path}: {lines} lines")),
            Some((_, most)) if most < &lines => wrong.push(format!("{path}: grew to {lines}")),
            Some(_) if lines <= LINES_MAX => wrong.push(format!("{path}: remove it from LONGER")),
            _ => {}
        }
    }
    for (name, _) in LONGER {
        if !files().iter().any(|file| file.path == name) {
            wrong.push(format!("{name}: gone; remove it from LONGER"));
        }
    }
    assert_none(&wrong, "split the file: at most 250 lines without its tests");
}

#[test]
fn every_crate_keeps_the_workspaces_lints() {
    let mut lax = Vec::new();
    for File { path, text } in files_ending("/Cargo.toml") {
        let manifest: toml::Table = text.parse().unwrap();
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            lax.push(path);
        }
    }
    assert_none(&lax, "write `[lints]` and `workspace = true`");
}

/// A struct that serde derives takes an array for an object, and a variant `{"name":null}`.
#[test]
fn what_a_worker_reads_is_read_by_name() {
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for File { path, text } in files_ending(".rs") {
        let of_a_worker =
            ["shared/src/", "edge/", "ingest/", "consumer/", "durable/", "ssr/", "console/"];
        if !of_a_worker.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        for item in text.split("#[derive(").skip(1) {
            let Some(at) = ["struct ", "enum "].iter().filter_map(|it| item.find(it)).min() else {
                continue;
            };
            let (attributes, rest) = item.split_at(at);
            let Some((traits, more)) = attributes.split_once(")]") else { continue };
            if !traits.contains("Deserialize") {
                continue;
            }
            let name = rest.split_whitespace().nth(1).unwrap_or_default();
            let name = name.trim_end_matches([';', '{']).split(['(', '<']).next().unwrap_or(name);
            found.push(name.to_owned());
            // What is made of another type is read as that one is.
            let by_name =
                ["remote = \"Self\"", "transparent", "try_from"].iter().any(|it| more.contains(it));
            if by_name == BY_POSITION.contains(&name) {
                wrong.push(format!("{path}: {name}"));
            }
        }
    }
    for name in BY_POSITION {
        if !found.iter().any(|it| it == name) {
            wrong.push(format!("{name}: gone; remove it from BY_POSITION"));
        }
    }
    assert!(found.iter().any(|name| name == "RoleSet"), "no type was found: {found:?}");
    assert_none(
        &wrong,
        "derive with `#[serde(remote = \"Self\")]` and name it in shared::json's macros",
    );
}

#[test]
fn each_worker_opens_the_database_in_one_place() {
    let mut beside = Vec::new();
    let mut opening = 0;
    for File { path, text } in files_ending(".rs") {
        let opens = text.contains(".d1(");
        let names = ["D1Database", "D1PreparedStatement", "StatementResult"];
        let names = names.iter().any(|name| text.contains(name));
        let is_module = DATABASE_MODULES.iter().any(|module| path.starts_with(module));
        opening += usize::from(opens && is_module);
        let is_helper = path == DATABASE_HELPERS && !opens;
        if (opens || names) && !is_module && !is_helper && !path.starts_with("tools/xtask/") {
            beside.push(path);
        }
    }
    assert_eq!(
        opening,
        DATABASE_MODULES.len(),
        "files that open it; does this test look in the right place?"
    );
    assert_none(&beside, "use the database only in the one module of its Worker for it");
}

/// Tests are left out: a case stands on one line, with its SQL or its JSON.
fn is_source(path: &str) -> bool {
    let is_test = path.starts_with("tests/") || path.ends_with("/tests.rs");
    // What is sent to D1 with each trigger, or each statement, on one line.
    let is_one_line_each = path.ends_with("_derived.sql") || path.ends_with("peer/schema.sql");
    let ends = [".rs", ".mjs", ".ts", ".sql"];
    !is_test && !is_one_line_each && ends.iter().any(|end| path.ends_with(end))
}

fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair.first() == Some(&"#[cfg(test)]")
            && pair.last().is_some_and(|it| it.ends_with("tests {"))
    });
    tests.unwrap_or(lines.len())
}

#[test]
fn tests_at_the_end_do_not_count() {
    assert_eq!(lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(lines_without_tests("a\n#[cfg(test)]\nuse x;\nb\n"), 4);
}
