//! Executes a plan, step by step, until one fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::config::DeployConfig;
use super::plan::{DeployPlan, DeployStep};
use super::wrangler::{CommandOutput, Wrangler, WranglerCommands};
use super::{edit, observed};

/// What was done, for the report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DeployResult {
    /// Addresses under workers.dev that wrangler printed, by environment.
    pub(super) addresses: BTreeMap<String, String>,
    /// Whether the file was changed.
    pub(super) is_noted: bool,
}

/// Executes `plan`. The file of the configuration is in `root`.
///
/// # Errors
/// At the first step that fails: the step, its output, and the next step. A later run finds what
/// was done and continues from there.
pub(super) fn execute(
    plan: &DeployPlan,
    config: &DeployConfig,
    root: &Path,
    commands: &WranglerCommands,
    wrangler: &mut dyn Wrangler,
) -> Result<DeployResult> {
    let mut done = DeployResult::default();
    let count = plan.0.len();
    for (index, planned) in plan.0.iter().enumerate() {
        let name = format!("{}/{count} {}", index + 1, planned.step.shown(config));
        wrangler.begin(&name);
        let mut one = Execution { config, root, commands, wrangler };
        let detail = one.run(&planned.step, &mut done).map_err(|error| {
            anyhow!(
                "{error:#}\nStopped at step {name}. Run the same command again after the fix: \
                 it finds what is done."
            )
        })?;
        wrangler.end(&detail);
    }
    Ok(done)
}

struct Execution<'a> {
    config: &'a DeployConfig,
    root: &'a Path,
    commands: &'a WranglerCommands,
    wrangler: &'a mut dyn Wrangler,
}

impl Execution<'_> {
    /// Executes one step, and returns a detail to show.
    fn run(&mut self, step: &DeployStep, done: &mut DeployResult) -> Result<String> {
        if let DeployStep::WriteDatabaseId { name, id } = step {
            let id = match id {
                Some(id) => id.clone(),
                None => self.look_up(name)?,
            };
            self.write_database_id(&id)?;
            done.is_noted = true;
            return Ok(id);
        }
        let Some(command) = step.command(self.commands) else { return Ok(String::new()) };
        let said: CommandOutput = self.wrangler.run(&command)?;
        let out = said.ok(&command, step.next())?;
        match step {
            DeployStep::Migrate { .. } if out.contains("No migrations to apply") => {
                Ok("none to apply".to_owned())
            }
            DeployStep::Deploy { env } => {
                let found = self.config.workers.iter().find(|worker| worker.env == *env);
                let address = found.and_then(|worker| workers_dev(&out, &worker.name));
                done.addresses.extend(address.iter().map(|it| (env.clone(), it.clone())));
                Ok(address.unwrap_or_default())
            }
            DeployStep::CreateQueue(_)
            | DeployStep::RetainQueue(_)
            | DeployStep::CreateDatabase(_)
            | DeployStep::WriteDatabaseId { .. }
            | DeployStep::Migrate { .. } => Ok(String::new()),
        }
    }

    fn look_up(&mut self, name: &str) -> Result<String> {
        let mut found = observed::databases(self.commands, self.wrangler)?;
        found.remove(name).with_context(|| {
            format!(
                "the database `{name}` was made, but is not listed yet; run this again in a moment"
            )
        })
    }

    fn write_database_id(&self, id: &str) -> Result<()> {
        let file = &self.config.file;
        let path = self.root.join(file);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {file}; restore it from git"))?;
        fs::write(&path, edit::database_id(&text, id)?).with_context(|| {
            format!("cannot write {file}; write database_id = \"{id}\" into it by hand")
        })
    }
}

/// The address of the Worker under workers.dev, from wrangler's output.
fn workers_dev(out: &str, name: &str) -> Option<String> {
    let begins = format!("https://{name}.");
    let mut words = out.split_whitespace();
    let found = words.find(|it| it.starts_with(&begins) && it.ends_with(".workers.dev"))?;
    Some(found.to_owned())
}
