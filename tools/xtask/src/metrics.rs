//! `cargo xtask metrics`: the files that are written from the table of metrics.
//!
//! [`docs`] writes the tables of `docs/metrics.md`. [`boards`] and [`alerts`] describe the
//! dashboards and the alert rules. Their expressions are built from
//! `shared::metrics::table`, so they cannot name what is not counted.

mod alert;
mod alerts;
mod board;
mod boards;
mod docs;
mod figures;
mod grafana;
mod links;
mod promql;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::place::Place;
use crate::show;

/// What each generated file says of itself, where it has comments.
const MARK: &str = "Written by `cargo xtask metrics`.";

use self::links::Links;

pub(crate) use self::rules::RULES;

/// Where alert rules are.
pub(crate) const ALERTS: &str = "alerts";

/// What is written, and where links lead.
#[derive(Debug, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Write nothing; fail if a file is not what would be written
    #[arg(long, conflicts_with = "to")]
    check: bool,
    /// Write into this folder, not into the clone: for your own addresses
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    #[command(flatten)]
    links: Links,
}

/// The files of tests of the alert rules.
pub(crate) fn rule_tests() -> impl Iterator<Item = &'static str> {
    rules::TESTS.iter().map(|file| file.name)
}

/// A generated file: its path from the root, and its text.
#[derive(Debug)]
struct Generated {
    path: String,
    text: String,
}

/// Writes the files, or with `--check` compares them.
///
/// # Errors
/// When a file cannot be read or written, or with `--check` is another.
pub(crate) fn run(place: &Place, args: &MetricsArgs) -> Result<()> {
    let root = args.to.as_deref().unwrap_or(&place.root);
    let mut files = generated(&args.links);
    if args.to.is_none() {
        files.push(docs::page(&place.root)?);
    }
    if args.check {
        return check(root, &files);
    }
    for Generated { path, text } in files {
        let path = root.join(path);
        let failed = || format!("cannot write {}; check that you may write there", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(failed)?;
        }
        fs::write(&path, text).with_context(failed)?;
        show::line(format!("wrote {}", path.display()));
    }
    Ok(())
}

fn check(root: &Path, files: &[Generated]) -> Result<()> {
    for Generated { path, text } in files {
        let is = fs::read_to_string(root.join(path)).unwrap_or_default();
        ensure!(is == *text, "{path} is not what is described; run `cargo xtask metrics`");
    }
    Ok(())
}

/// The dashboards, the rules and their tests.
fn generated(links: &Links) -> Vec<Generated> {
    let groups = alerts::all();
    let boards = boards::all();
    let dashboard = |board: &board::Board| Generated {
        path: format!("dashboards/{}.json", board.name),
        text: grafana::dashboard(board, links),
    };
    let mut files: Vec<Generated> = boards.iter().map(dashboard).collect();
    let path = |name: &str| format!("{ALERTS}/{name}");
    files.push(Generated { path: path(RULES), text: rules::rules(&groups, links) });
    files.extend(rules::TESTS.iter().map(|file| {
        let text = rules::tests(file, &groups, links);
        Generated { path: path(file.name), text }
    }));
    files
}

#[cfg(test)]
mod tests;
