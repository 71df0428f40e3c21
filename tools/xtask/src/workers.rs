//! The Workers of the root's `wrangler.toml`. A Worker that is added there is built,
//! checked, tested and started without a change here.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::place::Place;

/// One Worker: an environment of `wrangler.toml` and the crate that it is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worker {
    /// The name of the environment and of the crate's folder.
    pub(crate) env: String,
}

impl Worker {
    /// The name of the crate, for cargo. A crate that others publish is called `console`.
    pub(crate) fn package(&self) -> &str {
        if self.env == "console" { "rolecall-console" } else { &self.env }
    }
}

#[derive(Deserialize)]
struct WranglerEnvs {
    env: BTreeMap<String, WorkerEntry>,
}

#[derive(Deserialize)]
struct WorkerEntry {
    main: String,
}

/// All Workers, in the order of their names.
///
/// # Errors
/// When `wrangler.toml` cannot be read, or a block's `main` is not where `worker-build` puts it.
pub(crate) fn all(place: &Place) -> Result<Vec<Worker>> {
    let path = place.root.join("wrangler.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    parse(&text).context("wrangler.toml is not as expected; correct it")
}

/// The named Worker, or all of them.
///
/// # Errors
/// As [`all`], and when there is no Worker of that name.
pub(crate) fn pick(place: &Place, name: Option<&str>) -> Result<Vec<Worker>> {
    let all = all(place)?;
    let Some(name) = name else { return Ok(all) };
    let known: Vec<&str> = all.iter().map(|worker| worker.env.as_str()).collect();
    let known = known.join(", ");
    match all.into_iter().find(|worker| worker.env == name) {
        Some(worker) => Ok(vec![worker]),
        None => bail!("wrangler.toml has no Worker `{name}`; choose one of: {known}"),
    }
}

fn parse(text: &str) -> Result<Vec<Worker>> {
    // The parser's own message shows the line, which may contain a secret.
    let config: WranglerEnvs =
        toml::from_str(text).map_err(|error| anyhow!("{}", error.message().to_owned()))?;
    let mut workers = Vec::new();
    for (env, block) in config.env {
        let want = format!("{env}/build/index.js");
        if block.main != want {
            bail!("[env.{env}] has main = \"{}\"; set it to \"{want}\"", block.main);
        }
        workers.push(Worker { env });
    }
    Ok(workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_is_one_worker() {
        let text = "[env.b]\nmain = \"b/build/index.js\"\n[env.a]\nmain = \"a/build/index.js\"";
        let names: Vec<String> = parse(text).unwrap().into_iter().map(|w| w.env).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn an_error_does_not_show_the_line() {
        let error = parse("[env.a.vars]\nCLERK_WEBHOOK_SECRET = whsec_MfKQ").unwrap_err();
        assert!(!format!("{error:#}").contains("MfKQ"), "{error:#}");
    }

    #[test]
    fn another_main_is_refused() {
        let error = parse("[env.a]\nmain = \"a/index.js\"").unwrap_err();
        assert!(error.to_string().contains("set it to \"a/build/index.js\""));
    }
}
