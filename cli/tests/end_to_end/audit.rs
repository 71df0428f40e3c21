//! `audit verify`: a chain that is whole, broken, cut or rewritten.

use shared::operators::api::AuditPage;
use shared::operators::audit::{AuditEntry, AuditHead};

use crate::console::{Console, Reply};
use crate::program::Program;
use crate::samples::chain;

/// A console with these entries, in pages of two.
fn console(entries: &[AuditEntry]) -> Console {
    let head = entries.last().map(AuditEntry::head).unwrap_or_default();
    let page = |from: usize| {
        let entries = entries.iter().skip(from).take(2).cloned().collect();
        Reply::json(&AuditPage { entries, names: Vec::new(), head: head.clone(), next: None })
    };
    let places = (0..=entries.len()).collect::<Vec<_>>();
    let start = Console::start().on("GET audit/head", [Reply::json(&head)]);
    places.into_iter().fold(start, |console, from| {
        console.on(&format!("GET audit?after={from}&limit=100"), [page(from)])
    })
}

/// The same machine with another console at the same place in its memory.
fn moved(program: Program, from: &Console, to: &Console) -> Program {
    let file = program.heads();
    let text = std::fs::read_to_string(&file).unwrap().replace(&from.url, &to.url);
    std::fs::write(&file, text).unwrap();
    program.var("ROLECALL_URL", &to.url)
}

#[test]
fn a_whole_chain_is_verified_and_its_head_is_kept() {
    let entries = chain(5, "token:1");
    let console = console(&entries);
    let program = Program::of(&console);
    let ran = program.run(&["audit", "verify"]).code(0);
    let hash = &entries[4].hash;
    assert!(ran.out.contains(&format!("head:  5 {hash}")), "{}", ran.out);
    assert!(std::fs::read_to_string(program.heads()).unwrap().contains(hash));
    let ran = program.run(&["audit", "verify", "--json"]).code(0);
    assert_eq!(ran.json::<AuditHead>(), entries[4].head());
    let ran = program.run(&["audit", "verify"]).code(0);
    assert!(ran.out.contains("heads from earlier in it: 1 of 1"), "{}", ran.out);
}

#[test]
fn an_empty_trail_is_whole() {
    let console = console(&[]);
    let program = Program::of(&console);
    for _ in 0..2 {
        assert!(program.run(&["audit", "verify"]).code(0).out.contains("whole: 0 entries"));
    }
}

#[test]
fn a_changed_or_missing_entry_is_found() {
    let mut changed = chain(5, "token:1");
    changed[2].actor = "token:2".into();
    let console_of_changed = console(&changed);
    let program = Program::of(&console_of_changed);
    program.run(&["audit", "verify"]).code(1).says(&["entry 3 was changed", "docs/backup.md"]);
    assert!(!program.heads().exists());

    let mut missing = chain(5, "token:1");
    missing.remove(2);
    let console_of_missing = console(&missing);
    let ran = Program::of(&console_of_missing).run(&["audit", "verify", "--json"]).code(1);
    ran.says(&["\"error\":\"audit-broken\"", "entry 3 is missing: 4 follows"]);
}

#[test]
fn a_trail_without_a_head_from_earlier_was_rewritten() {
    let first = console(&chain(5, "token:1"));
    let program = Program::of(&first);
    program.run(&["audit", "verify"]).code(0);
    for entries in [chain(9, "token:2"), chain(4, "token:1"), Vec::new()] {
        let other = console(&entries);
        let program = Program::of(&first);
        program.run(&["audit", "verify"]).code(0);
        let program = moved(program, &first, &other);
        let ran = program.run(&["audit", "verify"]).code(1);
        ran.says(&["is whole, but the head that was verified here last is not in it: 5 "]);
    }
    // A trail that only grew is the same one.
    let grown = console(&chain(9, "token:1"));
    moved(program, &first, &grown).run(&["audit", "verify"]).code(0);
}

#[test]
fn a_head_that_is_given_must_be_in_the_trail() {
    let entries = chain(5, "token:1");
    let console = console(&entries);
    let program = Program::of(&console);
    let hash = &*entries[2].hash;
    program.run(&["audit", "verify", "--head", hash]).code(0);
    program.run(&["audit", "verify", "--seq", "3", "--hash", hash]).code(0);
    let ran = program.run(&["audit", "verify", "--seq", "4", "--hash", hash]).code(1);
    ran.says(&["the head that was given is not in it: 4 "]);
    program.run(&["audit", "verify", "--head", &"0".repeat(64)]).code(1);
    let part = hash.get(..12).unwrap();
    program.run(&["audit", "verify", "--head", part]).code(2).says(&["copy all of it"]);
    program.run(&["audit", "verify", "--seq", "4"]).code(2);
}

#[test]
fn a_trail_that_ends_before_its_head_is_broken() {
    let mut entries = chain(5, "token:1");
    let head = entries[4].head();
    entries.truncate(4);
    let page = |entries: &[AuditEntry]| {
        let entries = entries.to_vec();
        Reply::json(&AuditPage { entries, names: Vec::new(), head: head.clone(), next: None })
    };
    let console = Console::start().on("GET audit", [page(&entries), page(&[])]);
    let ran = Program::of(&console).run(&["audit", "verify"]).code(1);
    ran.says(&["the chain ends at 4", "the head is said to be 5"]);
}

#[test]
fn a_damaged_state_file_is_told() {
    let console = console(&chain(1, "token:1"));
    let program = Program::of(&console);
    program.run(&["audit", "verify"]).code(0);
    std::fs::write(program.heads(), "consoles = 7").unwrap();
    program.run(&["audit", "verify"]).code(2).says(&["audit-heads.toml is damaged"]);
}
