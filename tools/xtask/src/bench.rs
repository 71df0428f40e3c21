//! `cargo xtask bench [NAME…]`: ours, the tutorial's own way and a floor, side by side in one
//! workerd. What is measured and how says `tools/bench/README.md`.

use anyhow::{Result, bail};

use crate::call::{Call, Ran};
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show::{self, Step};
use crate::{build, workers};

/// What runs one row, `node tools/bench/run.mjs NAME`, or lists them, without a name.
const RUNNER: &str = "tools/bench/run.mjs";

const PEER: &str = "tools/bench/peer";

/// Each row's line for other programs begins so.
const LINE: &str = "bench: ";

/// Runs the rows that are named, or all, each for itself; ends with a line for each.
///
/// # Errors
/// When something cannot be built or a row cannot be measured. That a figure is not reached is a
/// finding, and is said in its line.
pub(crate) fn run(place: &Place, names: &[String]) -> Result<()> {
    let tools = setup::ensure(place)?;
    build::build(place, &tools, &workers::all(place)?)?;
    let step = Step::begin("build tools/bench/peer");
    peer(place, &tools, &step)?;
    step.done("");
    let mut lines = Vec::new();
    for name in chosen(rows(place, &tools)?, names)? {
        let step = Step::begin(format!("bench {name}"));
        let ran = runner(place, &tools, Some(&name), &step)?
            .ok("Fix what is named above, then run that bench again.")?;
        let out = ran.out();
        let (for_programs, for_people): (Vec<&str>, Vec<&str>) =
            out.lines().partition(|line| line.starts_with(LINE));
        if for_programs.len() != 1 {
            bail!("{RUNNER} {name} ended without its line:\n{}", ran.tail());
        }
        step.done("");
        for line in for_people {
            show::note(line);
        }
        lines.extend(for_programs.into_iter().map(str::to_owned));
    }
    for line in lines {
        show::line(line);
    }
    Ok(())
}

/// Checks the peer's types and bundles it into one module.
///
/// # Errors
/// When it does not compile.
pub(crate) fn peer(place: &Place, tools: &Tools, step: &Step) -> Result<()> {
    Call::new(&tools.node)
        .args(["node_modules/typescript/bin/tsc", "--project", PEER])
        .dir(&place.root)
        .run(|line| step.say(line))?
        .ok("Fix the types that the compiler names.")?;
    Call::new(tools.package("esbuild"))
        .args(["tools/bench/peer/src/worker.ts", "--bundle", "--minify", "--format=esm"])
        .args(["--target=es2022", "--platform=neutral", "--main-fields=module,main"])
        .args(["--conditions=workerd,worker", "--outfile=tools/bench/build/peer.js"])
        .dir(&place.root)
        .vars(tools.vars()?)
        .run(|line| step.say(line))?
        .ok("Fix what the bundler names.")?;
    Ok(())
}

fn rows(place: &Place, tools: &Tools) -> Result<Vec<String>> {
    let step = Step::begin("list the benches");
    let ran = runner(place, tools, None, &step)?.ok("Fix what is named above.")?;
    step.done("");
    Ok(ran.out().lines().map(str::to_owned).collect())
}

fn runner(place: &Place, tools: &Tools, name: Option<&str>, step: &Step) -> Result<Ran> {
    Call::new(&tools.node)
        .arg(RUNNER)
        .args(name)
        .dir(&place.root)
        .vars(tools.vars()?)
        .run(|line| step.say(line))
}

/// The named ones, in their order; all of them when none is named.
fn chosen(all: Vec<String>, names: &[String]) -> Result<Vec<String>> {
    if let Some(name) = names.iter().find(|name| !all.contains(name)) {
        bail!("no bench is called `{name}`; there are {}", all.join(", "));
    }
    Ok(if names.is_empty() { all } else { names.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_chosen_by_its_name() {
        let all = || vec!["guard".to_owned(), "door".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["door".to_owned()]).unwrap(), ["door"]);
        let error = chosen(all(), &["dor".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("there are guard, door"), "{error}");
    }
}
