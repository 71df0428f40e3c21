//! `cargo xtask test`: all tests, counted together.
//!
//! A step that fails does not stop the ones after it, so that the totals are complete. The output
//! of a failed step is in `target/xtask/`, and its last lines are on standard error.

mod browser;
mod example;
mod rules;
mod suite;
mod typescript;

use std::fs;

use anyhow::{Context, Result, bail};

use self::suite::NodeSuite;
use crate::call::{Call, Ran};
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show::{self, Step};
use crate::tally::Tally;
use crate::workers::{self, Worker};
use crate::{bench, build, check, deploy};

/// The tests that drive the built Workers in workerd, from the outside.
const WORKERD: NodeSuite = NodeSuite { folder: "tests/workerd", log: "workerd-tests" };

/// The tests of the tools in JavaScript, which start nothing.
const TOOLS: [NodeSuite; 2] = [
    NodeSuite { folder: "tools/bench/cost", log: "cost-tests" },
    NodeSuite { folder: "tools/pictures", log: "picture-tests" },
];

/// Runs everything, or with a `filter` only the tests whose name contains it, and ends standard
/// output with `N passed, N failed`.
///
/// # Errors
/// When something failed, or nothing ran.
pub(crate) fn run(place: &Place, filter: Option<&str>) -> Result<()> {
    let tally = match steps(place, filter) {
        Ok(tally) => tally,
        Err(error) => {
            show::note(format!("error: {error:#}"));
            Tally::FAILED
        }
    };
    if tally == Tally::default() {
        show::note("nothing ran; check the filter");
    }
    show::line(tally.shown());
    if !tally.is_good() {
        bail!("not everything passed; see the messages above and target/xtask/*.log");
    }
    Ok(())
}

fn steps(place: &Place, filter: Option<&str>) -> Result<Tally> {
    let tools = setup::ensure(place)?;
    let workers = workers::all(place)?;
    let mut tally = Tally::default();
    if filter.is_none() {
        tally += check::all(place, &workers);
    }
    if filter.is_none() {
        tally += rules::judge(place);
    }
    tally += counted("native tests", |step| native(place, filter, step));
    let compiled = typescript::compile(place, &tools);
    tally += counted("TypeScript tests", |step| typescript::tests(place, &tools, filter, step));
    for suite in &TOOLS {
        tally += counted(suite.folder, |step| suite.run(place, &tools, filter, step));
    }
    let mut built = build_all(place, &tools, &workers);
    built += compiled;
    built += example::build(place, &tools);
    built += Tally::of("build tools/bench/peer", |step| {
        bench::peer(place, &tools, step)?;
        Ok(String::new())
    });
    built += Tally::of("fault switches are only in test builds", |_| {
        build::build_with_faults(place, &tools, &workers)?;
        build::only_in_tests(place, &workers)
    });
    // A filter selects tests by name; the builds for them are not counted.
    tally += if filter.is_none() { built } else { Tally { passed: 0, ..built } };
    tally += counted("workerd tests", |step| WORKERD.run(place, &tools, filter, step));
    tally += browser::tests(place, &tools, filter);
    if filter.is_none() {
        tally += workers.iter().map(|worker| bundle(place, &tools, worker)).sum();
        tally += Tally::of("rehearse the deployment of a stage", |_| {
            deploy::rehearse_stage(place, &tools).map(|_| String::new())
        });
    }
    Ok(tally)
}

/// Runs a step that counts its tests itself.
fn counted(name: &str, run: impl FnOnce(&Step) -> Result<Tally>) -> Tally {
    counted_with(name, "", run)
}

/// The same. `more` is added to the closing line after the count.
fn counted_with(name: &str, more: &str, run: impl FnOnce(&Step) -> Result<Tally>) -> Tally {
    let step = Step::begin(name);
    match run(&step) {
        Ok(tally) if tally.failed == 0 => {
            step.done(&format!("{}{more}", tally.shown()));
            tally
        }
        Ok(tally) => {
            step.failed(&format!("{}{more}", tally.shown()));
            tally
        }
        Err(error) => {
            step.failed("failed");
            show::note(format!("{error:#}"));
            Tally::FAILED
        }
    }
}

/// The native tests.
fn native(place: &Place, filter: Option<&str>, step: &Step) -> Result<Tally> {
    let ran = Call::new("cargo")
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(filter)
        .dir(&place.root)
        .run(|line| step.say(line))?;
    let tally = Tally::of_cargo(ran.lines.iter().map(|(_, line)| line.as_str()));
    report(place, "native-tests", &ran)?;
    Ok(tally.or_failed(ran.success))
}

/// Builds every Worker and checks its size: one count each.
fn build_all(place: &Place, tools: &Tools, workers: &[Worker]) -> Tally {
    let build = |worker: &Worker| match build_one(place, tools, worker) {
        Ok(shown) => {
            show::note(shown);
            Tally::PASSED
        }
        Err(error) => {
            show::note(format!("{error:#}"));
            Tally::FAILED
        }
    };
    workers.iter().map(build).sum()
}

fn build_one(place: &Place, tools: &Tools, worker: &Worker) -> Result<String> {
    let one = std::slice::from_ref(worker);
    build::build(place, tools, one)?;
    let sizes = build::measure(place, one)?;
    build::within_budget(&sizes)?;
    let shown: Vec<String> = sizes.iter().map(build::WorkerSize::shown).collect();
    Ok(format!("✓ Worker {}", shown.join(", ")))
}

/// Wrangler's own bundling of a Worker, without a network, as for a deployment.
fn bundle(place: &Place, tools: &Tools, Worker { env }: &Worker) -> Tally {
    Tally::of(format!("wrangler deploy --dry-run --env {env}"), |step| {
        let out = tempfile::tempdir()
            .context("cannot make a temporary folder; check that TMPDIR has space")?;
        let ran = Call::new(tools.package("wrangler"))
            .args(["deploy", "--dry-run", "--config", "wrangler.toml", "--env", env.as_str()])
            .arg("--outdir")
            .arg(out.path())
            .dir(&place.root)
            .vars(tools.vars()?)
            .run(|line| step.say(line))?
            .ok("Fix that Worker's block in wrangler.toml, or its build.")?;
        if !out.path().join("index.js").is_file() {
            bail!("wrangler wrote no index.js for {env}; its output:\n{}", ran.tail());
        }
        Ok(String::new())
    })
}

/// Writes the output of a tool to a log, and shows what failed.
fn report(place: &Place, name: &str, ran: &Ran) -> Result<()> {
    let folder = place.scratch();
    let path = folder.join(format!("{name}.log"));
    let lines: Vec<&str> = ran.lines.iter().map(|(_, line)| line.as_str()).collect();
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, lines.join("\n"))).with_context(
        || format!("cannot write {}; check that you may write there", path.display()),
    )?;
    if !ran.success {
        show::note(failures(&lines));
        show::note(format!("the whole output: {}", path.display()));
    }
    Ok(())
}

/// The lines that name failures, and the last lines.
fn failures(lines: &[&str]) -> String {
    let telling = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("not ok ")
            || line.starts_with("error")
            || (line.starts_with("test ") && line.ends_with("FAILED"))
    };
    let mut shown: Vec<String> = lines.iter().filter(telling).map(|it| (*it).to_owned()).collect();
    shown.extend(
        lines.iter().skip(lines.len().saturating_sub(40)).map(|line| format!("    {line}")),
    );
    shown.join("\n")
}

/// The filter as a pattern that matches it literally.
fn escape(filter: &str) -> String {
    let mut pattern = String::new();
    for letter in filter.chars() {
        if !letter.is_alphanumeric() && letter != ' ' && letter != '_' && letter != '-' {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_matched_literally() {
        assert_eq!(escape("a_b (c)"), r"a_b \(c\)");
    }

    #[test]
    fn failures_come_first() {
        let lines = ["test a ... ok", "test b ... FAILED", "    not ok 3 - c", "end"];
        let shown = failures(&lines);
        assert!(shown.starts_with("test b ... FAILED\n    not ok 3 - c\n"), "{shown}");
    }
}
