//! What exists at Cloudflare, read from the output of wrangler 4.164.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::config::DeployConfig;
use super::wrangler::{CommandOutput, Wrangler, WranglerCommands};

/// The most pages of queues to read. An account has at most 10,000 queues.
/// <https://developers.cloudflare.com/queues/platform/limits/>
const PAGES_MAX: u32 = 1_000;

/// The next step when wrangler fails.
const NEXT: &str =
    "Check the network and your rights (`npx wrangler whoami`), then run this again.";

/// The state of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AccountState {
    /// The names of the queues.
    pub(super) queues: BTreeSet<String>,
    /// The ids of the databases, by name.
    pub(super) databases: BTreeMap<String, String>,
    /// The names of the secrets of each environment's Worker; none if there is no such Worker.
    pub(super) secrets: BTreeMap<String, BTreeSet<String>>,
}

/// A Cloudflare account that the caller may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct CloudflareAccount {
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// Reads with wrangler what `config` is about. Changes nothing.
///
/// # Errors
/// When wrangler fails, or its output differs from that of the pinned version.
pub(super) fn observe(
    config: &DeployConfig,
    commands: &WranglerCommands,
    wrangler: &mut dyn Wrangler,
) -> Result<AccountState> {
    wrangler.begin("read the state of the account");
    let queues = queues(&config.queues, commands, wrangler)?;
    let databases = match &config.database {
        Some(_) => databases(commands, wrangler)?,
        None => BTreeMap::new(),
    };
    let mut secrets = BTreeMap::new();
    for worker in &config.workers {
        let command = commands.list_secrets(&worker.env);
        let said = wrangler.run(&command)?;
        let found = if is_absent(&said, &worker.name) {
            BTreeSet::new()
        } else {
            read_secrets(&said.ok(&command, NEXT)?)?
        };
        secrets.insert(worker.env.clone(), found);
    }
    wrangler.end("");
    Ok(AccountState { queues, databases, secrets })
}

/// The databases of the account.
///
/// # Errors
/// As [`observe`].
pub(super) fn databases(
    commands: &WranglerCommands,
    wrangler: &mut dyn Wrangler,
) -> Result<BTreeMap<String, String>> {
    let command = commands.list_databases();
    read_databases(&wrangler.run(&command)?.ok(&command, NEXT)?)
}

/// The account to deploy to: the named one, or the only one.
///
/// # Errors
/// When nobody is logged in, or there are several accounts.
pub(super) fn account(
    named: Option<&str>,
    wrangler: &mut dyn Wrangler,
) -> Result<CloudflareAccount> {
    wrangler.begin("read the login");
    let command = WranglerCommands::who_am_i();
    let next = "Log in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN; \
                docs/deploy.md says what the token may do.";
    let accounts = read_accounts(&wrangler.run(&command)?.ok(&command, next)?)?;
    let account = choose(named, accounts)?;
    wrangler.end(&account.shown());
    Ok(account)
}

impl CloudflareAccount {
    /// Name and id.
    pub(super) fn shown(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { format!("{} ({})", self.name, self.id) }
    }
}

fn choose(named: Option<&str>, accounts: Vec<CloudflareAccount>) -> Result<CloudflareAccount> {
    if let Some(id) = named {
        // A restricted token may use an account that it may not list.
        let found = accounts.into_iter().find(|account| account.id == id);
        return Ok(
            found.unwrap_or_else(|| CloudflareAccount { id: id.to_owned(), name: String::new() })
        );
    }
    let listed: Vec<String> = accounts.iter().map(CloudflareAccount::shown).collect();
    let next = "name one: `account_id = \"…\"` at the top of the file, or CLOUDFLARE_ACCOUNT_ID";
    let mut accounts = accounts.into_iter();
    match (accounts.next(), accounts.next()) {
        (Some(account), None) => Ok(account),
        (None, _) => bail!("wrangler lists no account; {next}"),
        (Some(_), Some(_)) => bail!("there are several accounts; {next}:\n{}", listed.join("\n")),
    }
}

/// Reads page by page, until all `wanted` queues were found or a page is empty.
fn queues(
    wanted: &BTreeSet<String>,
    commands: &WranglerCommands,
    wrangler: &mut dyn Wrangler,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for page in 1..=PAGES_MAX {
        let command = commands.list_queues(page);
        let names = read_queues(&wrangler.run(&command)?.ok(&command, NEXT)?)?;
        let is_last = names.is_subset(&found);
        found.extend(names);
        if is_last || wanted.is_subset(&found) {
            break;
        }
    }
    Ok(found)
}

/// The column `name` of the table that `queues list` prints; it has no JSON output. A page
/// without queues is blank.
fn read_queues(out: &str) -> Result<BTreeSet<String>> {
    let mut rows = out.lines().filter(|line| line.starts_with('│')).map(cells);
    let Some(head) = rows.next() else {
        if out.trim().is_empty() {
            return Ok(BTreeSet::new());
        }
        bail!("`wrangler queues list` printed no table:\n{out}\nRun `npm ci` for the pinned one.");
    };
    let column = head.iter().position(|cell| *cell == "name").with_context(|| {
        format!("`wrangler queues list` has no column `name`:\n{out}\nRun `npm ci`.")
    })?;
    Ok(rows.filter_map(|row| row.get(column).map(|cell| (*cell).to_owned())).collect())
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('│').split('│').map(str::trim).collect()
}

fn read_databases(out: &str) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Listed {
        uuid: String,
        name: String,
    }
    let listed: Vec<Listed> = read_json(out, "d1 list")?;
    Ok(listed.into_iter().map(|it| (it.name, it.uuid)).collect())
}

fn read_secrets(out: &str) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Listed {
        name: String,
    }
    let listed: Vec<Listed> = read_json(out, "secret list")?;
    Ok(listed.into_iter().map(|it| it.name).collect())
}

fn read_accounts(out: &str) -> Result<Vec<CloudflareAccount>> {
    #[derive(Deserialize)]
    struct Me {
        #[serde(default)]
        accounts: Vec<CloudflareAccount>,
    }
    Ok(read_json::<Me>(out, "whoami")?.accounts)
}

fn read_json<'a, T: Deserialize<'a>>(out: &'a str, what: &str) -> Result<T> {
    serde_json::from_str(out).with_context(|| {
        format!("`wrangler {what}` printed something else than expected:\n{out}\nRun `npm ci`.")
    })
}

/// Whether `secret list` failed because the Worker was never deployed.
fn is_absent(said: &CommandOutput, worker: &str) -> bool {
    !said.success
        && said.tail.contains(&format!("Worker \"{worker}\""))
        && said.tail.contains("not found")
}

#[cfg(test)]
mod tests;
