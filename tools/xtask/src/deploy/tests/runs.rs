//! Deployments carried out on a stand-in for wrangler and the account behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Result;
use tempfile::TempDir;

use super::{FILE, ID, commands, with_id};
use crate::deploy::config::DeployConfig;
use crate::deploy::execute::{self, DeployResult};
use crate::deploy::stage::{self, DeployStage};
use crate::deploy::wrangler::{CommandOutput, Wrangler, WranglerCommand, WranglerCommands};
use crate::deploy::{bundle, observed, plan, rehearse};
use crate::place::Place;

/// An account, as wrangler changes and shows it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Account {
    /// How long each queue keeps its messages.
    queues: BTreeMap<String, String>,
    databases: BTreeMap<String, String>,
    /// The environments that were deployed, in order, without repetitions.
    workers: Vec<String>,
    /// Whether the deployed `durable` has the class `Meter`, which every Worker binds.
    has_meter: bool,
    is_migrated: bool,
}

#[derive(Debug, Default)]
struct StandIn {
    account: Account,
    /// Every command.
    heard: Vec<String>,
    /// The command that begins so fails, and changes nothing.
    fails: Option<String>,
}

impl Wrangler for StandIn {
    fn begin(&mut self, _: &str) {}

    fn end(&mut self, _: &str) {}

    fn run(&mut self, command: &WranglerCommand) -> Result<CommandOutput> {
        let words: Vec<&str> = command.args().iter().map(String::as_str).collect();
        self.heard.push(words.join(" "));
        if self.fails.as_ref().is_some_and(|begins| words.join(" ").starts_with(begins)) {
            return Ok(failed("on purpose"));
        }
        Ok(self.account.answer(&words))
    }
}

impl Account {
    fn answer(&mut self, words: &[&str]) -> CommandOutput {
        match words {
            ["queues", "list", "--page", page, ..] => said(&self.page(page.parse().unwrap())),
            ["queues", "create", name, _, _, ..] if self.queues.contains_key(*name) => {
                failed("the queue name is taken")
            }
            ["queues", "create", name, "--message-retention-period-secs", time, ..] => {
                self.queues.insert((*name).to_owned(), (*time).to_owned());
                said("✅ Created queue")
            }
            ["queues", "update", name, _, time, ..] => match self.queues.get_mut(*name) {
                Some(queue) => {
                    *queue = (*time).to_owned();
                    said("Updated queue")
                }
                None => failed("no such queue"),
            },
            ["d1", "list", "--json", ..] => {
                let listed: Vec<String> = self
                    .databases
                    .iter()
                    .map(|(name, uuid)| format!(r#"{{"uuid":"{uuid}","name":"{name}"}}"#))
                    .collect();
                said(&format!("[{}]", listed.join(",")))
            }
            ["d1", "create", name, ..] if self.databases.contains_key(*name) => {
                failed("a database of that name exists")
            }
            ["d1", "create", name, ..] => {
                self.databases.insert((*name).to_owned(), ID.to_owned());
                said("✅ Successfully created DB")
            }
            ["d1", "migrations", "apply", name, "--remote", "--env", "consumer", ..] => {
                assert!(self.databases.contains_key(*name), "migrations before the database");
                let before = std::mem::replace(&mut self.is_migrated, true);
                said(if before { "✅ No migrations to apply!" } else { "applied" })
            }
            ["secret", "list", "--format", "json", "--env", env, ..] => {
                if self.workers.iter().any(|worker| worker == env) {
                    return said("[]");
                }
                failed(&format!("Worker \"rolecall-{env}\" (env: {env}) not found."))
            }
            ["deploy", "--dry-run", ..] => said("--dry-run: exiting now."),
            ["deploy", "--strict", "--env", env, ..] => self.deploy(env),
            other => panic!("wrangler has no such command: {other:?}"),
        }
    }

    fn deploy(&mut self, env: &str) -> CommandOutput {
        assert!(self.is_migrated, "{env} before the migrations");
        let is_there = |other: &str| self.workers.iter().any(|worker| worker == other);
        self.has_meter |= env == "durable";
        if !self.has_meter {
            return failed("binds to objects that are not there");
        }
        if !is_there(env) {
            self.workers.push(env.to_owned());
        }
        said(&format!("Deployed triggers\n  https://rolecall-{env}.ada.workers.dev\nVersion: 1"))
    }

    /// Two queues to a page, so that there is more than one.
    fn page(&self, page: usize) -> String {
        let names: Vec<&String> = self.queues.keys().skip((page - 1) * 2).take(2).collect();
        if names.is_empty() {
            return String::new();
        }
        let rows = names.iter().map(|name| format!("│ q │ {name} │\n"));
        format!("┌───┐\n│ id │ name │\n├───┤\n{}└───┘", rows.collect::<String>())
    }
}

fn said(out: &str) -> CommandOutput {
    CommandOutput { success: true, out: format!("{out}\n"), tail: out.to_owned() }
}

fn failed(text: &str) -> CommandOutput {
    CommandOutput { success: false, out: String::new(), tail: format!("    ✘ [ERROR] {text}") }
}

/// A clone with nothing but its configuration.
fn clone() -> (TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrangler.toml"), FILE).unwrap();
    let place = Place { root: folder.path().into(), cache: folder.path().into() };
    (folder, place)
}

/// What `cargo xtask deploy --yes` does once it knows the account.
fn deploy(place: &Place, wrangler: &mut StandIn) -> Result<DeployResult> {
    let config = stage::load(place, None)?;
    let commands = commands();
    let observed = observed::observe(&config, &commands, wrangler)?;
    let plan = plan::plan(&config, Some(&observed))?;
    execute::execute(&plan, &config, &place.root, &commands, wrangler)
}

fn file(place: &Place) -> String {
    fs::read_to_string(place.root.join("wrangler.toml")).unwrap()
}

#[test]
fn an_empty_account_is_deployed_to_and_the_id_is_written() {
    let (_folder, place) = clone();
    let mut wrangler = StandIn::default();
    let done = deploy(&place, &mut wrangler).unwrap();
    assert!(done.is_noted);
    assert_eq!(done.addresses["ingest"], "https://rolecall-ingest.ada.workers.dev");
    assert_eq!(file(&place), with_id(ID));
    let account = wrangler.account;
    assert_eq!(account.workers, ["durable", "consumer", "ingest", "ssr"]);
    let days: BTreeSet<&str> = account.queues.values().map(String::as_str).collect();
    assert_eq!(days, BTreeSet::from(["1209600"]));
    assert_eq!(account.queues.len(), 2);
}

#[test]
fn a_second_run_makes_nothing_again() {
    let (_folder, place) = clone();
    let mut wrangler = StandIn::default();
    deploy(&place, &mut wrangler).unwrap();
    let before = wrangler.account.clone();
    wrangler.heard.clear();
    let done = deploy(&place, &mut wrangler).unwrap();
    assert!(!done.is_noted);
    assert_eq!(wrangler.account, before);
    assert!(!wrangler.heard.iter().any(|heard| heard.contains("create")), "{:?}", wrangler.heard);
}

#[test]
fn a_system_without_the_class_meter_is_updated() {
    let (_folder, place) = clone();
    let mut wrangler = StandIn::default();
    deploy(&place, &mut wrangler).unwrap();
    wrangler.account.has_meter = false;
    deploy(&place, &mut wrangler).unwrap();
    assert!(wrangler.account.has_meter);
}

#[test]
fn queues_are_found_on_later_pages_and_their_retention_is_set() {
    let (_folder, place) = clone();
    let mut wrangler = StandIn::default();
    for name in ["a", "b", "c", "rolecall-events", "rolecall-dead"] {
        wrangler.account.queues.insert(name.to_owned(), "345600".to_owned());
    }
    deploy(&place, &mut wrangler).unwrap();
    assert_eq!(wrangler.account.queues["rolecall-dead"], "1209600");
    assert_eq!(wrangler.account.queues["rolecall-events"], "1209600");
    assert_eq!(wrangler.account.queues["a"], "345600");
}

/// Whatever step fails, nothing comes after it, and the next run ends where an undisturbed one
/// does.
#[test]
fn an_interrupted_run_is_continued() {
    let (_folder, place) = clone();
    let mut undisturbed = StandIn::default();
    deploy(&place, &mut undisturbed).unwrap();
    let steps = [
        "queues create rolecall-dead",
        "queues create rolecall-events",
        "d1 create",
        "d1 migrations",
        "deploy --strict --env durable",
        "deploy --strict --env consumer",
        "deploy --strict --env ingest",
        "deploy --strict --env ssr",
    ];
    for fails in steps {
        let (_folder, place) = clone();
        let mut wrangler = StandIn { fails: Some(fails.to_owned()), ..StandIn::default() };
        let error = format!("{:#}", deploy(&place, &mut wrangler).unwrap_err());
        for part in ["on purpose", fails, "Stopped at step", "Run the same command again"] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
        assert!(wrangler.heard.last().unwrap().starts_with(fails), "{:?}", wrangler.heard);
        wrangler.fails = None;
        deploy(&place, &mut wrangler).unwrap();
        assert_eq!(wrangler.account, undisturbed.account, "after {fails}");
        assert_eq!(file(&place), with_id(ID), "after {fails}");
    }
}

#[test]
fn without_read_access_nothing_is_changed() {
    for fails in ["queues list", "d1 list", "secret list"] {
        let (_folder, place) = clone();
        let mut wrangler = StandIn { fails: Some(fails.to_owned()), ..StandIn::default() };
        deploy(&place, &mut wrangler).unwrap_err();
        assert_eq!(wrangler.account, Account::default(), "{fails}");
        assert_eq!(file(&place), FILE);
    }
}

/// The rehearsal of the clone's own file and of a stage's made from it: it plans everything, and
/// runs nothing but what works without a network.
#[test]
fn a_rehearsal_sends_no_request() {
    let own = Place::find().unwrap();
    let (folder, place) = clone();
    fs::copy(own.root.join("wrangler.toml"), folder.path().join("wrangler.toml")).unwrap();
    let staging = DeployStage::parse("staging").unwrap();
    stage::init(&place, &staging).unwrap();
    for (stage, suffix) in [(None, ""), (Some(&staging), "-staging")] {
        let config: DeployConfig = stage::load(&place, stage).unwrap();
        let commands = WranglerCommands { file: config.file.clone(), revision: None };
        let mut wrangler = StandIn::default();
        bundle(&config, &commands, &mut wrangler).unwrap();
        let is_local = |heard: &String| heard.starts_with("deploy --dry-run --outdir ");
        assert!(wrangler.heard.iter().all(is_local), "{:?}", wrangler.heard);
        assert_eq!(wrangler.heard.len(), config.workers.len());

        let shown = rehearse(&config, &commands).unwrap();
        for part in [
            format!("queues create rolecall-events{suffix} --message-retention"),
            format!("queues create rolecall-dead{suffix} --message-retention"),
            format!("d1 migrations apply rolecall{suffix} --remote --env "),
            "npx wrangler deploy --strict --env ssr".to_owned(),
            "secret put CLERK_WEBHOOK_SECRET --env ingest".to_owned(),
            "Nothing was asked of Cloudflare".to_owned(),
        ] {
            assert!(shown.contains(&part), "{part} is missing in\n{shown}");
        }
    }
}
