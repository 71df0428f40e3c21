//! How files are written, where neither rustfmt nor clippy looks: TypeScript and `.mjs`, Markdown,
//! spelling, and the order of imports in Rust.
//!
//! The three tools are npm packages that bring a program for each kind of machine: they are there
//! after `npm ci`, in seconds, and need no network afterwards.

use anyhow::{Result, bail};

use super::imports;
use crate::call::Call;
use crate::place::Place;
use crate::setup;
use crate::show::Step;
use crate::tally::Tally;

/// The command that fixes what a tool can fix by itself.
const FIX: &str = "Run `cargo xtask check --fix`, and fix by hand what it leaves.";

/// Lints TypeScript and `.mjs`, and sorts their imports. <https://biomejs.dev>
const BIOME: &str = "@biomejs/biome/bin/biome";

/// Lints Markdown, and wraps it. <https://rumdl.dev>
const RUMDL: &str = "rumdl/bin/rumdl";

/// Knows English, several programming languages, and the words of `.cspell.jsonc`. `typos` would
/// be minutes of compilation in a fresh CI, and knows only common mistakes. <https://cspell.org>
const CSPELL: &str = "cspell/bin.mjs";

/// Each check counts as one.
pub(super) fn all(place: &Place) -> Tally {
    [
        Tally::of("TypeScript and .mjs", |step| javascript(place, step)),
        Tally::of("Markdown", |step| markdown(place, step)),
        Tally::of("spelling", |step| spelling(place, step)),
        Tally::of("order of imports", |_| imports::check(place)),
    ]
    .into_iter()
    .sum()
}

/// Fixes what needs no person.
///
/// # Errors
/// When a tool is missing. The check reports what it cannot fix.
pub(super) fn fix(place: &Place) -> Result<()> {
    let packages = setup::packages(place)?;
    imports::fix(place)?;
    Call::new("cargo")
        .args(["fmt", "--all"])
        .dir(&place.root)
        .run_and_read("Fix the syntax that it names.")?;
    packages.program(BIOME).args(["check", "--write"]).dir(&place.root).run(|_| ())?;
    packages.program(RUMDL).args(["check", "--fix"]).dir(&place.root).run(|_| ())?;
    Ok(())
}

fn javascript(place: &Place, step: &Step) -> Result<String> {
    let program = setup::packages(place)?.program(BIOME);
    let call = program.args(["check", "--error-on-warnings", "--colors=off"]);
    done(place, step, call, "Checked ", FIX)
}

fn markdown(place: &Place, step: &Step) -> Result<String> {
    let call = setup::packages(place)?.program(RUMDL).args(["check", "--color=never"]);
    done(place, step, call, "No issues found in ", FIX)
}

/// The cache of what was found in each file makes the second run a fraction of the first.
fn spelling(place: &Place, step: &Step) -> Result<String> {
    let program = setup::packages(place)?.program(CSPELL);
    let call = program
        .args(["lint", "--config", ".cspell.jsonc", "--no-progress", "--no-color"])
        .args(["--show-suggestions", "--cache", "--cache-strategy", "content"])
        .arg("--cache-location")
        .arg(place.scratch().join("cspell.json"));
    let next = "Correct the word; if it is right, add it to `words` in .cspell.jsonc.";
    done(place, step, call, "Files checked: ", next)
}

/// Runs a tool to its end. The number that follows `mark` is that of the files it looked at: a
/// tool that found none has checked nothing.
fn done(place: &Place, step: &Step, call: Call, mark: &str, next: &str) -> Result<String> {
    let ran = call.dir(&place.root).run(|line| step.say(line))?.ok(next)?;
    match ran.lines.iter().find_map(|(_, line)| number_after(line, mark)) {
        Some(0) | None => bail!("it checked no file; what does its configuration leave out?"),
        Some(files) => Ok(format!("{files} files")),
    }
}

fn number_after(line: &str, mark: &str) -> Option<u32> {
    let (_, rest) = line.split_once(mark)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn the_tools_say_how_many_files_they_checked() {
        let says = |line, mark| number_after(line, mark);
        assert_eq!(says("Checked 147 files in 882ms. No fixes applied.", "Checked "), Some(147));
        let line = "Success: No issues found in 30 files (92ms)";
        assert_eq!(says(line, "No issues found in "), Some(30));
        let line = "CSpell: Files checked: 627, Issues found: 0 in 0 files.";
        assert_eq!(says(line, "Files checked: "), Some(627));
        assert_eq!(says("Checked nothing", "Checked "), None);
    }
}
