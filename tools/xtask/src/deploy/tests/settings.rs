//! Variables that a Worker would refuse: no request is sent, and no value is shown.

use std::collections::BTreeMap;

use shared::settings::table::{SETTINGS, SettingKind, SettingRow, WorkerName};

use super::{FILE, all_there, commands, config};
use crate::deploy::config::DeployConfig;
use crate::deploy::manual_steps;
use crate::deploy::stage::{self, DeployStage};

/// The file with these variables of one Worker in place of its own.
fn with(env: &str, vars: &str) -> String {
    let block = format!("[env.{env}]\n");
    let at = FILE.find(&block).unwrap() + block.len();
    let (before, after) = FILE.split_at(at);
    let end = after.find("\n[").unwrap();
    let own: Vec<&str> = after[..end].lines().filter(|line| !line.starts_with("vars")).collect();
    let queues = "EVENTS_QUEUE = \"rolecall-events\", DEAD_QUEUE = \"rolecall-dead\", ";
    let vars = if env == "consumer" { format!("{queues}{vars}") } else { vars.to_owned() };
    format!("{before}{}\nvars = {{ {vars} }}\n{}", own.join("\n"), &after[end..])
}

#[track_caller]
fn refused(env: &str, vars: &str, part: &str) {
    let error =
        format!("{:#}", DeployConfig::parse("wrangler.toml", &with(env, vars)).unwrap_err());
    let want = format!("[env.{env}] vars: {part}");
    assert!(error.contains(&want), "{want} is missing in {error}");
    assert!(error.starts_with("wrangler.toml sets variables"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn a_value_that_a_worker_would_refuse_is_refused_with_its_message() {
    refused("ingest", "CLERK_INSTANCE_ID = true", "CLERK_INSTANCE_ID is not a string: write");
    refused(
        "ingest",
        "CLERK_INSTANCE_ID = \"canary\"",
        "CLERK_INSTANCE_ID is not a Clerk instance id",
    );
    refused("ingest", "BODY_BYTES_MAX = \"canary\"", "BODY_BYTES_MAX is not a whole number of");
    refused("ingest", "BODY_BYTES_MAX = [65536]", "BODY_BYTES_MAX is not a whole number of");
    refused("ingest", "BODY_BYTES_MAX = 1.5", "BODY_BYTES_MAX is not a whole number of");
    refused("consumer", "DEFAULT_ROLE = \"org:canary\"", "DEFAULT_ROLE is an organization role");
    refused("consumer", "DEFAULT_ROLE = { canary = 1 }", "DEFAULT_ROLE is not a string: write");
    refused("durable", "ROLES_HARD_MS = inf", "ROLES_HARD_MS is not a whole number of");
    let ages = "ROLES_SOFT_MS = 20000, ROLES_HARD_MS = \"10000\"";
    refused("durable", ages, "ROLES_SOFT_MS is greater than ROLES_HARD_MS");
    for (spelling, part) in [
        ("\"https://canary.example/dashboard\"", "contains more than origins"),
        ("\"https://canary.example;https://b.example\"", "contains a semicolon"),
        ("'[\"https://canary.example\"]'", "contains quotes"),
        ("\"https://*.canary.example\"", "contains a wildcard"),
        ("[\"https://canary.example\", 5]", "is not a string: write"),
        ("true", "is not a string: write"),
    ] {
        let vars = format!("CLERK_ISSUER = \"https://a.example\", AUTHORIZED_PARTIES = {spelling}");
        refused("ssr", &vars, &format!("AUTHORIZED_PARTIES {part}"));
    }
    let issuer = "https://canary.example.com/.well-known/jwks.json";
    refused("ssr", &format!("CLERK_ISSUER = \"{issuer}\""), "CLERK_ISSUER contains /.well-known");
    refused("ssr", "SIGN_IN_URL = \"/canary#in\"", "SIGN_IN_URL contains # or spaces");
    refused(
        "ssr",
        "SIGN_OUT_URL = \"https://canary;x/\"",
        "SIGN_OUT_URL is neither an https URL nor",
    );
}

#[test]
fn all_errors_are_reported_together() {
    let text = with("durable", "ROLES_SOFT_MS = true, ROLES_HARD_MS = \"soon\"");
    let text = text.replace("DEFAULT_ROLE = \"member\"", "DEFAULT_ROLE = 5");
    let error = DeployConfig::parse("wrangler.toml", &text).unwrap_err().to_string();
    for name in ["DEFAULT_ROLE", "ROLES_SOFT_MS", "ROLES_HARD_MS"] {
        assert!(error.contains(&format!("vars: {name} is not")), "{error}");
    }
}

#[test]
fn valid_values_are_accepted_and_missing_ones_are_listed() {
    for (env, vars) in [
        ("durable", "ROLES_SOFT_MS = 5000, ROLES_HARD_MS = 10000"),
        ("ingest", "BODY_BYTES_MAX = 65536"),
        ("ssr", "AUTHORIZED_PARTIES = [\"https://App.example.com/\"], ROLES_ISOLATE_MS = 5000"),
        (
            "ssr",
            "CLERK_ISSUER = \"clerk.example.com\", AUTHORIZED_PARTIES = \"a.example b.example\"",
        ),
        ("ssr", "AUTHORIZED_PARTIES = \"\", OF_YOUR_OWN = { a = 1 }"),
    ] {
        config(&with(env, vars));
    }
}

/// For its Worker a misspelled variable is absent, and some variables protect it.
#[test]
fn an_unread_variable_is_named() {
    let named = |env: &str, vars: &str| -> Vec<String> {
        let config = config(&with(env, vars));
        let left = manual_steps::left(&config, &commands(), Some(&all_there()), &BTreeMap::new());
        let said = left.iter().filter_map(|item| item.split("no Worker reads ").nth(1));
        said.filter_map(|rest| rest.split('.').next()).map(str::to_owned).collect()
    };
    assert_eq!(named("ingest", "CLERK_INSTANCE = \"ins_1\""), ["CLERK_INSTANCE"]);
    assert_eq!(named("durable", "ROLES_SOFT = 1, ROLES_HARD_MS = 2"), ["ROLES_SOFT"]);
    for slip in ["AUTHORISED_PARTIES", "Authorized_Parties", "AUTHORIZEDPARTIES", "SIGNOUT_URL"] {
        assert_eq!(named("ssr", &format!("{slip} = \"\"")), [slip]);
    }
    for slip in ["SIGN_INN_URL", "SGN_IN_URL", "SIGN_IN_UR"] {
        assert_eq!(named("ssr", &format!("{slip} = \"\"")), [slip]);
    }
    assert_eq!(named("ssr", "SIGN_UP_URL = \"/up\", COLOUR = 1, SIGN_IN_URL = \"/\""), [""; 0]);
    assert_eq!(named("consumer", "CLERK_API_URL = \"https://api.example\""), [""; 0]);
}

#[test]
fn a_canary_needs_its_user_and_its_key() {
    let said = |vars: &str, has_key: bool| -> Vec<String> {
        let mut account = all_there();
        let key = has_key.then(|| "CLERK_SECRET_KEY".to_owned());
        account.secrets.insert("consumer".to_owned(), key.into_iter().collect());
        let config = config(&with("consumer", vars));
        let left = manual_steps::left(&config, &commands(), Some(&account), &BTreeMap::new());
        left.into_iter().filter(|item| item.contains("CLERK_SECRET_KEY")).collect()
    };
    let user = "CANARY_USER_ID = \"user_2canary\"";
    assert_eq!(said(user, true), [""; 0]);
    assert_eq!(said("CANARY_USER_ID = \" \"", false), [""; 0]);
    let no_key = said(user, false);
    let put = "npx wrangler secret put CLERK_SECRET_KEY --env consumer";
    assert!(no_key.len() == 1 && no_key[0].contains(put), "{no_key:?}");
    let no_user = said("CANARY_USER_ID = \"\"", true);
    assert!(no_user.len() == 1 && no_user[0].contains("add CANARY_USER_ID"), "{no_user:?}");
}

/// Otherwise a stage would accept production's sessions and deliveries.
#[test]
fn a_stage_has_its_own_clerk_instance() {
    let is_own = |row: &&SettingRow| {
        let others = ["AUTHORIZED_PARTIES", "CANARY_USER_ID"];
        let is_clerks = row.name.starts_with("CLERK_") || others.contains(&row.name);
        // Every instance has the same Backend API.
        let is_shared = row.name == "CLERK_API_URL";
        is_clerks && !is_shared && matches!(row.kind, SettingKind::Text(_))
    };
    let rows: Vec<&SettingRow> = SETTINGS.iter().filter(is_own).collect();
    assert!(rows.iter().any(|row| row.worker == WorkerName::Ingest) && 5 < rows.len());
    for row in rows {
        // Blank in the stage, whatever the root has; this one every Worker takes as absent.
        let text = with(row.worker.env(), &format!("{} = \" \"", row.name));
        let made = stage::form(&text, &DeployStage::parse("staging").unwrap()).unwrap();
        assert!(made.contains(&format!("{} = \"\"", row.name)), "{} stays", row.name);
    }
}
