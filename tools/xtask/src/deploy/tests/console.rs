//! The operators' console: never deployed closed, never reachable around Access.

use std::collections::BTreeMap;

use super::{FILE, all_there, commands, config};
use crate::deploy::config::DeployConfig;
use crate::deploy::observed::AccountState;
use crate::deploy::stage::{self, DeployStage};
use crate::deploy::{manual_steps, plan, shown};

const BLOCK: &str = r#"
[env.console]
name = "rolecall-console"
main = "console/build/index.js"
routes = [{ pattern = "console.example.com", custom_domain = true }]

[[env.console.queues.producers]]
binding = "EVENTS"
queue = "rolecall-events"

[[env.console.d1_databases]]
binding = "DB"
database_name = "rolecall"
database_id = "rolecall"
migrations_dir = "migrations"

[[env.console.durable_objects.bindings]]
name = "ROLES"
class_name = "RoleCache"
script_name = "rolecall-durable"

[env.console.vars]
"#;

const ACCESS: &str = r#"
ACCESS_TEAM_DOMAIN = "https://example.cloudflareaccess.com"
ACCESS_AUD = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"
"#;

/// The file with a console that has these variables.
fn with(vars: &str) -> String {
    format!("{FILE}{BLOCK}{vars}")
}

fn with_secrets(names: &[&str]) -> AccountState {
    let mut observed = all_there();
    let names = names.iter().map(|&name| name.to_owned()).collect();
    observed.secrets.insert("console".to_owned(), names);
    observed
}

#[test]
fn the_console_is_deployed_after_the_consumer_and_before_what_calls_from_outside() {
    let config = config(&with(ACCESS));
    let envs: Vec<&str> = config.workers.iter().map(|worker| worker.env.as_str()).collect();
    assert_eq!(envs, ["durable", "consumer", "console", "ingest", "ssr"]);
    let plan = plan::plan(&config, None).unwrap();
    let shown = shown(&plan, &config, &commands());
    assert!(shown.contains("npx wrangler deploy --strict --env console"), "{shown}");
}

/// A console that nobody can enter is found at three in the morning.
#[test]
fn a_console_that_nobody_could_enter_is_refused() {
    let blank = "ACCESS_TEAM_DOMAIN = \"\"\nACCESS_AUD = \" \"\n";
    for (vars, secrets, is_open) in [
        ("", &[][..], false),
        (blank, &[], false),
        (blank, &["METRICS_TOKEN"], false),
        (blank, &["OPERATOR_TOKEN"], true),
        (ACCESS, &[], true),
    ] {
        let planned = plan::plan(&config(&with(vars)), Some(&with_secrets(secrets)));
        assert_eq!(planned.is_ok(), is_open, "{vars} {secrets:?}: {planned:?}");
        if let Err(error) = planned {
            let error = error.to_string();
            let next = "npx wrangler secret put OPERATOR_TOKEN --env console --config ";
            assert!(error.contains(next) && error.contains("ACCESS_AUD"), "{error}");
        }
    }
    // A file without a console is no mistake, and neither is an account that nobody looked at.
    plan::plan(&config(FILE), Some(&all_there())).unwrap();
    plan::plan(&config(&with("")), None).unwrap();
}

/// A-2: an application of Access protects a host, and these would be others.
#[test]
fn a_2_an_address_around_access_is_refused() {
    let refused = |text: &str| {
        let error = DeployConfig::parse("wrangler.toml", text).unwrap_err();
        format!("{error:#}")
    };
    let named = "name = \"rolecall-console\"\n";
    for key in ["workers_dev", "preview_urls"] {
        let text = with(ACCESS).replace(named, &format!("{named}{key} = true\n"));
        assert!(refused(&text).contains(&format!("write `{key} = false`")), "{key}");
    }
    let for_all = with(ACCESS).replacen("workers_dev = false", "preview_urls = true", 1);
    assert!(refused(&for_all).contains("preview_urls"));
    // By wrangler's default, without a route.
    let route = "routes = [{ pattern = \"console.example.com\", custom_domain = true }]\n";
    let silent = with(ACCESS).replacen("workers_dev = false", "", 1).replace(route, "");
    assert!(refused(&silent).contains("workers_dev"));
}

#[track_caller]
fn check_left(vars: &str, observed: Option<&AccountState>, want: &[&str]) {
    let config = config(&with(vars));
    let left = manual_steps::left(&config, &commands(), observed, &BTreeMap::new());
    let ours: Vec<&String> = left
        .iter()
        .filter(|item| ["console", "Access", "/metrics"].iter().any(|word| item.contains(word)))
        .collect();
    assert_eq!(ours.len(), want.len(), "{ours:#?}");
    for (item, part) in ours.iter().zip(want) {
        assert!(item.contains(part), "{part} is missing in {item}");
    }
}

#[test]
fn what_is_left_for_the_console_is_listed() {
    let access = "Protect console.example.com by Cloudflare Access";
    let token = "npx wrangler secret put OPERATOR_TOKEN --env console";
    let metrics = "npx wrangler secret put METRICS_TOKEN --env console";
    check_left("", None, &[access, token, metrics]);
    check_left(ACCESS, None, &[token, metrics]);
    check_left("", Some(&with_secrets(&["OPERATOR_TOKEN"])), &[access]);
    check_left(ACCESS, Some(&with_secrets(&["OPERATOR_TOKEN"])), &[]);
    // Who uses Access alone is told of the tokens once, with the first deployment.
    check_left(ACCESS, Some(&all_there()), &[token, metrics]);
}

/// Wrangler would offer an address that Access does not protect.
#[test]
fn a_console_without_a_host_gets_no_advice_to_use_workers_dev() {
    let text = with(ACCESS)
        .replace("routes = [{ pattern = \"console.example.com\", custom_domain = true }]\n", "");
    let left = manual_steps::left(&config(&text), &commands(), None, &BTreeMap::new());
    let said = left.iter().find(|item| item.starts_with("Give rolecall-console")).unwrap();
    assert!(said.contains("console.example.com") && !said.contains("workers_dev"), "{said}");
}

/// Otherwise who may enter production's console could enter the stage's, and the other way round.
#[test]
fn a_stage_has_its_own_application_of_access() {
    let text = with(&format!("{ACCESS}OPERATORS = \"ada@example.com\"\n"));
    let made = stage::form(&text, &DeployStage::parse("staging").unwrap()).unwrap();
    for part in ["ACCESS_TEAM_DOMAIN = \"\"", "ACCESS_AUD = \"\"", "OPERATORS = \"\""] {
        assert!(made.contains(part), "{part} is missing in\n{made}");
    }
    assert!(made.contains("pattern = \"staging.console.example.com\""), "{made}");
}
