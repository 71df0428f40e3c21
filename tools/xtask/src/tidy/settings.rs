//! Rules for settings and for numbers that stand in two places: each has one source.

use std::fs;

use shared::admission::RATE_LIMIT_RETRY_AFTER_S;
use shared::limits;
use shared::settings::consumer::{DEAD_QUEUE, EVENTS_QUEUE};
use shared::settings::table::{SETTINGS, SettingKind, SettingRow, TABLE_HEADER};
use toml::{Table, Value};

use super::{assert_none, root};

fn read_file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The variables in wrangler's configuration: environment, name, value.
fn variables(text: &str) -> Vec<(String, String, Value)> {
    let config: Table = text.parse().unwrap();
    let blocks = config["env"].as_table().unwrap().iter();
    let vars = blocks.filter_map(|(env, block)| Some((env, block.get("vars")?.as_table()?)));
    let all = vars.flat_map(|(env, vars)| vars.iter().map(move |it| (env, it)));
    all.map(|(env, (name, value))| (env.clone(), name.clone(), value.clone())).collect()
}

fn row(env: &str, name: &str) -> Option<&'static SettingRow> {
    SETTINGS.iter().find(|row| row.worker.env() == env && row.name == name)
}

#[test]
fn the_readme_shows_the_table_of_settings() {
    let rows: Vec<String> = SETTINGS.iter().map(|row| format!("{row}\n")).collect();
    let want = format!("\n\n{TABLE_HEADER}\n{}\n", rows.concat());
    let is_there = read_file("README.md").contains(&want);
    assert!(is_there, "put this under \"Configure it\" in README.md:{want}");
}

/// An operator may change the file; as published it has the defaults.
#[test]
fn the_configuration_begins_with_the_defaults() {
    let variables = variables(&read_file("wrangler.toml"));
    let parties = variables.iter().find(|(_, name, _)| name == "AUTHORIZED_PARTIES");
    if parties.and_then(|(_, _, value)| value.as_str()) != Some("") {
        return;
    }
    let mut wrong = Vec::new();
    for (env, name, value) in &variables {
        let want = match row(env, name) {
            // The file names its own queues; `deploy` holds the two to each other.
            Some(row) if [EVENTS_QUEUE, DEAD_QUEUE].contains(&row.name) => continue,
            Some(row) => default(row),
            None => "nothing: no Worker reads it".to_owned(),
        };
        if value.as_str() != Some(want.as_str()) {
            wrong.push(format!("[env.{env}] {name} is {value}, and its default is `{want}`"));
        }
    }
    assert!(
        5 < variables.len(),
        "few variables were found; does this test look in the right place?"
    );
    assert_none(&wrong, "fix wrangler.toml, or shared/src/settings");
}

/// As it stands in the file: nothing where there is none, to be filled in.
fn default(row: &SettingRow) -> String {
    match row.kind {
        SettingKind::Number(number) => number.default.to_string(),
        SettingKind::Text(_) | SettingKind::Secret => {
            let quoted = row.default.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
            quoted.unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn the_guide_sets_what_there_is() {
    let text = read_file("docs/deploy.md");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let set: Vec<_> = blocks.flat_map(variables).collect();
    assert!(3 < set.len(), "the guide sets few variables; does this test look in the right place?");
    let unknown = set.iter().filter(|(env, name, _)| row(env, name).is_none());
    let unknown: Vec<String> =
        unknown.map(|(env, name, _)| format!("[env.{env}] {name}")).collect();
    assert_none(&unknown, "name a setting that exists");
}

#[test]
fn the_configuration_names_every_setting() {
    let text = read_file("wrangler.toml");
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
    let unnamed = SETTINGS.iter().filter(|row| !words.contains(&row.name));
    let unnamed: Vec<String> = unnamed.map(|row| row.name.to_owned()).collect();
    assert_none(&unnamed, "name it in the comment above its block of wrangler.toml");
}

/// `what` of the file at `path`, beside the number that it has to be, on one line or on two.
#[track_caller]
fn agrees(path: &str, what: &str) {
    let text = read_file(path);
    let says = text.split_whitespace().collect::<Vec<_>>().join(" ").contains(what);
    assert!(says, "{path} does not say `{what}`");
}

#[test]
fn what_stands_in_two_places_agrees() {
    let thousands = |ms: u64| format!("{}_{:03}", ms / 1000, ms % 1000);
    let answer = thousands(limits::ROLE_QUERY_TIMEOUT_MS);
    agrees("packages/guard/src/role-query.ts", &format!("const ROLE_QUERY_TIMEOUT_MS = {answer};"));
    let hard_s = limits::ROLES_HARD_MS_DEFAULT / 1000;
    agrees("packages/guard/README.md", &format!("`ROLES_HARD_MS` ({hard_s} s)"));
    agrees("README.md", &format!("if every hint is lost, within {hard_s} s."));
    agrees("README.md", &format!("The session token itself lives {hard_s} s."));

    let config: Table = read_file("wrangler.toml").parse().unwrap();
    let ingest = &config["env"]["ingest"];
    let period = ingest["ratelimits"][0]["simple"]["period"].as_integer().unwrap();
    assert_eq!(i64::from(RATE_LIMIT_RETRY_AFTER_S), period);
    let crons = &config["env"]["consumer"]["triggers"]["crons"];
    assert_eq!(crons.as_array().unwrap(), &[Value::from("* * * * *")]);
    assert_eq!(limits::SWEEP_INTERVAL_MS, 60_000, "each minute");
}
