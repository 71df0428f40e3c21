//! A stage: a second set of Workers, queues and a database, with its own file.

use std::fs;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::config::DeployConfig;
use super::edit;
use crate::place::Place;

/// The file of production.
const ROOT_FILE: &str = "wrangler.toml";

/// A Worker's name is at most 63 letters; the longest of ours takes 17, with the hyphen.
const NAME_BYTES_MAX: usize = 30;

/// Variables that name a Clerk instance, an address, or who may come in. A stage has its own
/// values.
const OWN_VARS: [&str; 11] = [
    "ACCESS_AUD",
    "ACCESS_TEAM_DOMAIN",
    "AUTHORIZED_PARTIES",
    "CANARY_USER_ID",
    "CLERK_FRONTEND_API_URL",
    "CLERK_INSTANCE_ID",
    "CLERK_ISSUER",
    "CLERK_JWKS_URL",
    "CLERK_JWT_KEY",
    "CLERK_PUBLISHABLE_KEY",
    "OPERATORS",
];

/// The keys that a block may have. Each is changed for the stage below, or names nothing at
/// Cloudflare. What other keys name (a bucket, a key-value namespace) would be shared with
/// production.
const SEPARATE_KEYS: [&str; 20] = [
    "build",
    "compatibility_date",
    "compatibility_flags",
    "d1_databases",
    "durable_objects",
    "limits",
    "main",
    "migrations",
    "name",
    "observability",
    "placement",
    "preview_urls",
    "queues",
    "ratelimits",
    "route",
    "routes",
    "services",
    "triggers",
    "vars",
    "workers_dev",
];

/// The name of a stage. It is valid in the names of Workers, queues and hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeployStage(String);

impl DeployStage {
    /// # Errors
    /// When `raw` is not letters, digits and inner hyphens, in lower case.
    pub(super) fn parse(raw: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_edged = raw.starts_with('-') || raw.ends_with('-');
        if raw.is_empty() || NAME_BYTES_MAX < raw.len() || is_edged || !raw.bytes().all(fits) {
            bail!(
                "a stage is named by lower-case letters, digits and inner hyphens, \
                 {NAME_BYTES_MAX} at most; try `staging`"
            );
        }
        Ok(Self(raw.to_owned()))
    }

    /// The file of the stage.
    pub(super) fn file(&self) -> String {
        format!("wrangler.{}.toml", self.0)
    }
}

/// Reads the configuration of a stage, or of the root without one.
///
/// # Errors
/// When the file is missing or wrong, or the stage's names are the root's too.
pub(super) fn load(place: &Place, stage: Option<&DeployStage>) -> Result<DeployConfig> {
    let root = DeployConfig::parse(ROOT_FILE, &root_text(place)?)?;
    let Some(stage) = stage else { return Ok(root) };
    let make = format!("make it with `cargo xtask deploy --stage {} --init`", stage.0);
    let file = stage.file();
    let config = DeployConfig::parse(&file, &text(place, &file, &make)?)?;
    apart(&config, &root)?;
    Ok(config)
}

/// Writes the file of a new stage, and returns a message about it.
///
/// # Errors
/// When it already exists, or cannot be made.
pub(super) fn init(place: &Place, stage: &DeployStage) -> Result<String> {
    let file = stage.file();
    let path = place.root.join(&file);
    if path.exists() {
        bail!("{file} already exists; change it by hand, or remove it and run this again");
    }
    let made = form(&root_text(place)?, stage)?;
    fs::write(&path, made).with_context(|| {
        format!("cannot write {}; check that you may write there", path.display())
    })?;
    Ok(format!(
        "Wrote {file}: {ROOT_FILE} with `-{0}` at the names of Workers, queues and database,\n\
         `{0}.` before the hosts of routes, and blanks where production has its Clerk instance.\n\
         Next: fill in the blanks, then `cargo xtask deploy --stage {0} --dry-run`.",
        stage.0
    ))
}

/// The text of a stage's file, made from the root's. It shares nothing with the root.
///
/// # Errors
/// When `root` is not valid, or something in it would be shared.
pub(super) fn form(root: &str, stage: &DeployStage) -> Result<String> {
    let config = DeployConfig::parse(ROOT_FILE, root)?;
    refuse_shared(root)?;
    let suffix = |name: &str| Some(format!("{name}-{}", stage.0));
    let database = config.database.as_ref().map(|it| it.name.clone()).unwrap_or_default();
    let made = edit::strings(root, |keys, value| match keys {
        ["env", _, "name"]
        | [.., "script_name" | "queue" | "dead_letter_queue" | "database_name"]
        | [.., "services", "service"] => suffix(value),
        // A variable with the name of a queue.
        [.., "vars", _] if config.queues.contains(value.trim()) => suffix(value.trim()),
        [.., "database_id" | "preview_database_id"] => suffix(&database),
        [.., "ratelimits", "namespace_id"] => Some(counter(value, stage)),
        [.., "pattern" | "routes" | "route"] => Some(format!("{}.{value}", stage.0)),
        [.., "vars", name]
            if OWN_VARS.contains(name)
                || value.contains("://") && ["SIGN_IN_URL", "SIGN_OUT_URL"].contains(name) =>
        {
            Some(String::new())
        }
        _ => None,
    })?;
    let made = format!(
        "# The stage `{0}`, made from {ROOT_FILE} by `cargo xtask deploy --stage {0} --init`.\n\
         # What changes there for all stages, change here too.\n\n{made}",
        stage.0
    );
    apart(&DeployConfig::parse(&stage.file(), &made)?, &config)?;
    Ok(made)
}

fn refuse_shared(root: &str) -> Result<()> {
    let table: Table = root.parse()?;
    for (env, block) in table.get("env").and_then(Value::as_table).into_iter().flatten() {
        let keys = block.as_table().into_iter().flat_map(Table::keys);
        let mut others = keys.filter(|key| !SEPARATE_KEYS.contains(&key.as_str()));
        if let Some(key) = others.next() {
            bail!(
                "[env.{env}] has `{key}`, which a stage would share with production; copy \
                 {ROOT_FILE} by hand and give all that it names other names"
            );
        }
    }
    Ok(())
}

/// Two rate limiters with one number share their counts, so too many requests to a stage would
/// limit production. The new number is made from the stage's name and the old one.
/// <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>
fn counter(old: &str, stage: &DeployStage) -> String {
    let digest = Sha256::digest(format!("{} {old}", stage.0));
    let number = digest.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    number.max(1).to_string()
}

/// Refuses a stage that shares a name with the root in one account: deploying it would
/// replace production, or read its queue.
fn apart(stage: &DeployConfig, root: &DeployConfig) -> Result<()> {
    let accounts = [&stage.account, &root.account];
    if accounts.iter().all(|account| account.is_some()) && stage.account != root.account {
        return Ok(());
    }
    let (own, others) = (stage.names(), root.names());
    let common: Vec<&str> = own.intersection(&others).map(String::as_str).collect();
    if !common.is_empty() {
        bail!(
            "{} and {} both name {}; a stage needs names of its own, such as `{}-staging`",
            stage.file,
            root.file,
            common.join(", "),
            common.first().copied().unwrap_or_default()
        );
    }
    limiters_apart(stage, root)
}

/// Checks that a stage has the same rate limiters as production, with its own counts.
fn limiters_apart(stage: &DeployConfig, root: &DeployConfig) -> Result<()> {
    for ((env, name), number) in &root.limiters {
        let own = stage.limiters.get(&(env.clone(), name.clone()));
        if own.is_none_or(|own| root.limiters.values().any(|it| it == own)) {
            bail!(
                "{} needs [[env.{env}.ratelimits]] with the name {name} and a namespace_id of its \
                 own: copy the block from {} and give it another number than {number}",
                stage.file,
                root.file
            );
        }
    }
    Ok(())
}

/// The text of the root file.
///
/// # Errors
/// When it does not exist.
pub(super) fn root_text(place: &Place) -> Result<String> {
    text(place, ROOT_FILE, "restore it from git")
}

fn text(place: &Place, file: &str, next: &str) -> Result<String> {
    fs::read_to_string(place.root.join(file)).with_context(|| format!("cannot read {file}; {next}"))
}
