//! What the dependencies may be, `deny.toml`, and what is known against them.
//!
//! Advisories need a database from outside. Where none can be had the step says so and passes: it
//! is a fact about the network, not about the code.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::call::{Call, Ran};
use crate::place::Place;
use crate::setup;
use crate::show::Step;
use crate::tally::Tally;

/// What a step says that found no database.
const NO_DATABASE: &str = "NOT CHECKED: no database of advisories can be had here";

/// What cargo-deny says when the database can be neither fetched nor found.
const NOT_FETCHED: [&str; 3] = [
    "failed to fetch advisory database",
    "failed to load advisory database",
    "failed to get 'FETCH_HEAD' metadata",
];

/// Each check counts as one.
pub(super) fn all(place: &Place) -> Tally {
    [
        Tally::of("licences, bans and sources of crates", |step| licences(place, step)),
        Tally::of("advisories on crates", |step| crates(place, step)),
        Tally::of("advisories on npm packages", |step| packages(place, step)),
    ]
    .into_iter()
    .sum()
}

fn licences(place: &Place, step: &Step) -> Result<String> {
    let checks = ["bans", "licenses", "sources"];
    let ran = deny(place, step, &["--offline"], &checks)?;
    ran.ok("Choose another dependency, or say in deny.toml why this one may stay.")?;
    Ok(String::new())
}

fn crates(place: &Place, step: &Step) -> Result<String> {
    let mut ran = deny(place, step, &[], &["advisories"])?;
    if lacks_database(&ran) {
        // A copy that was fetched before, or put there by hand, serves as well.
        ran = deny(place, step, &["--offline"], &["advisories"])?;
    }
    if lacks_database(&ran) {
        return Ok(NO_DATABASE.into());
    }
    ran.ok("Update the crate, or say in deny.toml why the advisory does not concern us.")?;
    Ok(String::new())
}

fn deny(place: &Place, step: &Step, before: &[&str], checks: &[&str]) -> Result<Ran> {
    let program = setup::cargo_deny(place)?;
    Call::new(program)
        .args(before)
        .args(["--locked", "check"])
        .args(checks)
        .dir(&place.root)
        .run(|line| step.say(line))
}

fn lacks_database(ran: &Ran) -> bool {
    let says = |line: &str| NOT_FETCHED.iter().any(|text| line.contains(text));
    !ran.success && ran.lines.iter().any(|(_, line)| says(line))
}

/// What `npm audit --json` says.
#[derive(Deserialize)]
struct Audit {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    vulnerabilities: Found,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Found {
    high: u64,
    critical: u64,
}

fn packages(place: &Place, step: &Step) -> Result<String> {
    let ran = Call::new("npm")
        .args(["audit", "--json", "--package-lock-only"])
        .dir(&place.root)
        .run(|line| step.say(line))?;
    match found(&ran.out())? {
        None => Ok(NO_DATABASE.into()),
        Some(Found { high: 0, critical: 0 }) => Ok(String::new()),
        Some(Found { high, critical }) => bail!(
            "{critical} critical and {high} high advisories; `npm audit` names them: update those \
             packages in package.json, then run `npm install --package-lock-only`"
        ),
    }
}

/// What was found, or `None` where the registry answers no audit.
fn found(json: &str) -> Result<Option<Found>> {
    let audit: Audit = serde_json::from_str(json)
        .context("npm audit printed no JSON; does `npm --version` work in the clone?")?;
    Ok(audit.metadata.map(|metadata| metadata.vulnerabilities))
}

#[cfg(test)]
mod tests {
    use super::{Found, found};

    #[test]
    fn an_audit_that_the_registry_does_not_answer_found_nothing_out() {
        let refused = r#"{"message": "405 Method Not Allowed", "method": "POST"}"#;
        assert_eq!(found(refused).unwrap(), None);
        let unreachable = r#"{"error": {"code": "ENOTFOUND", "summary": ""}}"#;
        assert_eq!(found(unreachable).unwrap(), None);
        found("npm error").unwrap_err();
    }

    #[test]
    fn high_and_critical_advisories_count() {
        let json = r#"{"auditReportVersion": 2, "metadata": {"vulnerabilities":
            {"info": 0, "low": 3, "moderate": 1, "high": 2, "critical": 1, "total": 7}}}"#;
        assert_eq!(found(json).unwrap(), Some(Found { high: 2, critical: 1 }));
    }
}
