//! The operators' console: it is never deployed closed, and what a person has to do for it.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::config::{CONSOLE, DeployConfig, DeployWorker};
use super::observed::AccountState;
use super::wrangler::WranglerCommands;

/// Both are needed for Cloudflare Access.
const ACCESS: [&str; 2] = ["ACCESS_TEAM_DOMAIN", "ACCESS_AUD"];

/// The secret that opens it without Access: for the program `rolecall`.
const TOKEN: &str = "OPERATOR_TOKEN";

/// The secret that opens its metrics alone.
const METRICS: &str = "METRICS_TOKEN";

/// How an application of Access is made.
const ACCESS_GUIDE: &str = "https://developers.cloudflare.com/cloudflare-one/access-controls/\
                            applications/http-apps/self-hosted-public-app/";

/// Refuses to deploy a console that nobody could enter.
///
/// # Errors
/// When neither Access nor a token is set.
pub(super) fn refuse_closed(config: &DeployConfig, observed: &AccountState) -> Result<()> {
    let Some(worker) = console(config) else { return Ok(()) };
    if has_access(worker) || has_secret(observed, TOKEN) {
        return Ok(());
    }
    bail!(
        "the console would be closed to everybody: [env.{CONSOLE}] of {file} sets neither {} nor \
         is the secret {TOKEN} there. Either protect it by Cloudflare Access ({ACCESS_GUIDE}) and \
         write the two variables, or set a token of at least 32 random bytes with `npx wrangler \
         secret put {TOKEN} --env {CONSOLE} --config {file}`, or take [env.{CONSOLE}] out of the \
         file. docs/deploy.md, \"The console\", has each step",
        ACCESS.join(" and "),
        file = config.file,
    )
}

/// What a person has to do for the console, in order. If nothing was `observed`, no secret counts
/// as set. The secrets are optional beside Access: they are told once, before the first deployment.
pub(super) fn left(
    config: &DeployConfig,
    commands: &WranglerCommands,
    observed: Option<&AccountState>,
) -> Vec<String> {
    let Some(worker) = console(config) else { return Vec::new() };
    let is_set = |name| observed.is_some_and(|observed| has_secret(observed, name));
    let put = |name| commands.put_secret(name, CONSOLE).shown();
    let mut left = Vec::new();
    if !has_access(worker) {
        let host = worker.routes.first().map_or("the console's host", |it| it.pattern.as_str());
        left.push(format!(
            "Protect {host} by Cloudflare Access: add a self-hosted application for the whole \
             host, with a policy for those who may look ({ACCESS_GUIDE}). Then write \
             ACCESS_TEAM_DOMAIN (`https://<team>.cloudflareaccess.com`), ACCESS_AUD (the \
             application's audience tag) and OPERATORS (the e-mail addresses of those who may \
             change things) into [env.{CONSOLE}] vars of {}, and deploy again.",
            config.file
        ));
    }
    let secrets = observed.and_then(|observed| observed.secrets.get(CONSOLE));
    let is_new = secrets.is_none_or(BTreeSet::is_empty);
    if is_new && !is_set(TOKEN) {
        left.push(format!(
            "For the program `rolecall`, and instead of Access: make a token with `openssl rand \
             -base64 32` and paste it when this asks for it: {}",
            put(TOKEN)
        ));
        left.push(format!("For a monitor that reads /metrics, the same with: {}", put(METRICS)));
    }
    left
}

fn console(config: &DeployConfig) -> Option<&DeployWorker> {
    config.workers.iter().find(|worker| worker.env == CONSOLE)
}

fn has_access(worker: &DeployWorker) -> bool {
    ACCESS.iter().all(|name| worker.filled.contains(*name))
}

fn has_secret(observed: &AccountState, name: &str) -> bool {
    observed.secrets.get(CONSOLE).is_some_and(|secrets| secrets.contains(name))
}
