//! What a deployment reads of `wrangler.toml`, and what it refuses there.

mod file;
mod queues;
pub(super) mod secrets;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use shared::settings::SettingError;
use toml::Table;

use self::file::File;

/// The configuration of a deployment: of the root's `wrangler.toml`, or of a stage's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// The file's name.
    pub(super) file: String,
    /// The Cloudflare account, where the file names one.
    pub(super) account: Option<String>,
    /// The Workers in the order in which they are deployed.
    pub(super) workers: Vec<Worker>,
    /// Every queue that a Worker reads or writes, or that takes the dead letters of one.
    pub(super) queues: BTreeSet<String>,
    /// The database that Workers share.
    pub(super) database: Option<Database>,
    /// The number that each rate limiter counts under, by environment and binding.
    pub(super) limiters: BTreeMap<(String, String), String>,
}

/// One block of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    /// The environment's name.
    pub(super) env: String,
    /// The Worker's name at Cloudflare.
    pub(super) name: String,
    /// What it is to the others.
    pub(super) rank: Rank,
    /// The routes that lead to it, as the file has them.
    pub(super) routes: Vec<Route>,
    /// Whether it is reached at an address under workers.dev.
    pub(super) workers_dev: bool,
    /// The settings that it needs and the file does not have.
    pub(super) missing: Vec<SettingError>,
    /// Its variables that nothing reads.
    pub(super) unread: Vec<String>,
    /// All variables, blank ones too.
    pub(super) listed: BTreeSet<String>,
}

/// What a Worker is to the others; they are deployed in this order, because a Worker cannot bind
/// to objects that are not there, and messages wait better in a queue than for a consumer's mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Others bind to its objects.
    Objects,
    /// It reads a queue.
    Consumer,
    /// It is called from outside.
    Public,
}

/// A route of a Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// A host, with a path where it is no custom domain.
    pub(super) pattern: String,
    /// Whether Cloudflare makes its DNS record and its certificate.
    pub(super) is_domain: bool,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Database {
    /// Its name.
    pub(super) name: String,
    /// Its id, unless a placeholder stands there.
    pub(super) id: Option<String>,
    /// An environment that has it and says where the migrations are.
    pub(super) env: String,
}

impl Config {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// When it is not of the expected shape, holds a secret, sets a variable to what its Worker
    /// would refuse, or its blocks do not fit together.
    pub(super) fn read(file: &str, text: &str) -> Result<Self> {
        let mend = || format!("{file} is not as expected; mend it");
        let table = table(file, text)?;
        secrets::refuse(file, text, &table)?;
        let parsed: File = table.try_into().with_context(mend)?;
        parsed.account_is_one().with_context(mend)?;
        parsed.objects_are_within().with_context(mend)?;
        parsed.queues_fit().with_context(mend)?;
        settings::refuse(file, &parsed.mistakes())?;
        let mut workers = parsed.workers();
        workers.sort_by(|one, other| (one.rank, &one.env).cmp(&(other.rank, &other.env)));
        Ok(Self {
            file: file.to_owned(),
            account: parsed.account(),
            workers,
            queues: parsed.queues(),
            limiters: parsed.limiters(),
            database: parsed.database().with_context(mend)?,
        })
    }

    /// The names that make something at Cloudflare this configuration's own.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let workers = self.workers.iter().map(|worker| worker.name.clone());
        let queues = self.queues.iter().cloned();
        let database = self.database.iter().flat_map(|it| [Some(it.name.clone()), it.id.clone()]);
        let routes = self.workers.iter().flat_map(|worker| &worker.routes);
        workers.chain(queues).chain(database.flatten()).chain(routes.map(Route::host)).collect()
    }
}

impl Route {
    /// The host alone: a custom domain and a pattern with a path may both have it.
    fn host(&self) -> String {
        self.pattern.split('/').next().unwrap_or_default().to_ascii_lowercase()
    }
}

/// The text as a table. The parser's own message shows the line at fault, and a secret may stand
/// in it.
fn table(file: &str, text: &str) -> Result<Table> {
    text.parse().or_else(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        bail!(
            "{file} is not as expected: line {line}, column {column}: {}; mend it",
            error.message()
        )
    })
}

/// Whether this is a database's id; what else stands there is a placeholder.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
