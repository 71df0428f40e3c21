//! What is read of a file, what is refused, and the file of a stage.

use std::fs;

use super::{FILE, ID, config, with_id};
use crate::deploy::config::{DeployConfig, is_uuid};
use crate::deploy::stage::{self, DeployStage};
use crate::place::Place;

fn staging() -> DeployStage {
    DeployStage::parse("staging").unwrap()
}

/// The root's file, whatever its owner made of it.
fn root_file() -> String {
    fs::read_to_string(Place::find().unwrap().root.join("wrangler.toml")).unwrap()
}

#[track_caller]
fn refused(text: &str, parts: &[&str]) -> String {
    let error = format!("{:#}", DeployConfig::parse("wrangler.toml", text).unwrap_err());
    for part in parts {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
    error
}

#[test]
fn workers_with_objects_come_first_then_consumers_then_public_workers() {
    let envs = |config: &DeployConfig| -> Vec<String> {
        config.workers.iter().map(|worker| worker.env.clone()).collect()
    };
    assert_eq!(envs(&config(FILE)), ["durable", "consumer", "ingest", "ssr"]);
    let root = envs(&config(&root_file()));
    assert_eq!(root[..2], ["durable", "consumer"]);
    assert!(root.iter().any(|env| env == "ingest") && root.iter().any(|env| env == "ssr"));
}

/// Wrangler's own default, where the file does not say.
#[test]
fn a_worker_without_a_route_is_under_workers_dev_by_default() {
    let is_there = |text: &str, env: &str| {
        let config = config(text);
        config.workers.iter().find(|worker| worker.env == env).unwrap().workers_dev
    };
    assert!(!is_there(FILE, "consumer") && is_there(FILE, "ssr"));
    let silent = FILE.replacen("workers_dev = false", "", 1);
    assert!(is_there(&silent, "consumer") && !is_there(&silent, "ingest"));
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_printed() {
    let values = ["whsec_MfKQ9r8G", "sk_live_abcdef", "sk_test_abcdef", "-----BEGIN PRIVATE KEY--"];
    for value in values {
        let text = FILE.replace("\"/sign-in\"", &format!("\"{value}\""));
        let error = refused(&text, &["env.ssr.vars.SIGN_IN_URL", "secret put"]);
        assert!(!error.contains(value), "{error}");
    }
    // Without its quotes, which is no TOML, and in a comment, which is no value.
    let unquoted = FILE.replace("\"/sign-in\"", "whsec_MfKQ9r8G");
    let error = refused(&unquoted, &["is not as expected: line ", ", column 1"]);
    assert!(!error.contains("MfKQ"), "{error}");
    let error = refused(&format!("# whsec_MfKQ9r8G\n{FILE}"), &["a secret at line 1;"]);
    assert!(!error.contains("MfKQ"), "{error}");
    let text = FILE.replace("SIGN_IN_URL = \"/sign-in\"", "CLERK_SECRET_KEY = \"hush\"");
    let error = refused(&text, &["env.ssr.vars.CLERK_SECRET_KEY"]);
    assert!(!error.contains("hush"), "{error}");
    let listed = format!("{FILE}\n[env.ssr.observability]\nlist = [[\"whsec_MfKQ9r8G\"]]\n");
    refused(&listed, &["env.ssr.observability.list"]);
}

#[test]
fn blocks_that_do_not_fit_together_are_refused() {
    let other = FILE.replacen("rolecall-durable", "production-durable", 1);
    refused(&other, &["[env.consumer]", "`production-durable`"]);
    let other = FILE.replacen("database_id = \"rolecall\"", &format!("database_id = \"{ID}\""), 1);
    refused(&other, &["[env.consumer] and [env.durable] have different databases"]);
    let other = FILE.replacen("migrations_dir = \"migrations\"", "", 1);
    refused(&other, &["[env.consumer] has a database without"]);
    let other = FILE.replacen("[env.ingest]", "[env.ingest]\naccount_id = \"a\"", 1);
    refused(&other, &["[env.ingest] has an account_id"]);
    refused("name = \"x\"", &["wrangler.toml is not as expected"]);
}

/// A consumer that takes a queue for none it knows applies nothing.
#[test]
fn a_consumer_whose_variables_do_not_name_its_queues_is_refused() {
    let vars = "EVENTS_QUEUE = \"rolecall-events\", DEAD_QUEUE = \"rolecall-dead\"";
    let with = |changed: &str| FILE.replacen(vars, changed, 1);
    refused(
        &with("EVENTS_QUEUE = \"\""),
        &["[env.consumer] reads the queue `rolecall-dead`", "EVENTS_QUEUE = ", "DEAD_QUEUE = "],
    );
    let old = with("DEAD_QUEUE = \"rolecall-dead\"");
    refused(&old, &["[env.consumer] reads the queue `rolecall-events`"]);
    let other = with(&vars.replace("rolecall-events", "rolecall-events-staging"));
    refused(&other, &["reads the queue `rolecall-events`"]);
    let swapped = "EVENTS_QUEUE = \"rolecall-dead\", DEAD_QUEUE = \"rolecall-events\"";
    refused(&with(swapped), &["is not the dead_letter_queue of `rolecall-dead`"]);
    let extra = "[[env.consumer.queues.consumers]]\nqueue = \"rolecall-dead\"\n";
    refused(&FILE.replacen(extra, "", 1), &["DEAD_QUEUE = \"rolecall-dead\"", "does not read"]);
    let astray = FILE.replacen("queue = \"rolecall-events\"", "queue = \"rolecall-event\"", 1);
    refused(&astray, &["[env.ingest] sends to the queue `rolecall-event`"]);
}

#[test]
fn a_placeholder_is_not_an_id() {
    assert!(is_uuid(ID));
    for text in ["rolecall", "", "0b0f1a3c-7a0e-4c4e-9f55-3b9a7d0c1e2", "<your-database-id>"] {
        assert!(!is_uuid(text), "{text}");
    }
    assert_eq!(config(FILE).database.unwrap().id, None);
    assert_eq!(config(&with_id(ID)).database.unwrap().id.as_deref(), Some(ID));
    // What the local runtime has instead of the id stays.
    assert!(with_id(ID).contains("preview_database_id = \"rolecall\"\n"));
}

/// Everything by which a stage could reach what is production's.
#[test]
fn a_stage_shares_nothing_with_the_root() {
    for text in [FILE.to_owned(), with_id(ID), root_file()] {
        let made = stage::form(&text, &staging()).unwrap();
        let stage = DeployConfig::parse("wrangler.staging.toml", &made).unwrap();
        let root = config(&text);
        assert!(stage.names().is_disjoint(&root.names()));
        assert_eq!(stage.workers.len(), root.workers.len());
        for (one, other) in stage.workers.iter().zip(&root.workers) {
            assert_eq!(one.name, format!("{}-staging", other.name));
            assert_eq!(one.rank, other.rank);
        }
        for queue in &root.queues {
            assert!(stage.queues.contains(&format!("{queue}-staging")), "{queue}");
        }
        assert_eq!(stage.database.unwrap().id, None);
    }
}

#[test]
fn a_stage_has_its_own_clerk_hosts_and_counters_and_keeps_the_rest() {
    let made = stage::form(FILE, &staging()).unwrap();
    for part in [
        "# The stage `staging`, made from wrangler.toml",
        "pattern = \"staging.hooks.example.com\", custom_domain = true",
        "AUTHORIZED_PARTIES = \"\", CLERK_PUBLISHABLE_KEY = \"\", SIGN_IN_URL = \"/sign-in\"",
        "CLERK_API_URL = \"https://api.clerk.com/v1\"",
        "dead_letter_queue = \"rolecall-dead-staging\"",
        "EVENTS_QUEUE = \"rolecall-events-staging\", DEAD_QUEUE = \"rolecall-dead-staging\"",
        "script_name = \"rolecall-durable-staging\"",
        "database_id = \"rolecall-staging\" # the placeholder\n",
        "preview_database_id = \"rolecall-staging\"\n",
        "name = \"ROLES\"",
        "name = \"INGEST_LIMIT\"",
    ] {
        assert!(made.contains(part), "{part} is missing in\n{made}");
    }
    assert!(!made.contains("\"1001\""));
    assert_eq!(made, stage::form(FILE, &staging()).unwrap());
}

#[test]
fn a_stage_does_not_use_the_sign_in_of_production() {
    let elsewhere =
        "SIGN_IN_URL = \"https://a.example/in\", SIGN_OUT_URL = \"https://a.example/out\"";
    let text = FILE.replace("SIGN_IN_URL = \"/sign-in\"", elsewhere);
    let made = stage::form(&text, &staging()).unwrap();
    assert!(made.contains("SIGN_IN_URL = \"\", SIGN_OUT_URL = \"\""), "{made}");
}

#[test]
fn a_resource_that_a_stage_would_share_is_refused() {
    let text = format!("{FILE}\n[[env.ssr.kv_namespaces]]\nbinding = \"KV\"\nid = \"a\"\n");
    let error = stage::form(&text, &staging()).unwrap_err().to_string();
    assert!(error.contains("[env.ssr] has `kv_namespaces`"), "{error}");
}

#[test]
fn a_stage_is_made_once_and_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { root: folder.path().into(), cache: folder.path().into() };
    fs::write(folder.path().join("wrangler.toml"), FILE).unwrap();
    let error = format!("{:#}", stage::load(&place, Some(&staging())).unwrap_err());
    assert!(error.contains("cargo xtask deploy --stage staging --init"), "{error}");

    stage::init(&place, &staging()).unwrap();
    let config = stage::load(&place, Some(&staging())).unwrap();
    assert_eq!(config.file, "wrangler.staging.toml");
    assert!(stage::init(&place, &staging()).is_err());
    assert_eq!(fs::read_to_string(folder.path().join("wrangler.toml")).unwrap(), FILE);
}

#[test]
fn a_stage_with_a_name_of_production_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { root: folder.path().into(), cache: folder.path().into() };
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let made = stage::form(FILE, &staging()).unwrap();
    write("wrangler.toml", FILE);
    write("wrangler.staging.toml", &made.replace("rolecall-dead-staging", "rolecall-dead"));
    let error = stage::load(&place, Some(&staging())).unwrap_err().to_string();
    assert!(error.contains("both name rolecall-dead;"), "{error}");

    // A custom domain and a pattern may have one host.
    let host = made.replace("staging.hooks.example.com", "Hooks.Example.com/webhooks/*");
    write("wrangler.staging.toml", &host);
    let error = stage::load(&place, Some(&staging())).unwrap_err().to_string();
    assert!(error.contains("both name hooks.example.com;"), "{error}");

    // A limiter that was copied, and one that was forgotten.
    let start = made.find("[[env.ingest.ratelimits]]").unwrap();
    let line = made[start..].lines().find(|line| line.contains("namespace_id")).unwrap();
    let forgotten = made.replace("[[env.ingest.ratelimits]]", "[[env.ingest.others]]");
    for text in [made.replace(line, "namespace_id = \"1001\""), forgotten] {
        write("wrangler.staging.toml", &text);
        let error = stage::load(&place, Some(&staging())).unwrap_err().to_string();
        assert!(error.contains("the name INGEST_LIMIT"), "{error}");
    }

    // A number of production's under another binding.
    let second = "[[env.ssr.ratelimits]]\nname = \"B\"\nnamespace_id = ";
    write("wrangler.toml", &format!("{FILE}\n{second}\"1002\"\n"));
    write("wrangler.staging.toml", &format!("{made}\n{second}\"1001\"\n"));
    let error = stage::load(&place, Some(&staging())).unwrap_err().to_string();
    assert!(error.contains("the name B"), "{error}");

    // Accounts of their own may use the same names.
    write("wrangler.toml", &format!("account_id = \"a\"\n{FILE}"));
    write("wrangler.staging.toml", &format!("account_id = \"b\"\n{FILE}"));
    stage::load(&place, Some(&staging())).unwrap();
    write("wrangler.staging.toml", &format!("account_id = \"a\"\n{FILE}"));
    assert!(stage::load(&place, Some(&staging())).is_err());
}

#[test]
fn a_stage_name_is_valid_in_other_names() {
    for name in ["staging", "pr-12", "a"] {
        assert!(DeployStage::parse(name).is_ok(), "{name}");
    }
    for name in ["", "Staging", "-a", "a-", "a.b", "../a", "a b", &"a".repeat(31)] {
        assert!(DeployStage::parse(name).is_err(), "{name}");
    }
}
