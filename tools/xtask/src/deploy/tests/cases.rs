//! What is planned, and what is left to a person, by what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use local_clerk::config::WebhookSecret;
use local_clerk::delivery::{DeliveryFaults, SignedRequest, WebhookDelivery};
use shared::event::{self, Payload};
use shared::metrics::labels::synced_types;
use shared::signature::{self, SvixHeaders, WebhookSecrets};
use shared::time::UnixMillis;

use super::{FILE, ID, all_there, commands, config, with_id};
use crate::deploy::execute::DeployResult;
use crate::deploy::manual_steps;
use crate::deploy::observed::AccountState;
use crate::deploy::wrangler::WranglerCommands;
use crate::deploy::{plan, report, shown};

/// The plan's commands without `npx wrangler`, or what a step changes here.
#[track_caller]
fn check(file: &str, observed: Option<&AccountState>, want: &[&str]) {
    let config = config(file);
    let plan = plan::plan(&config, observed).unwrap();
    let commands = commands();
    let shown: Vec<String> = plan
        .0
        .iter()
        .map(|planned| match planned.step.command(&commands) {
            Some(command) => {
                let shown = command.args().join(" ");
                shown.strip_suffix(" --config wrangler.toml").unwrap().to_owned()
            }
            None => planned.step.shown(&config),
        })
        .collect();
    assert_eq!(shown, want);
}

const MIGRATE: &str = "d1 migrations apply rolecall --remote --env consumer";
const DEPLOYS: [&str; 4] = [
    "deploy --strict --env durable",
    "deploy --strict --env consumer",
    "deploy --strict --env ingest",
    "deploy --strict --env ssr",
];
const RETAIN_DEAD: &str = "queues update rolecall-dead --message-retention-period-secs 1209600";
const RETAIN_EVENTS: &str = "queues update rolecall-events --message-retention-period-secs 1209600";
const CREATE_DEAD: &str = "queues create rolecall-dead --message-retention-period-secs 1209600";
const CREATE_EVENTS: &str = "queues create rolecall-events --message-retention-period-secs 1209600";

#[test]
fn in_an_empty_account_everything_is_made_in_order() {
    let want = [CREATE_DEAD, CREATE_EVENTS, "d1 create rolecall", "d1 list --json", MIGRATE];
    check(FILE, Some(&AccountState::default()), &[&want[..], &DEPLOYS].concat());
}

#[test]
fn nothing_is_made_if_everything_exists() {
    let want = [RETAIN_DEAD, RETAIN_EVENTS, MIGRATE];
    check(&with_id(ID), Some(&all_there()), &[&want[..], &DEPLOYS].concat());
}

#[test]
fn a_missing_id_is_written_into_the_file() {
    let note = format!("write database_id = \"{ID}\" into wrangler.toml");
    let want = [RETAIN_DEAD, RETAIN_EVENTS, &note, MIGRATE];
    check(FILE, Some(&all_there()), &[&want[..], &DEPLOYS].concat());
}

#[test]
fn only_a_missing_queue_is_made() {
    let mut observed = all_there();
    observed.queues.remove("rolecall-dead");
    let want = [CREATE_DEAD, RETAIN_EVENTS, MIGRATE];
    check(&with_id(ID), Some(&observed), &[&want[..], &DEPLOYS].concat());
}

#[test]
fn a_queue_with_a_longer_name_is_another_queue() {
    let mut observed = all_there();
    observed.queues = ["rolecall-events-staging", "rolecall-dead"].map(str::to_owned).into();
    let want = [RETAIN_DEAD, CREATE_EVENTS, MIGRATE];
    check(&with_id(ID), Some(&observed), &[&want[..], &DEPLOYS].concat());
}

#[test]
fn an_id_that_the_account_does_not_have_is_refused() {
    let other = config(&with_id("ffffffff-7a0e-4c4e-9f55-3b9a7d0c1e22"));
    let error = plan::plan(&other, Some(&all_there())).unwrap_err().to_string();
    assert!(error.contains(ID) && error.contains("ffffffff"), "{error}");
    let error = plan::plan(&other, Some(&AccountState::default())).unwrap_err().to_string();
    assert!(error.contains("log in to the account that has it"), "{error}");
}

#[test]
fn without_the_state_the_plan_has_conditions() {
    let config = config(FILE);
    let plan = plan::plan(&config, None).unwrap();
    let shown = shown(&plan, &config, &commands());
    for part in [
        "1. make the queue rolecall-dead, unless it is there\n       npx wrangler queues create",
        "2. let the queue rolecall-dead keep messages for 14 days, if it is there\n",
        "5. make the database rolecall, unless it is there\n       npx wrangler d1 create rolecall",
        "6. write the database's id into wrangler.toml\n",
        "7. apply migrations to rolecall\n",
        "11. deploy ssr\n       npx wrangler deploy --strict --env ssr --config wrangler.toml",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn every_command_names_the_file_and_a_deployment_names_the_revision() {
    let commands = WranglerCommands {
        file: "wrangler.staging.toml".to_owned(),
        revision: Some("e6a00f6".to_owned()),
    };
    assert_eq!(
        commands.deploy("ssr").shown(),
        "npx wrangler deploy --strict --env ssr --config wrangler.staging.toml --message e6a00f6"
    );
    let all = [
        commands.list_queues(1),
        commands.create_queue("q"),
        commands.retain_queue("q"),
        commands.list_databases(),
        commands.create_database("d"),
        commands.migrate("d", "consumer"),
        commands.list_secrets("ingest"),
        commands.put_secret("S", "ingest"),
        commands.bundle("ssr", "out"),
    ];
    for command in all {
        assert!(command.shown().ends_with(" --config wrangler.staging.toml"), "{command:?}");
    }
}

#[track_caller]
fn check_left(file: &str, observed: Option<&AccountState>, want: &[&str]) {
    let left = manual_steps::left(&config(file), &commands(), observed, &BTreeMap::new());
    assert_eq!(left.len(), want.len(), "{left:#?}");
    for (item, part) in left.iter().zip(want) {
        assert!(item.contains(part), "{part} is missing in {item}");
    }
}

#[test]
fn a_missing_secret_is_listed_with_the_command_that_sets_it() {
    let put = "npx wrangler secret put CLERK_WEBHOOK_SECRET --env ingest";
    let endpoint = "https://hooks.example.com/webhooks/clerk";
    check_left(FILE, Some(&AccountState::default()), &[endpoint, put]);
    check_left(FILE, None, &[endpoint, put]);
    check_left(FILE, Some(&all_there()), &[]);
}

#[test]
fn a_blank_variable_and_a_missing_address_are_listed() {
    let file = FILE
        .replace("AUTHORIZED_PARTIES = \"https://app.example.com\"", "AUTHORIZED_PARTIES = \" \"")
        .replace("workers_dev = true", "");
    check_left(&file, Some(&all_there()), &["Give rolecall-ssr an address", "AUTHORIZED_PARTIES"]);
}

#[test]
fn a_variable_that_is_set_as_a_secret_is_not_missing() {
    let file = FILE.replace("CLERK_PUBLISHABLE_KEY = \"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k\", ", "");
    check_left(&file, Some(&all_there()), &["CLERK_PUBLISHABLE_KEY"]);
    let mut observed = all_there();
    observed.secrets.insert("ssr".to_owned(), ["CLERK_PUBLISHABLE_KEY".to_owned()].into());
    check_left(&file, Some(&observed), &[]);
}

/// Wrangler would refuse that Worker when the ones before it are deployed.
#[test]
fn a_variable_that_is_also_a_secret_is_refused_first() {
    let blank = FILE.replace("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "");
    for file in [FILE, &blank] {
        let mut observed = all_there();
        observed.secrets.insert("ssr".to_owned(), ["CLERK_PUBLISHABLE_KEY".to_owned()].into());
        let error = plan::plan(&config(file), Some(&observed)).unwrap_err().to_string();
        assert!(error.contains("CLERK_PUBLISHABLE_KEY is set as a secret"), "{error}");
        assert!(error.contains("out of [env.ssr]"), "{error}");
    }
}

#[test]
fn the_report_names_what_was_deployed_and_what_is_left() {
    let done = DeployResult { is_noted: true, ..DeployResult::default() };
    let config = config(FILE);
    let report_of = |observed: &AccountState, done| report(&config, &commands(), observed, done);
    let all = "Deployed rolecall-durable, rolecall-consumer, rolecall-ingest, rolecall-ssr.\n";
    let noted = format!("{all}wrangler.toml has the database's id from here on; commit it.\n\n");
    let first = report_of(&AccountState::default(), &done);
    assert!(first.starts_with(&format!("{noted}Left to do by hand:\n  - In Clerk's")), "{first}");
    let later = report_of(&all_there(), &DeployResult::default());
    assert_eq!(later, format!("{all}\nNothing is left to do by hand."));
}

#[test]
fn the_endpoint_has_the_address_that_wrangler_printed() {
    let file = FILE.replace(
        "routes = [{ pattern = \"hooks.example.com\", custom_domain = true }]",
        "workers_dev = true",
    );
    let said = BTreeMap::from([(
        "ingest".to_owned(),
        "https://rolecall-ingest.ada.workers.dev".to_owned(),
    )]);
    let left = manual_steps::left(&config(&file), &commands(), None, &said);
    let url = "https://rolecall-ingest.ada.workers.dev/webhooks/clerk";
    assert!(left[0].contains(url), "{left:?}");
}

#[test]
fn hosts_that_are_taken_over_are_named() {
    let pattern = "routes = [{ pattern = \"example.com/a\" }]";
    let file = FILE.replace("workers_dev = true", pattern);
    assert_eq!(manual_steps::domains(&config(&file)), ["hooks.example.com"]);
}

/// Each noun of Clerk's events with each verb: those of Clerk's own examples, and ours.
fn event_types() -> BTreeSet<String> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/clerk-events/openapi-2025-04-15");
    let files = fs::read_dir(examples).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let kinds = names.map(|name| name.trim_end_matches(".json").to_owned());
    let kinds: Vec<String> = kinds.chain(synced_types().map(str::to_owned)).collect();
    let parts: Vec<_> = kinds.iter().filter_map(|kind| kind.split_once('.')).collect();
    assert!(50 < parts.len(), "few examples of events: {kinds:?}");
    let all = parts.iter().flat_map(|(noun, _)| parts.iter().map(move |(_, verb)| (noun, verb)));
    all.map(|(noun, verb)| format!("{noun}.{verb}")).collect()
}

/// A person is told to switch on every event that is synced, and no other.
#[test]
fn the_events_that_are_asked_of_clerk_are_those_that_are_synced() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let takes = |kind: &str| {
        let body = format!(r#"{{"type":"{kind}","data":{{}},"timestamp":1700000000000}}"#);
        let delivery = WebhookDelivery {
            svix_id: "msg_1".to_owned(),
            body,
            faults: DeliveryFaults::default(),
        };
        let secret = WebhookSecret::parse(SECRET).unwrap();
        let signed = SignedRequest::new(&delivery, None, secret.signer(), 1_700_000_000).unwrap();
        let headers = SvixHeaders::from_fn(|name| match name {
            "svix-id" => Some(signed.id.clone()),
            "svix-timestamp" => Some(signed.timestamp_s.to_string()),
            "svix-signature" => Some(signed.signature.clone()),
            _ => None,
        });
        let secrets = WebhookSecrets::parse(SECRET).unwrap();
        let now = UnixMillis(1_700_000_000_000);
        let body = signed.body.as_bytes();
        let verified = signature::verify(&headers, body, &secrets, now).unwrap();
        event::parse(&verified).payload != Payload::Ignored
    };
    let asked: BTreeSet<String> = synced_types().map(str::to_owned).collect();
    let synced: BTreeSet<String> = event_types().into_iter().filter(|kind| takes(kind)).collect();
    assert_eq!(asked, synced);
}
