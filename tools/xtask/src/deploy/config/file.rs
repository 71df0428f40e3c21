//! The shape of `wrangler.toml`, as far as a deployment needs it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::Deserialize;
use shared::settings::SettingError;
use toml::Table;

use super::{Database, Rank, Route, Worker, is_uuid, queues, settings};

#[derive(Deserialize)]
pub(super) struct File {
    account_id: Option<String>,
    workers_dev: Option<bool>,
    env: BTreeMap<String, Block>,
}

#[derive(Deserialize)]
struct Block {
    name: String,
    account_id: Option<String>,
    workers_dev: Option<bool>,
    route: Option<RouteForm>,
    #[serde(default)]
    routes: Vec<RouteForm>,
    #[serde(default)]
    vars: Table,
    #[serde(default)]
    queues: Queues,
    #[serde(default)]
    d1_databases: Vec<D1>,
    #[serde(default)]
    durable_objects: Objects,
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
struct Queues {
    producers: Vec<Queue>,
    consumers: Vec<Queue>,
}

#[derive(Deserialize)]
struct Queue {
    queue: String,
    dead_letter_queue: Option<String>,
}

#[derive(Deserialize)]
struct D1 {
    database_name: String,
    database_id: Option<String>,
    migrations_dir: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Objects {
    bindings: Vec<ObjectBinding>,
}

#[derive(Deserialize)]
struct ObjectBinding {
    script_name: Option<String>,
}

impl File {
    pub(super) fn account(&self) -> Option<String> {
        self.account_id.clone().filter(|id| !id.is_empty())
    }

    pub(super) fn workers(&self) -> Vec<Worker> {
        self.env.iter().map(|(env, block)| self.worker(env, block)).collect()
    }

    pub(super) fn queues(&self) -> BTreeSet<String> {
        self.env.values().flat_map(|block| block.queues.names()).collect()
    }

    /// Every message goes to a Worker that knows what it is.
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

    /// What the Workers will find wrong with their variables.
    pub(super) fn mistakes(&self) -> BTreeMap<&str, Vec<SettingError>> {
        let blocks = self.env.iter();
        blocks.map(|(env, block)| (env.as_str(), settings::mistakes(env, &block.vars))).collect()
    }

    /// Some commands look at a block and some do not; all have to mean one account.
    pub(super) fn account_is_one(&self) -> Result<()> {
        match self.env.iter().find(|(_, block)| block.account_id.is_some()) {
            None => Ok(()),
            Some((env, _)) => {
                bail!("[env.{env}] has an account_id; write it at the top of the file, for all")
            }
        }
    }

    /// A binding to a Worker of another file is most often a stage that asks production's objects.
    pub(super) fn objects_are_within(&self) -> Result<()> {
        let is_named = |script: &str| self.env.values().any(|block| block.name == script);
        let bound = self.env.iter().flat_map(|(env, block)| {
            block.durable_objects.bindings.iter().map(move |it| (env, it.script_name.as_deref()))
        });
        match bound.filter_map(|(env, it)| Some((env, it?))).find(|(_, it)| !is_named(it)) {
            None => Ok(()),
            Some((env, script)) => {
                bail!("[env.{env}] binds to `{script}`, which no block of the file is named")
            }
        }
    }

    /// The one database; blocks that name two would not see each other's rows.
    pub(super) fn database(&self) -> Result<Option<Database>> {
        let listed = self.env.iter().flat_map(|(env, block)| {
            block.d1_databases.iter().map(move |database| database.read(env))
        });
        let all = listed.collect::<Result<Vec<Database>>>()?;
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

    fn worker(&self, env: &str, block: &Block) -> Worker {
        let bindings = || self.env.values().flat_map(|block| &block.durable_objects.bindings);
        let rank = match () {
            () if bindings().any(|it| it.script_name.as_ref() == Some(&block.name)) => {
                Rank::Objects
            }
            () if !block.queues.consumers.is_empty() => Rank::Consumer,
            () => Rank::Public,
        };
        Worker {
            env: env.to_owned(),
            name: block.name.clone(),
            rank,
            routes: block.route.iter().chain(&block.routes).map(RouteForm::read).collect(),
            workers_dev: block.workers_dev.or(self.workers_dev).unwrap_or(!block.is_routed()),
            missing: settings::mistakes(env, &block.vars),
            unread: settings::unread(env, &block.vars),
            listed: block.vars.keys().cloned().collect(),
        }
    }
}

impl Block {
    /// Without a route wrangler puts a Worker under workers.dev, unless it is told not to.
    fn is_routed(&self) -> bool {
        self.route.is_some() || !self.routes.is_empty()
    }

    fn queues_of(&self) -> queues::Block<'_> {
        let Queues { producers, consumers } = &self.queues;
        queues::Block {
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
    fn read(&self) -> Route {
        let (pattern, is_domain) = match self {
            Self::Bare(pattern) => (pattern, false),
            Self::Full { pattern, custom_domain } => (pattern, *custom_domain),
        };
        Route { pattern: pattern.clone(), is_domain }
    }
}

impl Queues {
    fn names(&self) -> impl Iterator<Item = String> {
        let all = self.producers.iter().chain(&self.consumers);
        all.flat_map(|queue| [Some(queue.queue.clone()), queue.dead_letter_queue.clone()]).flatten()
    }
}

impl D1 {
    fn read(&self, env: &str) -> Result<Database> {
        if self.migrations_dir.is_none() {
            bail!("[env.{env}] has a database without `migrations_dir = \"migrations\"`");
        }
        let id = self.database_id.clone().filter(|id| is_uuid(id));
        Ok(Database { name: self.database_name.clone(), id, env: env.to_owned() })
    }
}
