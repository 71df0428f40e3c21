//! What `wrangler.toml` names stands in no Worker's code: a stage gives everything another name.

use std::collections::BTreeSet;
use std::fs;

use toml::{Table, Value};

use super::{File, assert_none, files, root};

/// Where the Workers' code is, and that of the packages that others build Workers with.
const CODE: [&str; 8] = [
    "ingest/src/",
    "consumer/src/",
    "durable/src/",
    "ssr/src/",
    "console/src/",
    "edge/src/",
    "shared/src/",
    "packages/",
];

/// Keys of the file whose value is such a name.
const KEYS: [&str; 8] = [
    "database_id",
    "database_name",
    "dead_letter_queue",
    "namespace_id",
    "pattern",
    "queue",
    "script_name",
    "service",
];

#[test]
fn no_name_of_the_configuration_stands_in_code() {
    let text = fs::read_to_string(root().join("wrangler.toml")).unwrap();
    let names = names(&text);
    assert!(names.contains("rolecall-dead") && names.contains("rolecall"), "{names:?}");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for File { path, text } in files() {
        let is_code = CODE.iter().any(|folder| path.starts_with(folder))
            && [".rs", ".ts", ".js", ".mjs"].iter().any(|end| path.ends_with(end));
        if is_code && !path.contains("/test") {
            seen += 1;
            let found = literals(&text, &names);
            wrong.extend(found.into_iter().map(|(line, name)| format!("{path}:{line}: {name}")));
        }
    }
    assert!(50 < seen, "only {seen} files of code; does this test look in the right place?");
    assert_none(&wrong, "take the name from a binding or a variable; a stage has another one");
}

/// Everything that the file gives a name of its own at Cloudflare.
fn names(text: &str) -> BTreeSet<String> {
    let table: Table = text.parse().unwrap();
    let mut names = BTreeSet::new();
    for block in table["env"].as_table().unwrap().values() {
        names.extend(block["name"].as_str().map(str::to_owned));
        gather(block, &mut names);
    }
    names
}

fn gather(value: &Value, names: &mut BTreeSet<String>) {
    for (key, value) in value.as_table().into_iter().flatten() {
        let text = value.as_str().filter(|_| KEYS.contains(&key.as_str()));
        names.extend(text.map(str::to_owned));
        gather(value, names);
    }
    value.as_array().into_iter().flatten().for_each(|value| gather(value, names));
}

/// The lines that hold one of these names as a literal, or at a literal's beginning with a hyphen
/// after it; comments and tests may name them.
fn literals(text: &str, names: &BTreeSet<String>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("#[cfg(test)]") {
            break;
        }
        if ["//", "/*", "* "].iter().any(|mark| code.starts_with(mark)) {
            continue;
        }
        let holds = |name: &&String| {
            let quotes = ['"', '\'', '`'].iter();
            quotes.clone().any(|quote| code.contains(&format!("{quote}{name}{quote}")))
                || (name.contains('-') && code.contains(&format!("{name}-")))
        };
        found.extend(names.iter().find(holds).map(|name| (index + 1, name.clone())));
    }
    found
}

#[test]
fn a_name_in_code_is_found() {
    let names = names(
        "[env.a]\nname = \"r-a\"\nd1_databases = [{ database_name = \"r\" }]\n\
         queues.consumers = [{ queue = \"q\", dead_letter_queue = \"d\" }]\n",
    );
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), ["d", "q", "r", "r-a"]);
    for code in ["if queue == \"q\" {", "const D: &str = \"d\";", "db('r')", "`r-a-${stage}`"] {
        assert_eq!(literals(code, &names).len(), 1, "{code}");
    }
    for code in ["// the queue \"q\"", "\"queue\"", "\"r_b\"", "#[cfg(test)]\nlet q = \"q\";"] {
        assert_eq!(literals(code, &names), [], "{code}");
    }
}
