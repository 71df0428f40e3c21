//! `cargo xtask bench [NAME…]`: ours, the tutorial's own way and a lower bound, side by side in one
//! workerd. `tools/bench/README.md` says what is measured and how.

use anyhow::{Result, bail};

use crate::call::{Call, Ran};
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show::{self, Step};
use crate::{build, workers};

/// The script that runs one row, or lists them if no name is given.
const RUNNER: &str = "tools/bench/run.mjs";

const PEER: &str = "tools/bench/peer";

/// The prefix of the line of a row that other programs read.
const LINE: &str = "bench: ";

/// Runs the named rows, or all, one after the other. The last output is a line for each.
///
/// # Errors
/// When something cannot be built or a row cannot be measured. A figure that is not reached is a
/// result, and is in its line.
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
            bail!("{RUNNER} {name} printed no result; its output:\n{}", ran.tail());
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

/// Checks the types of the peer Worker and bundles it into one module.
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

/// The named rows, in their order; all if none is named.
fn chosen(all: Vec<String>, names: &[String]) -> Result<Vec<String>> {
    if let Some(name) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no bench `{name}`; choose one of: {}", all.join(", "));
    }
    Ok(if names.is_empty() { all } else { names.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_chosen_by_name() {
        let all = || vec!["guard".to_owned(), "door".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["door".to_owned()]).unwrap(), ["door"]);
        let error = chosen(all(), &["dor".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("choose one of: guard, door"), "{error}");
    }
}
