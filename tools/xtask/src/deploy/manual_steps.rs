//! What must be done by hand after a deployment, with the commands to type.

use std::collections::BTreeMap;

use shared::metrics::labels::synced_types;
use shared::settings::consumer::{CANARY_USER_ID, CLERK_SECRET_KEY};
use shared::settings::table::WorkerName;

use super::config::secrets::is_secret;
use super::config::{CONSOLE, DeployConfig, DeployOrder, DeployWorker};
use super::console;
use super::observed::AccountState;
use super::wrangler::WranglerCommands;

/// The Worker that receives Clerk's webhooks.
const INGEST: &str = "ingest";

/// What is left to do, in order. `said` has the addresses that wrangler printed, by environment.
/// If nothing was `observed`, every secret counts as missing.
pub(super) fn left(
    config: &DeployConfig,
    commands: &WranglerCommands,
    observed: Option<&AccountState>,
    said: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut left = Vec::new();
    left.extend(config.workers.iter().filter_map(|worker| address(config, worker)));
    let missing = config.workers.iter().flat_map(|worker| {
        worker.missing.iter().map(move |mistake| (worker.env.as_str(), mistake))
    });
    let missing = missing.filter(|(env, mistake)| !is_there(observed, env, mistake.name));
    let (secrets, vars): (Vec<_>, Vec<_>) = missing.partition(|(_, it)| is_secret(it.name));
    for (env, mistake) in vars {
        left.push(format!("In {}, [env.{env}] vars: {mistake}. Then deploy again.", config.file));
    }
    left.extend(config.workers.iter().flat_map(|worker| unread(config, worker)));
    left.extend(console::left(config, commands, observed));
    left.extend(canary_without_user(config, observed));
    // Those of the console are optional: `console::left` says which, and when.
    for (env, mistake) in secrets.into_iter().filter(|(env, _)| *env != CONSOLE) {
        if env == INGEST {
            left.push(endpoint(config, said));
        }
        left.push(format!(
            "Paste the secret when this asks for it: {}",
            commands.put_secret(mistake.name, env).shown()
        ));
    }
    left
}

/// The hosts that a deployment takes over. If another Worker or a DNS record has one of them,
/// wrangler replaces it without a question.
pub(super) fn domains(config: &DeployConfig) -> Vec<&str> {
    let routes = config.workers.iter().flat_map(|worker| &worker.routes);
    routes.filter(|route| route.is_domain).map(|route| route.pattern.as_str()).collect()
}

/// Whether it is set as a secret.
fn is_there(observed: Option<&AccountState>, env: &str, name: &str) -> bool {
    let secrets = observed.and_then(|observed| observed.secrets.get(env));
    secrets.is_some_and(|secrets| secrets.contains(name))
}

/// A key that is set and not used: a canary that somebody believes to be on. The other way round, a
/// user without a key, is a secret that is missing.
fn canary_without_user(config: &DeployConfig, observed: Option<&AccountState>) -> Option<String> {
    let env = WorkerName::Consumer.env();
    let has_user =
        config.workers.iter().any(|it| it.env == env && it.filled.contains(CANARY_USER_ID));
    let needs_user = !has_user && is_there(observed, env, CLERK_SECRET_KEY);
    needs_user.then(|| {
        format!(
            "The consumer has the secret {CLERK_SECRET_KEY} and no canary: in {}, [env.{env}] \
             vars, add {CANARY_USER_ID} (docs/canary.md), or delete the secret.",
            config.file
        )
    })
}

fn address(config: &DeployConfig, worker: &DeployWorker) -> Option<String> {
    let is_reached = worker.workers_dev || !worker.routes.is_empty();
    if worker.rank != DeployOrder::Public || is_reached {
        return None;
    }
    // Access protects the console's host, so it has no other address.
    let or = if worker.env == CONSOLE { "" } else { ", or `workers_dev = true`" };
    Some(format!(
        "Give {} an address: in {}, [env.{}], add `routes = [{{ pattern = \"{}.example.com\", \
         custom_domain = true }}]` with a host of a domain that the account has{or}. Then deploy \
         again.",
        worker.name, config.file, worker.env, worker.env
    ))
}

fn unread(config: &DeployConfig, worker: &DeployWorker) -> impl Iterator<Item = String> {
    worker.unread.iter().map(|name| {
        format!(
            "In {}, [env.{}] vars: no Worker reads {name}. Correct its spelling and deploy again, \
             or leave it if code of yours reads it.",
            config.file, worker.env
        )
    })
}

fn endpoint(config: &DeployConfig, said: &BTreeMap<String, String>) -> String {
    let ingest = config.workers.iter().find(|worker| worker.env == INGEST);
    let route = ingest.and_then(|ingest| ingest.routes.first());
    let host = route.and_then(|route| route.pattern.split('/').next());
    let base = host.filter(|host| !host.contains('*')).map(|host| format!("https://{host}"));
    let base = base.or_else(|| said.get(INGEST).cloned());
    let base = base.unwrap_or_else(|| format!("https://<the address of {INGEST}>"));
    format!(
        "In Clerk's Dashboard, under Webhooks, add the endpoint {base}/webhooks/clerk with these \
         events, and copy its signing secret: {}",
        synced_types().collect::<Vec<_>>().join(", ")
    )
}
