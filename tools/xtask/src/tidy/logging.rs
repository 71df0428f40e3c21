//! `docs/logging.md`, compared with the code: every field and every error has its row.

use std::collections::{BTreeMap, BTreeSet};

use shared::metrics::labels::{DOOR_REFUSAL, LETTER_REASON, OTHER, SESSION_REFUSAL};
use shared::operators::access::AssertionError;
use shared::operators::refusal::Refusal;
use shared::session::handshake::HandshakeReason;

use super::{assert_none, files_ending, root};

const PAGE: &str = "docs/logging.md";

/// The crates that Workers are made of.
const CRATES: [&str; 7] =
    ["ingest/", "consumer/", "durable/", "ssr/", "console/", "edge/", "replayer/"];

/// Fault points are only in builds for tests.
const NOT_IN_A_RELEASE: &str = "edge/src/fault_points.rs";

/// The fields that `edge::log` itself adds.
const OF_EVERY_LINE: [&str; 3] = ["level", "worker", "message"];

/// One call of `tracing`.
struct Call {
    path: String,
    level: &'static str,
    fields: Vec<String>,
    message: String,
}

/// Every call in the Workers, tests left out.
fn calls() -> Vec<Call> {
    let mut found = Vec::new();
    for file in files_ending(".rs") {
        let is_in = CRATES.iter().any(|name| file.path.starts_with(name));
        if !is_in || file.path.ends_with("tests.rs") || file.path == NOT_IN_A_RELEASE {
            continue;
        }
        for level in ["error", "warn", "info", "debug"] {
            let start = format!("tracing::{level}!(");
            for (_, rest) in
                file.text.match_indices(&start).map(|(at, it)| (at, &file.text[at + it.len()..]))
            {
                let args = arguments(rest);
                let message = args.iter().find(|arg| arg.starts_with('"')).cloned();
                let fields = args.iter().take_while(|arg| !arg.starts_with('"'));
                found.push(Call {
                    path: file.path.clone(),
                    level,
                    fields: fields.map(|arg| field(arg)).collect(),
                    message: message.unwrap_or_default().trim_matches('"').to_owned(),
                });
            }
        }
    }
    assert!(
        30 < found.len(),
        "only {} calls; does this test look in the right place?",
        found.len()
    );
    found
}

/// The arguments of a macro call, up to its closing parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let (mut args, mut arg) = (Vec::new(), String::new());
    for one in text.chars() {
        if quoted {
            quoted = escaped || one != '"';
            escaped = !escaped && one == '\\';
            arg.push(one);
            continue;
        }
        match one {
            ')' if depth == 0 => break,
            ',' if depth == 0 => args.push(std::mem::take(&mut arg)),
            _ => {
                depth += i32::from("([{".contains(one)) - i32::from(")]}".contains(one));
                quoted = one == '"';
                arg.push(one);
            }
        }
    }
    args.push(arg);
    args.iter().map(|arg| arg.trim().to_owned()).filter(|arg| !arg.is_empty()).collect()
}

/// The name of a field: `name = value`, `%name`, `?name` or `name`.
fn field(arg: &str) -> String {
    let name = arg.split_once(" = ").map_or(arg, |(name, _)| name);
    name.trim_start_matches(['%', '?', '&']).to_owned()
}

/// The rows of the table below this head: the first two cells.
fn rows(page: &str, head: &str) -> Vec<(String, String)> {
    let table = page.split_once(head).map_or("", |(_, rest)| rest);
    let table = table.split("\n\n").next().unwrap_or_default();
    let cells = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?.trim_matches('`').to_owned(), cells.next()?.to_owned()))
    });
    cells.collect()
}

fn page() -> String {
    std::fs::read_to_string(root().join(PAGE)).unwrap()
}

#[test]
fn the_logging_page_lists_every_field() {
    let mut used: BTreeSet<String> = OF_EVERY_LINE.map(str::to_owned).into();
    let mut wrong = Vec::new();
    for call in calls() {
        for name in call.fields {
            if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                wrong.push(format!("{}: {name}", call.path));
            }
            used.insert(name);
        }
    }
    assert_none(&wrong, "name a field of the log in snake_case, flat");
    let listed = rows(&page(), "| field | type | meaning |\n|---|---|---|\n");
    let named: BTreeSet<String> = listed.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(named.len(), listed.len(), "{PAGE} has a field twice");
    assert_eq!(named, used, "{PAGE}: one row for each field of the code, and no other");
    let kinds = ["text", "number", "true or false"];
    let odd = listed.iter().filter(|(_, kind)| !kinds.contains(&kind.as_str()));
    let odd: Vec<String> = odd.map(|(name, kind)| format!("{name}: {kind}")).collect();
    assert_none(&odd, "give the field one of the types text, number, true or false");
}

#[test]
fn the_logging_page_says_what_to_do_for_every_error() {
    let errors = calls().into_iter().filter(|call| call.level == "error");
    let used: BTreeSet<String> = errors.map(|call| call.message).collect();
    let listed = rows(&page(), "| error | Worker | what to do |\n|---|---|---|\n");
    let named: BTreeSet<String> = listed.into_iter().map(|(message, _)| message).collect();
    assert_eq!(named, used, "{PAGE}: one row for each error of the code, and no other");
}

/// Every message whose line has a `reason`, with the closed list of its reasons.
fn reasons() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let of_assertions =
        [AssertionError::WrongAudience, AssertionError::WrongKind, AssertionError::ServiceToken];
    let session = || SESSION_REFUSAL.values.iter().copied();
    BTreeMap::from([
        ("delivery rejected", DOOR_REFUSAL.values.iter().copied().collect()),
        ("session token rejected", session().collect()),
        ("handshake rejected", session().collect()),
        (
            "redirecting to Clerk for a handshake",
            HandshakeReason::ALL.into_iter().map(HandshakeReason::clerk_reason).collect(),
        ),
        ("request refused", Refusal::ALL.into_iter().map(Refusal::code).collect()),
        (
            "assertion rejected",
            session().chain(of_assertions.into_iter().map(AssertionError::label)).collect(),
        ),
        (
            "message parked",
            LETTER_REASON.values.iter().copied().filter(|name| *name != OTHER).collect(),
        ),
    ])
}

/// `tests/workerd/support/log-lines.mjs` reads the lists of the page and checks every line.
#[test]
fn the_logging_page_lists_every_reason() {
    let with_reason =
        calls().into_iter().filter(|call| call.fields.iter().any(|it| it == "reason"));
    let used: BTreeSet<String> = with_reason.map(|call| call.message).collect();
    let known: BTreeSet<String> = reasons().into_keys().map(str::to_owned).collect();
    assert_eq!(used, known, "name the closed list of the reasons of each message here");
    let page = page();
    let listed = rows(&page, "| message | reasons |\n|---|---|\n");
    let listed: BTreeMap<&str, BTreeSet<&str>> = listed
        .iter()
        .map(|(message, cell)| (message.as_str(), cell.split('`').skip(1).step_by(2).collect()))
        .collect();
    assert_eq!(listed, reasons(), "{PAGE}: one row for each message, with its reasons");
}

#[test]
fn a_call_is_taken_apart() {
    let fields = "trace_id, cause = %error.text(\"a, b\"), ?reason, n = f(1, 2)";
    let text = &format!("{fields}, \"it (\\\"x\\\"), failed\"); more");
    let args = arguments(text);
    let fields: Vec<String> = args.iter().take(4).map(|arg| field(arg)).collect();
    assert_eq!(fields, ["trace_id", "cause", "reason", "n"]);
    assert_eq!(args[4], "\"it (\\\"x\\\"), failed\"");
    assert_eq!(args.len(), 5);
}
