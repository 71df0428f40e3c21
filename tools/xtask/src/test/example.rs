//! The example app: its build, which the workerd tests use, and its types.

use anyhow::Result;

use crate::call::Call;
use crate::dev::example;
use crate::place::Place;
use crate::setup::Tools;
use crate::show::Step;
use crate::tally::Tally;

/// Builds it, and checks its types: one count each.
pub(super) fn build(place: &Place, tools: &Tools) -> Tally {
    let folder = example::FOLDER;
    let built = Tally::of(format!("build {folder}"), |_| {
        example::build(place, tools)?;
        Ok(String::new())
    });
    let checked = Tally::of(format!("tsc {folder}"), |step| check(place, tools, step));
    [built, checked].into_iter().sum()
}

fn check(place: &Place, tools: &Tools, step: &Step) -> Result<String> {
    // React Router first generates the types of its routes, which the compiler reads.
    for (script, args) in
        [("@react-router/dev/bin.js", &["typegen"][..]), ("typescript/bin/tsc", &[])]
    {
        Call::new(&tools.node)
            .arg(place.root.join("node_modules").join(script))
            .args(args)
            .dir(&place.root.join(example::FOLDER))
            .vars(tools.vars()?)
            .run(|line| step.say(line))?
            .ok("Fix the types that are named above.")?;
    }
    Ok(String::new())
}
