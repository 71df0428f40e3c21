//! The command line as a whole, and `docs/cli.md` held to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::args::Cli;
use crate::failure::{EXITS, Failure, Kind};

/// The chapter for what several commands have.
const SHARED: &str = "## What several commands share";

/// Each command that does something, with its whole name.
fn leaves() -> Vec<(String, Command)> {
    fn collect(name: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        let name = format!("{name}{}", command.get_name());
        if !command.has_subcommands() {
            found.push((name, command.clone()));
            return;
        }
        let children = command.get_subcommands().filter(|child| child.get_name() != "help");
        children.for_each(|child| collect(&format!("{name} "), child, found));
    }
    let mut found = Vec::new();
    collect("", &Cli::command(), &mut found);
    found
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    fs::read_to_string(path).unwrap()
}

/// The text below a heading, to the next one of its rank or above.
fn chapter<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) =
        page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let rank = heading.split(' ').next().unwrap().len();
    let ends = ["\n## ", "\n### "].iter().filter(|end| end.trim().len() <= rank);
    let end = ends.filter_map(|end| rest.find(*end)).min().unwrap_or(rest.len());
    &rest[..end]
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
    assert_eq!(leaves().len(), 24);
}

#[test]
fn the_page_has_each_command_in_the_order_of_help() {
    let page = page();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let headings: Vec<_> = headings.collect();
    let names: Vec<_> = leaves().into_iter().map(|(name, _)| name).collect();
    assert_eq!(headings, names);
}

#[test]
fn each_command_has_an_example_that_stands_on_the_page() {
    let page = page();
    for (name, command) in leaves() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<_> = help.lines().filter(|line| line.contains("  rolecall ")).collect();
        assert!(!examples.is_empty(), "{name} has no example");
        let chapter = chapter(&page, &format!("### `{name}`"));
        for example in examples {
            let example = example.trim();
            assert!(example.starts_with(&name), "{example} is no example of {name}");
            assert!(chapter.contains(example), "{name}: the page has no `{example}`");
        }
    }
}

#[test]
fn each_switch_stands_on_the_page_and_none_holds_a_secret() {
    let page = page();
    let shared = chapter(&page, SHARED);
    for (name, command) in leaves() {
        let chapter = chapter(&page, &format!("### `{name}`"));
        for switch in command.get_arguments().filter_map(clap::Arg::get_long) {
            let shown = format!("`--{switch}");
            let is_there = chapter.contains(&shown) || shared.contains(&shown);
            assert!(is_there || switch == "help", "{name}: the page has no {shown}");
            let is_secret = ["token", "secret", "password"].iter().any(|it| switch.contains(it));
            assert!(!is_secret, "{name}: others on this machine can read --{switch}");
        }
    }
}

#[test]
fn the_page_has_each_exit_code() {
    let rows: String = EXITS.map(|(code, what)| format!("| {code} | {what} |\n")).concat();
    assert!(page().contains(&rows), "put this under \"Exit codes\":\n{rows}");
    let kinds = [Kind::Failed, Kind::Usage, Kind::Unreachable, Kind::NotAllowed, Kind::Refused];
    let codes: BTreeSet<String> =
        kinds.map(|kind| format!("{:?}", Failure::new(kind, "code", "what", "next").exit())).into();
    let listed =
        EXITS[1..].iter().map(|(code, _)| format!("{:?}", std::process::ExitCode::from(*code)));
    assert_eq!(codes, listed.collect());
}

#[test]
fn the_page_has_each_variable() {
    let page = page();
    let help = Cli::command().get_after_help().unwrap().to_string();
    let (_, variables) = help.split_once("Environment:").unwrap();
    let variables = variables.split([',', ' ', '\n']).filter(|name| !name.is_empty());
    let variables: Vec<_> = variables.collect();
    assert!(variables.len() == 8, "{variables:?}");
    for name in variables {
        assert!(page.contains(&format!("`{name}`")), "the page has no {name}");
    }
}
