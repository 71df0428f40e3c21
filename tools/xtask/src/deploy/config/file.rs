//! The form of `wrangler.toml`, as far as a deployment needs it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::Deserialize;
use shared::settings::SettingError;
use toml::{Table, Value};

use super::{DeployDatabase, DeployOrder, DeployWorker, WorkerRoute, is_uuid, queues, settings};

#[derive(Deserialize)]
pub(super) struct WranglerFile {
    account_id: Option<String>,
    workers_dev: Option<bool>,
    preview_urls: Option<bool>,
    env: BTreeMap<String, WorkerBlock>,
}

#[derive(Deserialize)]
struct WorkerBlock {
    name: String,
    account_id: Option<String>,
    workers_dev: Option<bool>,
    preview_urls: Option<bool>,
    route: Option<RouteForm>,
    #[serde(default)]
    routes: Vec<RouteForm>,
    #[serde(default)]
    vars: Table,
    #[serde(default)]
    queues: QueueBindings,
    #[serde(default)]
    d1_databases: Vec<D1Binding>,
    #[serde(default)]
    durable_objects: DurableObjects,
    #[serde(default)]
    ratelimits: Vec<RateLimit>,
}

#[derive(Deserialize)]
struct RateLimit {
    name: String,
    namespace_id: String,
}

/// <https://developers.cloudflare.com/workers/wrangler/configuration/#types-of-routes>
#[derive(Deserialize)]
#[serde(untagged)]
enum RouteForm {
    Bare(String),
    Full {
        pattern: String,
        #[serde(default)]
        custom_domain: bool,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct QueueBindings {
    producers: Vec<QueueBinding>,
    consumers: Vec<QueueBinding>,
}

#[derive(Deserialize)]
struct QueueBinding {
    queue: String,
    dead_letter_queue: Option<String>,
}

#[derive(Deserialize)]
struct D1Binding {
    database_name: String,
    database_id: Option<String>,
    migrations_dir: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DurableObjects {
    bindings: Vec<ObjectBinding>,
}

#[derive(Deserialize)]
struct ObjectBinding {
    script_name: Option<String>,
}

impl WranglerFile {
    pub(super) fn account(&self) -> Option<String> {
        self.account_id.clone().filter(|id| !id.is_empty())
    }

    pub(super) fn workers(&self) -> Vec<DeployWorker> {
        self.env.iter().map(|(env, block)| self.worker(env, block)).collect()
    }

    pub(super) fn queues(&self) -> BTreeSet<String> {
        self.env.values().flat_map(|block| block.queues.names()).collect()
    }

    /// Checks that every message goes to a Worker that knows its queue.
    pub(super) fn queues_fit(&self) -> Result<()> {
        let all = self.env.iter().map(|(env, block)| (env.as_str(), block.queues_of()));
        queues::fit(&all.collect())
    }

    pub(super) fn limiters(&self) -> BTreeMap<(String, String), String> {
        let all = self.env.iter().flat_map(|(env, block)| {
            block.ratelimits.iter().map(move |it| ((env, &it.name), &it.namespace_id))
        });
        all.map(|((env, name), id)| ((env.clone(), name.clone()), id.clone())).collect()
    }

    /// The errors in the Workers' variables.
    pub(super) fn mistakes(&self) -> BTreeMap<&str, Vec<SettingError>> {
        let blocks = self.env.iter();
        blocks.map(|(env, block)| (env.as_str(), settings::mistakes(env, &block.vars))).collect()
    }

    /// Some commands read a block and some do not, so the account must not be in a block.
    pub(super) fn account_is_one(&self) -> Result<()> {
        match self.env.iter().find(|(_, block)| block.account_id.is_some()) {
            None => Ok(()),
            Some((env, _)) => {
                bail!("[env.{env}] has an account_id; write it at the top of the file, for all")
            }
        }
    }

    /// Whether each version of a Worker gets an address of its own.
    pub(super) fn has_previews(&self, env: &str) -> bool {
        let own = self.env.get(env).and_then(|block| block.preview_urls);
        own.or(self.preview_urls).unwrap_or_default()
    }

    /// A binding to a Worker of another file is mostly a stage that uses production's objects.
    pub(super) fn objects_are_within(&self) -> Result<()> {
        let is_named = |script: &str| self.env.values().any(|block| block.name == script);
        let bound = self.env.iter().flat_map(|(env, block)| {
            block.durable_objects.bindings.iter().map(move |it| (env, it.script_name.as_deref()))
        });
        match bound.filter_map(|(env, it)| Some((env, it?))).find(|(_, it)| !is_named(it)) {
            None => Ok(()),
            Some((env, script)) => {
                bail!(
                    "[env.{env}] binds to `{script}`, which is the name of no block of the file; \
                     correct script_name"
                )
            }
        }
    }

    /// The database. Blocks with different databases would not see each other's rows.
    pub(super) fn database(&self) -> Result<Option<DeployDatabase>> {
        let listed = self.env.iter().flat_map(|(env, block)| {
            block.d1_databases.iter().map(move |database| database.to_deploy_database(env))
        });
        let all = listed.collect::<Result<Vec<DeployDatabase>>>()?;
        let Some(first) = all.first() else { return Ok(None) };
        match all.iter().find(|it| (&it.name, &it.id) != (&first.name, &first.id)) {
            None => Ok(Some(first.clone())),
            Some(other) => bail!(
                "[env.{}] and [env.{}] have different databases; give both one database_name and \
                 one database_id",
                first.env,
                other.env
            ),
        }
    }

    fn worker(&self, env: &str, block: &WorkerBlock) -> DeployWorker {
        let bindings = || self.env.values().flat_map(|block| &block.durable_objects.bindings);
        let rank = match () {
            () if bindings().any(|it| it.script_name.as_ref() == Some(&block.name)) => {
                DeployOrder::Objects
            }
            () if !block.queues.consumers.is_empty() => DeployOrder::Consumer,
            () => DeployOrder::Public,
        };
        DeployWorker {
            env: env.to_owned(),
            name: block.name.clone(),
            rank,
            routes: block.route.iter().chain(&block.routes).map(RouteForm::to_route).collect(),
            workers_dev: block.workers_dev.or(self.workers_dev).unwrap_or(!block.is_routed()),
            missing: settings::mistakes(env, &block.vars),
            unread: settings::unread(env, &block.vars),
            listed: block.vars.keys().cloned().collect(),
            filled: block.filled(),
        }
    }
}

impl WorkerBlock {
    /// Without a route wrangler puts a Worker under workers.dev, unless `workers_dev` is false.
    fn is_routed(&self) -> bool {
        self.route.is_some() || !self.routes.is_empty()
    }

    fn filled(&self) -> BTreeSet<String> {
        let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        let filled = self.vars.iter().filter(|(_, value)| !is_blank(value));
        filled.map(|(name, _)| name.clone()).collect()
    }

    fn queues_of(&self) -> queues::QueueBlock<'_> {
        let QueueBindings { producers, consumers } = &self.queues;
        queues::QueueBlock {
            sends: producers.iter().map(|it| it.queue.as_str()).collect(),
            reads: consumers
                .iter()
                .map(|it| (it.queue.as_str(), it.dead_letter_queue.as_deref()))
                .collect(),
            vars: &self.vars,
        }
    }
}

impl RouteForm {
    fn to_route(&self) -> WorkerRoute {
        let (pattern, is_domain) = match self {
            Self::Bare(pattern) => (pattern, false),
            Self::Full { pattern, custom_domain } => (pattern, *custom_domain),
        };
        WorkerRoute { pattern: pattern.clone(), is_domain }
    }
}

impl QueueBindings {
    fn names(&self) -> impl Iterator<Item = String> {
        let all = self.producers.iter().chain(&self.consumers);
        all.flat_map(|queue| [Some(queue.queue.clone()), queue.dead_letter_queue.clone()]).flatten()
    }
}

impl D1Binding {
    fn to_deploy_database(&self, env: &str) -> Result<DeployDatabase> {
        if self.migrations_dir.is_none() {
            bail!("[env.{env}] has a database without `migrations_dir = \"migrations\"`; add it");
        }
        let id = self.database_id.clone().filter(|id| is_uuid(id));
        Ok(DeployDatabase { name: self.database_name.clone(), id, env: env.to_owned() })
    }
}
