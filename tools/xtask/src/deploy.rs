//! `cargo xtask deploy`: deploys everything to Cloudflare in the right order. It can be repeated.
//!
//! `wrangler.toml` says what is wanted ([`config`]), wrangler says what is there
//! ([`observed`]), [`plan`] decides what to do and [`execute`] does it. The rest must be done
//! by hand ([`manual_steps`]).

mod config;
mod console;
mod edit;
mod execute;
mod manual_steps;
mod observed;
mod plan;
mod stage;
mod wrangler;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, IsTerminal};

use anyhow::{Context, Result, bail};

use self::config::DeployConfig;
use self::execute::DeployResult;
use self::observed::{AccountState, CloudflareAccount};
use self::plan::{DeployPlan, StepCondition};
use self::stage::DeployStage;
use self::wrangler::{PinnedWrangler, Wrangler, WranglerCommands};
use crate::call::Call;
use crate::place::Place;
use crate::setup::{self, Tools};
use crate::show;
use crate::{build, workers};

/// What to deploy, and how far to go.
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    /// Deploy a second set of everything, by `wrangler.NAME.toml`.
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Write the file of the stage from `wrangler.toml`, and do nothing else.
    #[arg(long, requires = "stage", conflicts_with_all = ["dry_run", "yes"])]
    init: bool,
    /// Check, build and bundle on this machine and show the plan; send nothing to Cloudflare.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask before changing anything at Cloudflare.
    #[arg(long)]
    yes: bool,
}

/// Deploys, or shows what a deployment would do.
///
/// # Errors
/// At the first failure: the command, its output, and the next step.
pub(crate) fn run(place: &Place, args: &DeployArgs) -> Result<()> {
    let stage = args.stage.as_deref().map(DeployStage::parse).transpose()?;
    if let (true, Some(stage)) = (args.init, &stage) {
        show::line(stage::init(place, stage)?);
        return Ok(());
    }
    let config = stage::load(place, stage.as_ref())?;
    let commands = WranglerCommands { file: config.file.clone(), revision: revision(place) };
    let tools = setup::ensure(place)?;
    let mut wrangler = PinnedWrangler::new(place, &tools);
    prepare(place, &tools, &config)?;
    bundle(&config, &commands, &mut wrangler)?;
    if args.dry_run {
        show::line(rehearse(&config, &commands)?);
        return Ok(());
    }
    let named = std::env::var("CLOUDFLARE_ACCOUNT_ID").ok().filter(|id| !id.is_empty());
    let named = config.account.clone().or(named);
    let account = observed::account(named.as_deref(), &mut wrangler)?;
    wrangler.act_on(&account.id);
    let observed = observed::observe(&config, &commands, &mut wrangler)?;
    let plan = plan::plan(&config, Some(&observed))?;
    show::line(shown(&plan, &config, &commands));
    if !args.yes {
        confirm(&config, &account)?;
    }
    let done = execute::execute(&plan, &config, &place.root, &commands, &mut wrangler)?;
    show::line(report(&config, &commands, &observed, &done));
    Ok(())
}

/// Makes a stage's file and its plan with the real wrangler, without a network. Leaves no file.
///
/// # Errors
/// When the file cannot be made, or wrangler refuses a block of it.
pub(crate) fn rehearse_stage(place: &Place, tools: &Tools) -> Result<String> {
    let mut file = tempfile::Builder::new();
    let file = file.prefix("wrangler.").suffix(".toml").tempfile_in(&place.root);
    let file = file.context("cannot write into the clone; check that you may write there")?;
    let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = stage::form(&stage::root_text(place)?, &DeployStage::parse("rehearsal")?)?;
    fs::write(file.path(), &text)
        .context("cannot write into the clone; check that the disk has space")?;
    let config = DeployConfig::parse(&name, &text)?;
    let commands = WranglerCommands { file: name, revision: None };
    bundle(&config, &commands, &mut PinnedWrangler::new(place, tools))?;
    rehearse(&config, &commands)
}

/// Builds everything before anything is changed: a Worker that does not compile must not
/// leave an incomplete deployment.
fn prepare(place: &Place, tools: &Tools, config: &DeployConfig) -> Result<()> {
    for worker in &config.workers {
        let built = workers::pick(place, Some(&worker.env))
            .with_context(|| format!("{} has [env.{}]", config.file, worker.env))?;
        build::build(place, tools, &built)?;
        build::within_budget(&build::measure(place, &built)?)?;
    }
    Ok(())
}

/// Runs wrangler's own checks of each block, which need no network.
fn bundle(
    config: &DeployConfig,
    commands: &WranglerCommands,
    wrangler: &mut dyn Wrangler,
) -> Result<()> {
    for worker in &config.workers {
        wrangler.begin(&format!("bundle {}", worker.env));
        let out = tempfile::tempdir()
            .context("cannot make a temporary folder; check that TMPDIR has space")?;
        let command = commands.bundle(&worker.env, &out.path().to_string_lossy());
        let next = format!("Fix [env.{}] in {}, or its build.", worker.env, config.file);
        wrangler.run(&command)?.ok(&command, &next)?;
        wrangler.end("");
    }
    Ok(())
}

/// The plan without any request to Cloudflare, and what is not known then.
fn rehearse(config: &DeployConfig, commands: &WranglerCommands) -> Result<String> {
    let plan = plan::plan(config, None)?;
    let left = manual_steps::left(config, commands, None, &BTreeMap::new());
    Ok(format!(
        "{}\n\nNothing was asked of Cloudflare. Not known: who is logged in, and whether the \
         account is the right one; which queues, which database and which secrets are there; \
         which migrations are new; whether a Worker was changed in the dashboard.\n\n{}",
        shown(&plan, config, commands),
        list("Left to do by hand, unless it is done:", &left)
    ))
}

fn shown(plan: &DeployPlan, config: &DeployConfig, commands: &WranglerCommands) -> String {
    let lines = plan.0.iter().enumerate().map(|(index, planned)| {
        let when = match planned.when {
            StepCondition::Always => "",
            StepCondition::IfMissing => ", unless it is there",
            StepCondition::IfPresent => ", if it is there",
        };
        let what = format!("{:>3}. {}{when}", index + 1, planned.step.shown(config));
        match planned.step.command(commands) {
            Some(command) => format!("{what}\n       {}", command.shown()),
            None => what,
        }
    });
    let lines: Vec<String> = lines.collect();
    format!("The plan, by {}:\n{}", config.file, lines.join("\n"))
}

fn confirm(config: &DeployConfig, account: &CloudflareAccount) -> Result<()> {
    let domains = manual_steps::domains(config);
    if !domains.is_empty() {
        show::note(format!(
            "These hosts will lead to the new Workers, and no longer to what they lead to now: {}",
            domains.join(", ")
        ));
    }
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to confirm it; look at the plan, then add --yes");
    }
    show::note(format!("Do this in the account {}? [y/N]", account.shown()));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer; add --yes")?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("not confirmed: nothing was changed; run it again to deploy");
    }
    Ok(())
}

fn report(
    config: &DeployConfig,
    commands: &WranglerCommands,
    observed: &AccountState,
    done: &DeployResult,
) -> String {
    let names: Vec<&str> = config.workers.iter().map(|worker| worker.name.as_str()).collect();
    let noted = if done.is_noted {
        format!("\n{} has the database's id from here on; commit it.", config.file)
    } else {
        String::new()
    };
    let left = manual_steps::left(config, commands, Some(observed), &done.addresses);
    format!("Deployed {}.{noted}\n\n{}", names.join(", "), list("Left to do by hand:", &left))
}

fn list(head: &str, items: &[String]) -> String {
    if items.is_empty() {
        return "Nothing is left to do by hand.".to_owned();
    }
    let items: Vec<String> = items.iter().map(|item| format!("  - {item}")).collect();
    format!("{head}\n{}", items.join("\n"))
}

/// The git revision of the clone, if it is one.
fn revision(place: &Place) -> Option<String> {
    let call = Call::new("git").args(["describe", "--always", "--dirty"]).dir(&place.root);
    let text = call.run_and_read("").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
