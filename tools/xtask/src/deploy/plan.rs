//! Decides what a deployment has to do, from what is wanted and what is there. Does no I/O.

use anyhow::{Result, bail};

use super::config::{DeployConfig, DeployDatabase};
use super::console;
use super::observed::AccountState;
use super::wrangler::{WranglerCommand, WranglerCommands};

/// Steps in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeployPlan(pub(super) Vec<PlannedStep>);

/// A step, and when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedStep {
    /// What to do.
    pub(super) step: DeployStep,
    /// When it is done.
    pub(super) when: StepCondition,
}

/// When a step is done. Only a plan without the state of the account has conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepCondition {
    /// Always.
    Always,
    /// If it does not exist yet.
    IfMissing,
    /// If it already exists.
    IfPresent,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeployStep {
    /// Make a queue.
    CreateQueue(String),
    /// Set the retention of an existing queue; wrangler does not show it.
    RetainQueue(String),
    /// Make the database.
    CreateDatabase(String),
    /// Write the id of the database into the file; read it first if it is not known yet.
    WriteDatabaseId { name: String, id: Option<String> },
    /// Apply the migrations that are not applied yet.
    Migrate { name: String, env: String },
    /// Upload a Worker and send all traffic to it.
    Deploy { env: String },
}

/// The plan for an account with the state `observed`, or for an unknown state.
///
/// Queues and database come first, because Workers bind to them. Then come the migrations, which
/// only extend the schema of the deployed Workers, then the Workers.
///
/// # Errors
/// When the file names another database than the account has, or a variable that is a secret, or
/// nobody could enter the console.
pub(super) fn plan(config: &DeployConfig, observed: Option<&AccountState>) -> Result<DeployPlan> {
    if let Some(observed) = observed {
        no_variable_is_a_secret(config, observed)?;
        console::refuse_closed(config, observed)?;
    }
    let mut steps = Vec::new();
    for queue in &config.queues {
        steps.extend(queue_steps(queue, observed));
    }
    if let Some(database) = &config.database {
        steps.extend(database_steps(config, database, observed)?);
        let DeployDatabase { name, env, .. } = database.clone();
        steps.push(always(DeployStep::Migrate { name, env }));
    }
    let deploys =
        config.workers.iter().map(|worker| DeployStep::Deploy { env: worker.env.clone() });
    steps.extend(deploys.map(always));
    Ok(DeployPlan(steps))
}

impl DeployStep {
    /// The step, for people.
    pub(super) fn shown(&self, config: &DeployConfig) -> String {
        match self {
            Self::CreateQueue(name) => format!("make the queue {name}"),
            Self::RetainQueue(name) => format!("let the queue {name} keep messages for 14 days"),
            Self::CreateDatabase(name) => format!("make the database {name}"),
            Self::WriteDatabaseId { id: Some(id), .. } => {
                format!("write database_id = \"{id}\" into {}", config.file)
            }
            Self::WriteDatabaseId { id: None, .. } => {
                format!("write the database's id into {}", config.file)
            }
            Self::Migrate { name, .. } => format!("apply migrations to {name}"),
            Self::Deploy { env } => format!("deploy {env}"),
        }
    }

    /// The command of the step; `None` if it only changes a file.
    pub(super) fn command(&self, commands: &WranglerCommands) -> Option<WranglerCommand> {
        Some(match self {
            Self::CreateQueue(name) => commands.create_queue(name),
            Self::RetainQueue(name) => commands.retain_queue(name),
            Self::CreateDatabase(name) => commands.create_database(name),
            Self::WriteDatabaseId { id: Some(_), .. } => return None,
            Self::WriteDatabaseId { id: None, .. } => commands.list_databases(),
            Self::Migrate { name, env } => commands.migrate(name, env),
            Self::Deploy { env } => commands.deploy(env),
        })
    }

    /// The next step after a failure.
    pub(super) fn next(&self) -> &'static str {
        match self {
            Self::CreateQueue(_) | Self::RetainQueue(_) => {
                "Retention of 14 days needs the Workers Paid plan; else fix what wrangler names."
            }
            Self::CreateDatabase(_) | Self::WriteDatabaseId { .. } => "Fix what wrangler names.",
            Self::Migrate { .. } => {
                "A migration that failed was rolled back. Those before it stay, and do not affect \
                 the deployed Workers. If a name is taken, see migrations/README.md."
            }
            Self::Deploy { .. } => {
                "The Workers before this one are deployed, those after it are unchanged; \
                 docs/deploy.md says how to roll back. If someone changed the Worker in the \
                 dashboard, make the same change in the file, or run that command by hand without \
                 --strict to overwrite it."
            }
        }
    }
}

/// Wrangler refuses a Worker if a variable, a blank one too, would replace a secret. By then
/// the Workers before it would be deployed.
fn no_variable_is_a_secret(config: &DeployConfig, observed: &AccountState) -> Result<()> {
    for worker in &config.workers {
        let Some(secrets) = observed.secrets.get(&worker.env) else { continue };
        let both: Vec<&str> = worker.listed.intersection(secrets).map(String::as_str).collect();
        if !both.is_empty() {
            bail!(
                "{} is set as a secret, and {} has a variable of that name, blank or not, which \
                 wrangler refuses; take its line out of [env.{}]",
                both.join(", "),
                config.file,
                worker.env
            );
        }
    }
    Ok(())
}

fn always(step: DeployStep) -> PlannedStep {
    PlannedStep { step, when: StepCondition::Always }
}

fn queue_steps(name: &str, observed: Option<&AccountState>) -> Vec<PlannedStep> {
    let create = DeployStep::CreateQueue(name.to_owned());
    let retain = DeployStep::RetainQueue(name.to_owned());
    match observed {
        Some(observed) if observed.queues.contains(name) => vec![always(retain)],
        Some(_) => vec![always(create)],
        None => vec![
            PlannedStep { step: create, when: StepCondition::IfMissing },
            PlannedStep { step: retain, when: StepCondition::IfPresent },
        ],
    }
}

fn database_steps(
    config: &DeployConfig,
    DeployDatabase { name, id, .. }: &DeployDatabase,
    observed: Option<&AccountState>,
) -> Result<Vec<PlannedStep>> {
    let create = DeployStep::CreateDatabase(name.clone());
    let note =
        |id: Option<&String>| DeployStep::WriteDatabaseId { name: name.clone(), id: id.cloned() };
    let Some(observed) = observed else {
        let in_doubt = PlannedStep { step: create, when: StepCondition::IfMissing };
        return Ok(if id.is_some() { Vec::new() } else { vec![in_doubt, always(note(None))] });
    };
    match (id, observed.databases.get(name)) {
        (Some(id), Some(found)) if id == found => Ok(Vec::new()),
        (Some(id), Some(found)) => bail!(
            "{} has database_id = \"{id}\", but the database `{name}` of the account is {found}; \
             write that one, or another database_name",
            config.file
        ),
        (Some(id), None) => bail!(
            "the account has no database `{name}`, but {} has database_id = \"{id}\"; log in to \
             the account that has it, or write database_id = \"{name}\" to have one made",
            config.file
        ),
        (None, Some(found)) => Ok(vec![always(note(Some(found)))]),
        (None, None) => Ok(vec![always(create), always(note(None))]),
    }
}
