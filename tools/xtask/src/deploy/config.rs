//! What a deployment reads from `wrangler.toml`, and what it refuses there.

mod addresses;
mod file;
mod queues;
pub(super) mod secrets;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use shared::settings::SettingError;
use toml::Table;

pub(super) use self::addresses::CONSOLE;

use self::file::WranglerFile;

/// The configuration of a deployment: of the root's `wrangler.toml`, or of a stage's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeployConfig {
    /// The file's name.
    pub(super) file: String,
    /// The Cloudflare account, if the file names one.
    pub(super) account: Option<String>,
    /// The Workers in the order in which they are deployed.
    pub(super) workers: Vec<DeployWorker>,
    /// Every queue that a Worker reads or writes, and every dead-letter queue.
    pub(super) queues: BTreeSet<String>,
    /// The database that Workers share.
    pub(super) database: Option<DeployDatabase>,
    /// The number that each rate limiter counts under, by environment and binding.
    pub(super) limiters: BTreeMap<(String, String), String>,
}

/// One block of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeployWorker {
    /// The environment's name.
    pub(super) env: String,
    /// The Worker's name at Cloudflare.
    pub(super) name: String,
    /// When it is deployed.
    pub(super) rank: DeployOrder,
    /// Its routes in the file.
    pub(super) routes: Vec<WorkerRoute>,
    /// Whether it has an address under workers.dev.
    pub(super) workers_dev: bool,
    /// The settings that it needs and that the file does not have.
    pub(super) missing: Vec<SettingError>,
    /// Its variables that nothing reads.
    pub(super) unread: Vec<String>,
    /// All of its variables, blank ones too.
    pub(super) listed: BTreeSet<String>,
    /// Those of them that are not blank.
    pub(super) filled: BTreeSet<String>,
}

/// The order of deployment. A Worker cannot bind to
/// Durable Objects that do not exist, and a consumer should be there before messages arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DeployOrder {
    /// Others bind to its Durable Objects.
    Objects,
    /// It reads a queue.
    Consumer,
    /// It is called from outside.
    Public,
}

/// A route of a Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkerRoute {
    /// A host, with a path if it is no custom domain.
    pub(super) pattern: String,
    /// Whether it is a custom domain: Cloudflare makes its DNS record and its certificate.
    pub(super) is_domain: bool,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeployDatabase {
    /// Its name.
    pub(super) name: String,
    /// Its id, unless it is a placeholder.
    pub(super) id: Option<String>,
    /// An environment that uses it and names the folder of the migrations.
    pub(super) env: String,
}

impl DeployConfig {
    /// Parses the text of `file`.
    ///
    /// # Errors
    /// When it has another form, contains a secret, sets a variable to a value that its Worker
    /// would refuse, or its blocks do not fit together.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self> {
        let invalid = || format!("{file} is not as expected; correct it");
        let table = table(file, text)?;
        secrets::refuse(file, text, &table)?;
        let parsed: WranglerFile = table.try_into().with_context(invalid)?;
        parsed.account_is_one().with_context(invalid)?;
        parsed.objects_are_within().with_context(invalid)?;
        parsed.queues_fit().with_context(invalid)?;
        settings::refuse(file, &parsed.mistakes())?;
        let mut workers = parsed.workers();
        for worker in &workers {
            let has_previews = parsed.has_previews(&worker.env);
            addresses::refuse(&worker.env, worker.workers_dev, has_previews)
                .with_context(invalid)?;
        }
        workers.sort_by(|one, other| (one.rank, &one.env).cmp(&(other.rank, &other.env)));
        Ok(Self {
            file: file.to_owned(),
            account: parsed.account(),
            workers,
            queues: parsed.queues(),
            limiters: parsed.limiters(),
            database: parsed.database().with_context(invalid)?,
        })
    }

    /// The names by which this configuration owns something at Cloudflare.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let workers = self.workers.iter().map(|worker| worker.name.clone());
        let queues = self.queues.iter().cloned();
        let database = self.database.iter().flat_map(|it| [Some(it.name.clone()), it.id.clone()]);
        let routes = self.workers.iter().flat_map(|worker| &worker.routes);
        workers
            .chain(queues)
            .chain(database.flatten())
            .chain(routes.map(WorkerRoute::host))
            .collect()
    }
}

impl WorkerRoute {
    /// The host without the path: a custom domain and a pattern with a path may share it.
    fn host(&self) -> String {
        self.pattern.split('/').next().unwrap_or_default().to_ascii_lowercase()
    }
}

/// The text as a table. The parser's own message shows the line, which may contain a secret
/// value.
fn table(file: &str, text: &str) -> Result<Table> {
    text.parse().or_else(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        bail!(
            "{file} is not as expected: line {line}, column {column}: {}; correct it",
            error.message()
        )
    })
}

/// Whether this is the id of a database and not a placeholder.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
