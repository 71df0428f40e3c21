//! What `ARCHITECTURE.md` and the other pages claim, compared with the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clap::CommandFactory as _;
use toml::{Table, Value};

use super::{File, assert_none, files, files_ending, root};

/// The modules of `shared` that each crate does without: it must not know what they decide.
const UNKNOWN_MODULES: [(&str, &[&str]); 6] = [
    // `edge::keys` is the I/O of `session`: two Workers verify tokens, each of its own issuer.
    ("edge", &["batch", "cache", "event", "guard", "merge", "operators", "plan", "signature"]),
    ("ingest", &["cache", "guard", "merge", "outbox", "plan", "roles", "session", "sql"]),
    ("consumer", &["cache", "guard", "session", "signature"]),
    ("durable", &["envelope", "event", "guard", "plan", "session", "signature"]),
    ("ssr", &["envelope", "event", "merge", "operators", "outbox", "plan", "signature", "sql"]),
    ("console", &["admission", "batch", "event", "guard", "inbox", "plan", "signature"]),
];

/// The bindings of `wrangler.toml` that a Worker must not have.
const UNKNOWN_BINDINGS: [(&str, &[&str]); 5] = [
    ("ingest", &["d1_databases"]),
    ("consumer", &["routes"]),
    ("durable", &["queues", "routes"]),
    ("ssr", &["d1_databases", "queues"]),
    ("console", &["migrations", "triggers"]),
];

fn read_file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The page, however its lines are broken.
fn read_flat(path: &str) -> String {
    read_file(path).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text after `from` and before the next `to`.
#[track_caller]
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from:?}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to:?} after {from:?}")).0
}

/// What stands in backticks.
fn marked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_map_has_each_crate_with_the_crates_that_it_depends_on() {
    let page = read_file("ARCHITECTURE.md");
    let listed: BTreeSet<&str> = between(&page, "```dependencies\n", "```").lines().collect();
    let manifest: Table = read_file("Cargo.toml").parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let manifests: Vec<Table> = members
        .iter()
        .map(|member| {
            read_file(&format!("{}/Cargo.toml", member.as_str().unwrap())).parse().unwrap()
        })
        .collect();
    let name = |manifest: &Table| manifest["package"]["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = manifests.iter().map(name).collect();
    let of = |manifest: &Table, kind: &str| -> Vec<String> {
        let all = manifest.get(kind).and_then(Value::as_table).into_iter().flat_map(Table::keys);
        all.filter(|name| ours.contains(*name)).cloned().collect()
    };
    let found: BTreeSet<String> = manifests
        .iter()
        .map(|manifest| {
            let tests = of(manifest, "dev-dependencies").join(", ");
            let tests = Some(format!("({tests})")).filter(|_| !tests.is_empty());
            let all: Vec<String> = of(manifest, "dependencies").into_iter().chain(tests).collect();
            format!("{}: {}", name(manifest), all.join(", ")).trim_end().to_owned()
        })
        .collect();
    let want = found.iter().map(String::as_str).collect::<Vec<_>>();
    let is_same = listed.iter().eq(want.iter());
    assert!(is_same, "the list in ARCHITECTURE.md has to be:\n{}", want.join("\n"));
}

#[test]
fn the_pipeline_names_functions_that_are_there() {
    let page = read_file("ARCHITECTURE.md");
    let picture = between(&page, "```text\n", "```");
    let mut sources = files_ending(".rs");
    sources.retain(|file| file.path.starts_with("shared/src/"));
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = picture.split("::").skip(1).filter_map(|rest| rest.split(|it| !is_word(it)).next());
    let words: Vec<&str> = words.collect();
    assert!(4 < words.len(), "few names: {words:?}; does this test look in the right place?");
    for word in words {
        let code = [format!("pub fn {word}("), format!("pub fn {word}<")];
        let is_there =
            sources.iter().any(|file| code.iter().any(|code| file.text.contains(code.as_str())));
        assert!(is_there, "ARCHITECTURE.md names {word}, which is no function of shared");
    }
}

#[test]
fn each_worker_knows_only_its_part_of_shared() {
    let modules = read_file("shared/src/lib.rs");
    let sources = files_ending(".rs");
    let mut wrong = Vec::new();
    for (crate_name, unknown) in UNKNOWN_MODULES {
        for module in unknown {
            let is_there = modules.contains(&format!("pub mod {module};"));
            assert!(is_there, "shared has no module {module}; was it renamed?");
        }
        let folder = format!("{crate_name}/src/");
        let own = sources.iter().filter(|file| file.path.starts_with(&folder));
        let used = own.flat_map(|file| used_modules(&file.text).map(|it| (&file.path, it)));
        let used: Vec<_> = used.collect();
        assert!(
            !used.is_empty(),
            "{crate_name} uses nothing of shared; does this test look in the right place?"
        );
        let used = used.iter().filter(|(_, module)| unknown.contains(module));
        wrong.extend(used.map(|(path, module)| format!("{path}: shared::{module}")));
    }
    assert_none(&wrong, "move the decision to the crate that may know it, see ARCHITECTURE.md");
}

/// The modules that follow `shared::`, one by one or as a list in braces.
fn used_modules(text: &str) -> impl Iterator<Item = &str> {
    text.split("shared::").skip(1).flat_map(|rest| {
        let list = rest.strip_prefix('{').and_then(|rest| rest.split(';').next());
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        match list {
            Some(list) => list.split(|letter| !is_word(letter)).collect::<Vec<_>>(),
            None => rest.split(|letter| !is_word(letter)).take(1).collect(),
        }
    })
}

#[test]
fn a_module_is_found_in_each_spelling() {
    let found: Vec<&str> =
        used_modules("use shared::sql::X;\nuse shared::{plan, id::Y};").collect();
    assert_eq!(found, ["sql", "plan", "", "id", "", "Y", ""]);
}

#[test]
fn each_worker_is_bound_to_what_it_may_know() {
    let config: Table = read_file("wrangler.toml").parse().unwrap();
    let bound = |env: &str, binding: &str| config["env"][env].get(binding).is_some();
    assert!(bound("consumer", "d1_databases") && bound("durable", "d1_databases"));
    assert!(bound("ingest", "queues") && bound("ssr", "durable_objects"));
    let objects = |env: &str| -> BTreeSet<&str> {
        let all = config["env"][env]["durable_objects"]["bindings"].as_array().unwrap();
        all.iter().map(|object| object["name"].as_str().unwrap()).collect()
    };
    assert_eq!(objects("ingest"), BTreeSet::from(["METER"]), "ingest knows no role caches");
    for env in ["consumer", "durable", "ssr", "console"] {
        assert_eq!(objects(env), BTreeSet::from(["METER", "ROLES"]), "[env.{env}]");
    }
    for (env, unknown) in UNKNOWN_BINDINGS {
        let found: Vec<_> = unknown.iter().filter(|binding| bound(env, binding)).collect();
        assert!(found.is_empty(), "[env.{env}] has {found:?}, see ARCHITECTURE.md");
    }
}

#[test]
fn the_queue_is_sent_to_in_one_file() {
    let workers =
        ["ingest/src/", "consumer/src/", "durable/src/", "ssr/src/", "console/src/", "edge/src/"];
    let mut sources = files_ending(".rs");
    sources.retain(|file| workers.iter().any(|folder| file.path.starts_with(folder)));
    sources.retain(|file| file.text.contains("env.queue("));
    let senders: Vec<&str> = sources.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(senders, ["ingest/src/queue.rs"]);
}

/// The packages for apps, and what their sources may import by name.
const IMPORTS: [(&str, &[&str]); 2] = [
    ("packages/guard/src/", &["@clerk/backend", "hono"]),
    (
        "examples/react-router/",
        &[
            "@react-router/dev",
            "@rolecall/guard",
            "cloudflare:workers",
            "isbot",
            "react",
            "react-dom/server",
            "react-router",
            "virtual:react-router/server-build",
            "vite",
        ],
    ),
];

#[test]
fn packages_and_examples_import_nothing_else_of_ours() {
    let mut wrong = Vec::new();
    for (folder, names) in IMPORTS {
        let mut count = 0;
        for File { path, text } in files() {
            let is_code = [".ts", ".tsx"].iter().any(|end| path.ends_with(end));
            let Some(inside) = path.strip_prefix(folder).filter(|_| is_code) else { continue };
            let found: Vec<&str> = imports(&text).collect();
            count += found.len();
            let found = found.iter().filter(|name| !may_import(inside, name, names));
            wrong.extend(found.map(|name| format!("{path}: {name}")));
        }
        assert!(10 < count, "{folder} has few imports; does this test look in the right place?");
    }
    assert_none(&wrong, "import nothing else, see ARCHITECTURE.md");
}

/// Whether the file at a path inside of its package may import this: another file of the package,
/// or something of one of these names.
fn may_import(path: &str, name: &str, names: &[&str]) -> bool {
    if name.starts_with("./") || name.starts_with("../") {
        return name.matches("../").count() <= path.matches('/').count();
    }
    let rests = names.iter().filter_map(|it| name.strip_prefix(it));
    rests.into_iter().any(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn an_import_from_outside_is_found() {
    assert!(may_import("src/a.ts", "../b.ts", &[]) && may_import("a.ts", "x/y", &["x"]));
    assert!(!may_import("a.ts", "../b.ts", &[]) && !may_import("a.ts", "xy", &["x"]));
}

/// What a TypeScript file imports.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with(['*', '/']));
    code.filter_map(|line| {
        let rest = line.split_once(" from \"").or_else(|| line.split_once("import \""))?.1;
        rest.split('"').next()
    })
}

/// The rows of a table with two columns under this head, by their first cell's words in backticks.
fn first_cells<'a>(page: &'a str, head: &str) -> BTreeSet<&'a str> {
    let table = between(page, head, "\n\n");
    table.lines().filter_map(|line| line.split('`').nth(1)).collect()
}

/// The paths of `ssr`, from the test there that spells every route: a match without a wildcard.
fn paths_of_ssr() -> BTreeSet<String> {
    let source = read_file("ssr/src/route.rs");
    let spelled = source.lines().filter_map(|line| {
        let line = line.trim().strip_prefix("Route::")?.split_once(" => ")?.1;
        let path = line.strip_prefix("format!(\"").or_else(|| line.strip_prefix('"'))?;
        path.starts_with('/').then(|| path.split('"').next())?
    });
    let spelled: BTreeSet<String> = spelled.map(str::to_owned).collect();
    assert!(5 < spelled.len(), "few routes: {spelled:?}; does this test look in the right place?");
    spelled
}

#[test]
fn the_readme_lists_every_route_of_ssr() {
    let page = read_file("README.md");
    let listed = first_cells(&page, "| route | needs |\n");
    let paths = paths_of_ssr();
    let spelled: BTreeSet<String> =
        paths.iter().map(|path| format!("GET {}", path.replace("{org}", "{org_id}"))).collect();
    let spelled: BTreeSet<&str> = spelled.iter().map(String::as_str).collect();
    assert_eq!(listed, spelled, "README.md and ssr/src/route.rs list different routes");
}

/// The tests of the built Workers take the routes from there, so one that is missing is untested.
#[test]
fn the_tests_of_the_workers_know_every_route_of_ssr() {
    let file = "tests/workerd/support/routes.mjs";
    let source = read_file(file).replace("${org}", "{org}");
    let code = source.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
    let words = code.flat_map(|line| line.split(['"', '`'])).filter(|word| word.starts_with('/'));
    let listed: BTreeSet<&str> = words.filter_map(|word| word.split('?').next()).collect();
    let mut paths = paths_of_ssr();
    // No page and no API route: it has a test of its own.
    paths.remove("/assets/style.css");
    let paths: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(listed, paths, "{file} and ssr/src/route.rs list different routes");
}

#[test]
fn the_guide_asks_clerk_for_the_events_that_are_synced() {
    let events: BTreeSet<String> =
        shared::metrics::labels::synced_types().map(str::to_owned).collect();
    let guide = read_flat("docs/deploy.md");
    let sentence = between(&guide, "these events: ", ". ");
    // "verbs of nouns", several times with `;` between if nouns have different verbs.
    let mut asked = BTreeSet::new();
    for part in sentence.split(';') {
        let (verbs, nouns) = part.split_once(" of ").unwrap();
        for noun in marked(nouns) {
            asked.extend(marked(verbs).map(|verb| format!("{noun}.{verb}")));
        }
    }
    assert_eq!(asked, events, "docs/deploy.md and `cargo xtask deploy` ask for different events");
}

#[test]
fn an_export_has_every_table() {
    let page = read_flat("docs/backup.md");
    let exported = page.split("--table ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    let left_out = marked(between(&page, "Not exported are ", ":"));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for table in exported.chain(left_out) {
        *times.entry(table).or_default() += 1;
    }
    let mut migrations = files_ending(".sql");
    migrations.retain(|file| file.path.starts_with("migrations/"));
    let mut made = BTreeSet::new();
    for line in migrations.iter().flat_map(|file| file.text.lines()) {
        let first = |rest: &'_ str| rest.split([' ', '(', ';']).next().map(str::to_owned);
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            made.extend(first(rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest)));
        }
        if let Some(table) = line.strip_prefix("DROP TABLE ").and_then(first) {
            made.remove(&table);
        }
    }
    assert!(made.contains("users") && !made.contains("user_roles"), "{made:?}");
    let listed: BTreeSet<String> = times.keys().map(|&table| table.to_owned()).collect();
    assert_eq!(listed, made, "docs/backup.md has to name every table of the migrations");
    let twice: Vec<_> = times.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "named twice: {twice:?}");
}

/// Pages that name paths, those of their own folder among them.
fn names_paths(page: &str) -> bool {
    let is_readme = page.ends_with("README.md");
    let folders = ["migrations/", "tests/browser/", "tests/workerd/", "tools/", "verify/"];
    match page {
        "ARCHITECTURE.md" | "README.md" | "SECURITY.md" => true,
        _ if page.starts_with("docs/") => !page.starts_with("docs/adr/"),
        _ => is_readme && folders.iter().any(|folder| page.starts_with(folder)),
    }
}

#[test]
fn paths_that_the_pages_name_are_there() {
    let mut gone = Vec::new();
    let mut named = 0;
    let sources = files();
    for File { path: page, text } in sources.iter().filter(|file| names_paths(&file.path)) {
        let is_readme = page.ends_with("README.md");
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = text.split("```").step_by(2).collect::<String>();
        let is_named = |it: &&str| is_path("", it) || is_path(folder, it);
        let paths: Vec<&str> = marked(&text).filter(is_named).collect();
        let bare: Vec<&str> = marked(&text).filter(|it| is_readme && is_file_name(it)).collect();
        named += paths.len() + bare.len();
        let is_there = |path: &str| root().join(path).exists();
        let paths =
            paths.iter().filter(|path| !is_there(path) && !is_there(&format!("{folder}/{path}")));
        let bare = bare.iter().filter(|name| {
            !sources.iter().any(|file| file.path.rsplit('/').next() == Some(**name))
        });
        gone.extend(paths.chain(bare).map(|path| format!("{page}: {path}")));
    }
    assert!(50 < named, "only {named} paths; does this test look in the right place?");
    assert_none(&gone, "name a path that exists");
}

/// Whether this begins with a folder that is in `base`, and is no pattern and not built.
fn is_path(base: &str, text: &str) -> bool {
    let is_name = !text.contains([' ', '{', '*', '<', '…']) && !text.starts_with("target/");
    let folder = text.split_once('/').filter(|_| is_name).map(|(folder, _)| folder);
    folder.is_some_and(|folder| !folder.is_empty() && root().join(base).join(folder).is_dir())
}

/// Whether this is the name of a source file alone. One that begins with a number is a migration,
/// which may be of an older set.
fn is_file_name(text: &str) -> bool {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    let ends = [".rs", ".mjs", ".sql"];
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.bytes().all(is_plain)
        && ends.iter().any(|end| text.ends_with(end))
}

/// The page tells the way through `shared` in the order in which `lib.rs` lists the modules.
#[test]
fn the_modules_of_shared_are_listed_in_reading_order() {
    let page = read_file("ARCHITECTURE.md");
    let section = between(&page, "## The modules of `shared`, in reading order\n", "\n## ");
    let listed: Vec<&str> = marked(section).collect();
    let source = read_file("shared/src/lib.rs");
    let modules = source.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let modules: Vec<&str> = modules.map(|module| module.trim_end_matches(';')).collect();
    assert_eq!(listed, modules, "list the modules in ARCHITECTURE.md as shared/src/lib.rs does");
}

/// No page promises a command that does not exist.
#[test]
fn commands_that_the_pages_name_are_there() {
    let tasks = crate::Args::command();
    let sim = tasks.find_subcommand("sim").unwrap();
    let mut wrong = Vec::new();
    let mut named = 0;
    for File { path, text } in files_ending(".md") {
        for rest in text.split("cargo xtask ").skip(1) {
            let end = rest.find(['`', '\n', ',', '.', ';', ':', ')']).unwrap_or(rest.len());
            let mut words = rest.get(..end).unwrap_or_default().split(' ');
            let is_word = |word: &&str| word.bytes().all(|letter| letter.is_ascii_lowercase());
            let Some(task) = words.next().filter(is_word) else { continue };
            named += 1;
            let found = tasks.find_subcommand(task).is_some();
            let part = words.next().filter(|word| task == "sim" && is_word(word));
            if !found || part.is_some_and(|part| sim.find_subcommand(part).is_none()) {
                wrong.push(format!("{path}: cargo xtask {task} {}", part.unwrap_or_default()));
            }
        }
    }
    assert!(20 < named, "only {named} commands; does this test look in the right place?");
    assert_none(&wrong, "name a command that exists");
}
