//! The alert rules, judged by `promtool`, which comes with Prometheus.

use std::env;

use anyhow::Result;

use crate::call::Call;
use crate::metrics;
use crate::place::Place;
use crate::show::Step;
use crate::tally::Tally;

const LACKING: &str = "If promtool is missing, install Prometheus (`apt-get install \
    --no-install-recommends prometheus`), or name it in PROMTOOL_BIN. Else mend the rules in \
    tools/xtask/src/metrics/alerts, and run `cargo xtask metrics`.";

/// Checks the rules, and runs each file of their tests: one count each.
pub(super) fn judge(place: &Place) -> Tally {
    let checked = Tally::of("promtool check rules", |step| {
        promtool(place, step, &["check", "rules", "--lint-fatal"], metrics::RULES)
    });
    let tested = metrics::rule_tests().map(|name| {
        Tally::of(format!("promtool test rules {name}"), |step| {
            promtool(place, step, &["test", "rules"], name)
        })
    });
    [checked].into_iter().chain(tested).sum()
}

fn promtool(place: &Place, step: &Step, args: &[&str], file: &str) -> Result<String> {
    let program = env::var_os("PROMTOOL_BIN").filter(|it| !it.is_empty());
    Call::new(program.unwrap_or_else(|| "promtool".into()))
        .args(args)
        .arg(file)
        .dir(&place.root.join(metrics::ALERTS))
        .run(|line| step.say(line))
        .and_then(|ran| ran.ok(LACKING))?;
    Ok(String::new())
}
