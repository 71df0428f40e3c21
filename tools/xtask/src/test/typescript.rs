//! The package for TypeScript apps: its types, its build and its tests.

use anyhow::Result;

use super::{escape, report};
use crate::call::Call;
use crate::place::Place;
use crate::setup::Tools;
use crate::show::Step;
use crate::tally::Tally;

const PACKAGE: &str = "packages/guard";

/// Each is compiled strictly. The last one writes what an app imports.
const PROJECTS: [&str; 3] = ["tsconfig.test.json", "tsconfig.workers.json", "tsconfig.json"];

/// Compiles the package: one count for each project.
pub(super) fn compile(place: &Place, tools: &Tools) -> Tally {
    let compile = |project| {
        Tally::of(format!("tsc {PACKAGE}/{project}"), |step| {
            Call::new(&tools.node)
                .args(["node_modules/typescript/bin/tsc", "--project"])
                .arg(format!("{PACKAGE}/{project}"))
                .dir(&place.root)
                .run(|line| step.say(line))?
                .ok("Fix the types that the compiler names.")?;
            Ok(String::new())
        })
    };
    PROJECTS.into_iter().map(compile).sum()
}

/// The tests of the package, which need no Worker. One compiles each TypeScript block of the docs.
pub(super) fn tests(
    place: &Place,
    tools: &Tools,
    filter: Option<&str>,
    step: &Step,
) -> Result<Tally> {
    let pattern = filter.map(|filter| format!("--test-name-pattern={}", escape(filter)));
    let ran = Call::new(&tools.node)
        .args(["--test", "--test-reporter=tap"])
        .args(pattern)
        .arg(format!("{PACKAGE}/test/*.test.ts"))
        .dir(&place.root)
        .run(|line| step.say(line))?;
    let tally = Tally::of_tap(ran.lines.iter().map(|(_, line)| line.as_str()));
    report(place, "typescript-tests", &ran)?;
    Ok(tally.or_failed(ran.success))
}
