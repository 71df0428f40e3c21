//! `docs/adr`: each decision has a date and a status, and the index names each as its file does.

use std::collections::BTreeSet;
use std::fs;

use super::{File, assert_none, files_ending, root};

const FOLDER: &str = "docs/adr/";

#[test]
fn the_index_of_decisions_is_that_of_its_files() {
    let index = fs::read_to_string(root().join(FOLDER).join("README.md")).unwrap();
    let listed: Vec<&str> = index.lines().filter(|line| line.starts_with("| [")).collect();
    let mut wrong = Vec::new();
    let mut wanted = Vec::new();
    for File { path, text } in files_ending(".md") {
        let Some(name) = path.strip_prefix(FOLDER).filter(|name| *name != "README.md") else {
            continue;
        };
        match row(name, &text) {
            Ok(row) => wanted.push(row),
            Err(fault) => wrong.push(format!("{path}: {fault}")),
        }
    }
    assert_none(&wrong, "begin the file as docs/adr/README.md shows");
    wanted.sort_by_key(|row| number(row));
    let numbers: BTreeSet<_> = wanted.iter().map(|row| number(row)).collect();
    assert_eq!(numbers.len(), wanted.len(), "two decisions have one number");
    let differ = wanted.iter().filter(|row| !listed.contains(&row.as_str()));
    assert_none(&differ.cloned().collect::<Vec<_>>(), "write this row into docs/adr/README.md");
    assert_eq!(listed, wanted, "docs/adr/README.md: rows in the order of their numbers, no others");
}

/// The row of the index for a file, from its first lines.
fn row(name: &str, text: &str) -> Result<String, &'static str> {
    let mut lines = text.lines();
    let title = lines.next().and_then(|line| line.strip_prefix("# "));
    let (number, title) =
        title.and_then(|title| title.split_once(". ")).ok_or("no title `# 15. …` first")?;
    if format!("{number:0>4}") != name.get(..4).unwrap_or_default() {
        return Err("the title has another number than the file");
    }
    let mut lines = lines.skip(1);
    let date = lines.next().and_then(|line| line.strip_prefix("- Date: "));
    let date = date.filter(|date| is_date(date)).ok_or("no `- Date: 2026-12-01`")?;
    let status = lines.next().and_then(|line| line.strip_prefix("- Status: "));
    let status = status.ok_or("no `- Status: …` below the date")?;
    if !status.starts_with("accepted") && !status.starts_with("replaced by [") {
        return Err(
            "a status is `accepted`, with or without `, replaces […]`, or `replaced by […]`",
        );
    }
    Ok(format!("| [{number}]({name}) | {title} | {date} | {status} |"))
}

fn is_date(text: &str) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    text.bytes().map(shape).eq("0000-00-00".bytes())
}

fn number(row: &str) -> Option<u32> {
    row.strip_prefix("| [")?.split(']').next()?.parse().ok()
}

#[test]
fn a_decision_without_date_or_status_is_found() {
    let text = "# 15. It is so\n\n- Date: 2026-12-01\n- Status: accepted\n\nWhy.\n";
    let wanted = "| [15](0015-so.md) | It is so | 2026-12-01 | accepted |";
    assert_eq!(row("0015-so.md", text).unwrap(), wanted);
    row("0016-so.md", text).unwrap_err();
    row("0015-so.md", &text.replace("2026", "26")).unwrap_err();
    row("0015-so.md", &text.replace("accepted", "perhaps")).unwrap_err();
    row("0015-so.md", &text.replace("- Date: 2026-12-01\n", "")).unwrap_err();
}
