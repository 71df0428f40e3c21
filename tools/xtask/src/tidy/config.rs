//! Rules for what other tools read: migrations, `wrangler.toml`, locks and pins.

use std::fs;

use shared::limits::{DEAD_RETRIES_MAX, DEAD_RETRY_S_MAX, RETRIES_MAX};
use toml::{Table, Value};

use super::{File, assert_none, files_ending, root};

fn table(name: &str) -> Table {
    let text = fs::read_to_string(root().join(name)).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The value at a path of keys.
fn at<'a>(value: &'a Value, keys: &[&str]) -> &'a Value {
    keys.iter().fold(value, |value, key| {
        value.get(key).unwrap_or_else(|| panic!("no {key} in {}", keys.join(".")))
    })
}

/// `wrangler d1 migrations apply --remote` splits statements by its own rules; a trigger passes
/// them on one line, in capitals, without CASE, whose END would end it. `cargo xtask derived` puts
/// the triggers of `migrations/derived/` on one line each.
#[test]
fn migrations_survive_the_remote_splitter() {
    let mut wrong = Vec::new();
    let mut triggers = 0;
    for File { path, text } in files_ending(".sql") {
        let is_applied = path.strip_prefix("migrations/").is_some_and(|it| !it.contains('/'));
        if !is_applied {
            continue;
        }
        if text.contains('\r') {
            wrong.push(format!("{path}: has a carriage return"));
        }
        for (index, line) in text.lines().enumerate() {
            let at = format!("{path}:{}", index + 1);
            triggers += usize::from(line.starts_with("CREATE TRIGGER "));
            wrong.extend(trigger_fault(line).map(|fault| format!("{at}: {fault}")));
        }
    }
    assert!(0 < triggers, "no trigger was found; does this test look in the right place?");
    assert_none(&wrong, "write each trigger so that the splitter accepts it");
}

fn trigger_fault(line: &str) -> Option<&'static str> {
    let code = line.split("--").next().unwrap_or_default();
    let words: Vec<&str> =
        code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let has = |word: &str| words.contains(&word);
    let has_any_case = |word: &str| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    if code.starts_with("CREATE TRIGGER ") {
        return match () {
            () if has_any_case("case") => Some("a trigger with CASE"),
            () if !has("BEGIN") || !code.ends_with(" END;") => Some("a trigger on several lines"),
            () => None,
        };
    }
    match () {
        () if has_any_case("trigger") && has_any_case("create") => Some("not `CREATE TRIGGER `"),
        () if has_any_case("begin") => Some("BEGIN outside of a trigger's line"),
        () => None,
    }
}

#[test]
fn a_trigger_that_would_be_split_is_found() {
    let fine = "CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT 1; END;";
    assert_eq!(trigger_fault(fine), None);
    assert_eq!(trigger_fault("CREATE TABLE a (b TEXT); -- a trigger may begin"), None);
    assert!(trigger_fault("CREATE TRIGGER a AFTER INSERT ON b BEGIN").is_some());
    assert!(trigger_fault("create trigger a after insert on b begin select 1; end;").is_some());
    let case = "CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT CASE WHEN 1 THEN 2 END; END;";
    assert!(trigger_fault(case).is_some());
    assert!(trigger_fault("  BEGIN SELECT 1;").is_some());
}

#[test]
fn the_queues_are_configured_as_the_code_expects() {
    let config = Value::Table(table("wrangler.toml"));
    let consumers = at(&config, &["env", "consumer", "queues", "consumers"]).as_array().unwrap();
    let of = |queue: &str| {
        consumers
            .iter()
            .find(|consumer| at(consumer, &["queue"]).as_str() == Some(queue))
            .unwrap_or_else(|| panic!("no consumer of {queue}"))
    };
    let events = of("rolecall-events");
    assert_eq!(at(events, &["max_retries"]).as_integer(), Some(RETRIES_MAX.into()));
    assert_eq!(at(events, &["max_batch_size"]).as_integer(), Some(100));
    assert_eq!(at(events, &["max_batch_timeout"]).as_integer(), Some(1));
    assert_eq!(at(events, &["dead_letter_queue"]).as_str(), Some("rolecall-dead"));
    let dead = of("rolecall-dead");
    assert_eq!(at(dead, &["max_retries"]).as_integer(), Some(DEAD_RETRIES_MAX.into()));
    assert_eq!(at(dead, &["max_batch_size"]).as_integer(), Some(100));
    assert_eq!(at(dead, &["max_batch_timeout"]).as_integer(), Some(5));
    assert_eq!(at(dead, &["retry_delay"]).as_integer(), Some(DEAD_RETRY_S_MAX.into()));
}

/// Queue errors carry their codes from 2026-03-12 on; the local runtimes take dates up to the day
/// they were made.
#[test]
fn the_compatibility_date_is_between_what_is_needed_and_what_runs_here() {
    let config = table("wrangler.toml");
    let date = config.get("compatibility_date").and_then(Value::as_str).unwrap();
    assert!(("2026-03-12"..="2026-07-30").contains(&date), "{date}");
}

#[test]
fn each_worker_is_named_and_built_alike() {
    let config = Value::Table(table("wrangler.toml"));
    let mut wrong = Vec::new();
    for (env, block) in at(&config, &["env"]).as_table().unwrap() {
        let want = [
            (vec!["name"], format!("rolecall-{env}")),
            (vec!["main"], format!("{env}/build/index.js")),
            (vec!["build", "command"], format!("cargo xtask build {env}")),
        ];
        for (keys, want) in want {
            if at(block, &keys).as_str() != Some(want.as_str()) {
                wrong.push(format!("[env.{env}] {} is not `{want}`", keys.join(".")));
            }
        }
    }
    assert_none(&wrong, "fix the block in wrangler.toml");
}

#[test]
fn ingest_and_ssr_have_no_database() {
    let config = Value::Table(table("wrangler.toml"));
    for env in ["ingest", "ssr"] {
        assert!(at(&config, &["env", env]).get("d1_databases").is_none(), "{env} has a database");
    }
}

#[test]
fn no_secret_stands_in_the_configuration() {
    let mut wrong = Vec::new();
    for File { path, text } in files_ending(".toml") {
        for mark in ["whsec_", "sk_live_", "sk_test_", "-----BEGIN"] {
            if text.contains(mark) {
                wrong.push(format!("{path}: {mark}"));
            }
        }
        for secret in ["CLERK_WEBHOOK_SECRET", "CLERK_SECRET_KEY", "OPERATOR_TOKEN"] {
            let set = |line: &str| !line.starts_with('#') && line.contains(secret);
            if path == "wrangler.toml" && text.lines().any(set) {
                wrong.push(format!("{path}: {secret} outside of a comment"));
            }
        }
    }
    assert_none(&wrong, "set secrets with `wrangler secret put`");
}

#[test]
fn node_packages_are_pinned_exactly() {
    let text = fs::read_to_string(root().join("package.json")).unwrap();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pins = package["devDependencies"].as_object().unwrap();
    assert!(!pins.is_empty());
    for (name, version) in pins {
        let version = version.as_str().unwrap();
        let exact = version.split('.').count() == 3
            && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        assert!(exact, "{name} is {version}; pin one version");
    }
}

/// `npm ci` refuses a lock that leaves out a package, one for another machine included. npm itself
/// writes such a lock where its registry does not have that package.
#[test]
fn the_lock_of_node_leaves_no_package_out() {
    let text = fs::read_to_string(root().join("package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    let mut wrong = Vec::new();
    for (place, package) in packages {
        let kinds = ["dependencies", "optionalDependencies", "devDependencies"];
        let needs = kinds.iter().filter_map(|kind| package[kind].as_object()).flatten();
        for (name, range) in needs {
            let range = range.as_str().unwrap();
            let is_exact = range.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let found = nearest(packages, place, name).map(|it| linked(packages, it));
            let found = found.and_then(|it| it["version"].as_str());
            if found.is_none() || (is_exact && found != Some(range)) {
                wrong.push(format!("{name}@{range} of {place}: {found:?}"));
            }
        }
    }
    assert!(
        50 < packages.len(),
        "the lock has few packages; does this test look in the right place?"
    );
    assert_none(&wrong, "add the package to package-lock.json");
}

/// A package of the workspace stands in `node_modules` as a link to its folder.
fn linked<'a>(
    packages: &'a serde_json::Map<String, serde_json::Value>,
    package: &'a serde_json::Value,
) -> &'a serde_json::Value {
    let is_link = package["link"] == true;
    let folder = package["resolved"].as_str().filter(|_| is_link);
    folder.and_then(|folder| packages.get(folder)).unwrap_or(package)
}

/// The package that Node finds for `name` from `place`: in its own folder, else further up.
fn nearest<'a>(
    packages: &'a serde_json::Map<String, serde_json::Value>,
    place: &str,
    name: &str,
) -> Option<&'a serde_json::Value> {
    let mut folder = place;
    loop {
        let slash = if folder.is_empty() { "" } else { "/" };
        let here = packages.get(&format!("{folder}{slash}node_modules/{name}"));
        if here.is_some() || folder.is_empty() {
            return here;
        }
        let up = folder.rfind("node_modules/").unwrap_or(0);
        folder = folder.get(..up).unwrap_or_default().trim_end_matches('/');
    }
}

/// worker-build takes the first `wasm-bindgen` and `worker` that the lock names.
#[test]
fn the_lock_has_one_version_of_what_worker_build_reads() {
    let lock = Value::Table(table("Cargo.lock"));
    let packages = at(&lock, &["package"]).as_array().unwrap();
    for name in ["wasm-bindgen", "worker"] {
        let is_it = |package: &&Value| at(package, &["name"]).as_str() == Some(name);
        assert_eq!(packages.iter().filter(is_it).count(), 1, "{name}");
    }
}

#[test]
fn packages_come_from_the_public_registries() {
    const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let lock = Value::Table(table("Cargo.lock"));
    for package in at(&lock, &["package"]).as_array().unwrap() {
        let source = package.get("source").and_then(Value::as_str);
        assert!(source.is_none_or(|source| source == CRATES), "{source:?}");
    }
    let text = fs::read_to_string(root().join("package-lock.json")).unwrap();
    for line in text.lines().filter(|line| line.contains("\"resolved\"")) {
        let folders = ["packages/", "examples/", "tools/bench/"];
        let ours = folders.map(|folder| format!("\"resolved\": \"{folder}"));
        let is_ours = ours.iter().any(|ours| line.contains(ours.as_str()));
        assert!(is_ours || line.contains("\"https://registry.npmjs.org/"), "{line}");
    }
}

#[test]
fn the_toolchain_is_one_exact_version() {
    let pins = Value::Table(table("rust-toolchain.toml"));
    let channel = at(&pins, &["toolchain", "channel"]).as_str().unwrap();
    assert_eq!(channel.split('.').count(), 3, "{channel}");
    let targets = at(&pins, &["toolchain", "targets"]).as_array().unwrap();
    let target = Value::String(crate::versions::WASM_TARGET.to_owned());
    assert!(targets.contains(&target));
}
