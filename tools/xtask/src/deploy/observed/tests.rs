//! What the pinned wrangler prints, recorded from it.

use super::*;

/// `wrangler queues list`.
const QUEUES: &str = "\
┌──────────────────────────────────────┬─────────────────┬─────────────────────────────┬─────────────────────────────┬───────────┬───────────┐
│ id                                   │ name            │ created_on                  │ modified_on                 │ producers │ consumers │
├──────────────────────────────────────┼─────────────────┼─────────────────────────────┼─────────────────────────────┼───────────┼───────────┤
│ 2f1d7d5e-6a02-4f0b-9a57-6a1c0f2b7d10 │ other           │ 2026-01-01T00:00:00.000000Z │ 2026-01-01T00:00:00.000000Z │ 1         │ 0         │
├──────────────────────────────────────┼─────────────────┼─────────────────────────────┼─────────────────────────────┼───────────┼───────────┤
│ 9c0e6b0a-15b2-4a1e-8a0f-0f5a4a5f2b11 │ rolecall-events │ 2026-11-23T15:00:00.000000Z │ 2026-11-23T15:00:00.000000Z │ 0         │ 0         │
└──────────────────────────────────────┴─────────────────┴─────────────────────────────┴─────────────────────────────┴───────────┴───────────┘
";

/// The same in an account that has jurisdictions: a column more, before the others.
const QUEUES_OF_JURISDICTIONS: &str = "\
┌─────┬───────┬──────────────┬────────────┬─────────────┬───────────┬───────────┐
│ id  │ name  │ jurisdiction │ created_on │ modified_on │ producers │ consumers │
├─────┼───────┼──────────────┼────────────┼─────────────┼───────────┼───────────┤
│ q-0 │ other │ eu           │ 2026-01-01 │ 2026-01-01  │ 1         │ 0         │
└─────┴───────┴──────────────┴────────────┴─────────────┴───────────┴───────────┘
";

/// `wrangler d1 list --json`.
const DATABASES: &str = r#"[
  {
    "uuid": "0b0f1a3c-7a0e-4c4e-9f55-3b9a7d0c1e22",
    "name": "rolecall",
    "created_at": "2026-11-23T15:00:00.000Z",
    "version": "production",
    "num_tables": 0,
    "file_size": 12288,
    "created_in_region": "WEUR",
    "jurisdiction": null
  }
]
"#;

/// `wrangler secret list --format json`.
const SECRETS: &str = r#"[
  {
    "name": "CLERK_WEBHOOK_SECRET",
    "type": "secret_text"
  }
]
"#;

/// What `secret list` writes to standard error for a Worker that was never deployed.
const NO_WORKER: &str = r#"    ✘ [ERROR] Worker "rolecall-ingest" (env: ingest) not found.

    If this is a new Worker, run `wrangler deploy` first to create it.
    Otherwise, check that the Worker name is correct and you're logged into the right account.
"#;

/// `wrangler whoami --json`.
const ME: &str = r#"{
    "loggedIn": true,
    "authType": "User API Token",
    "email": "ada@example.com",
    "accounts": [
        {
            "id": "0123456789abcdef0123456789abcdef",
            "name": "Ada's account"
        }
    ]
}
"#;

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn queues_are_read_from_their_table() {
    assert_eq!(read_queues(QUEUES).unwrap(), names(&["other", "rolecall-events"]));
    assert_eq!(read_queues(QUEUES_OF_JURISDICTIONS).unwrap(), names(&["other"]));
    assert_eq!(read_queues("\n").unwrap(), names(&[]));
}

#[test]
fn a_table_of_another_form_is_an_error() {
    assert!(read_queues("rolecall-events\n").is_err());
    assert!(read_queues("┌────┐\n│ queue │\n├────┤\n│ a │\n└────┘\n").is_err());
}

#[test]
fn databases_are_read_with_their_ids() {
    let found = read_databases(DATABASES).unwrap();
    assert_eq!(found["rolecall"], "0b0f1a3c-7a0e-4c4e-9f55-3b9a7d0c1e22");
    assert_eq!(found.len(), 1);
    assert!(read_databases("[]\n").unwrap().is_empty());
    assert!(read_databases("┌──┐").is_err());
}

#[test]
fn secrets_are_read_by_name() {
    assert_eq!(read_secrets(SECRETS).unwrap(), names(&["CLERK_WEBHOOK_SECRET"]));
    assert!(read_secrets("[]").unwrap().is_empty());
    assert!(read_secrets("").is_err());
}

#[test]
fn a_worker_that_was_never_deployed_is_not_a_failure() {
    let said =
        |success, tail: &str| CommandOutput { success, out: String::new(), tail: tail.to_owned() };
    assert!(is_absent(&said(false, NO_WORKER), "rolecall-ingest"));
    assert!(!is_absent(&said(false, NO_WORKER), "rolecall"));
    assert!(!is_absent(&said(false, "    ✘ [ERROR] fetch failed"), "rolecall-ingest"));
    assert!(!is_absent(&said(true, NO_WORKER), "rolecall-ingest"));
}

#[test]
fn the_only_account_is_chosen_but_none_of_several() {
    let one = read_accounts(ME).unwrap();
    let chosen = choose(None, one.clone()).unwrap();
    assert_eq!(chosen.shown(), "Ada's account (0123456789abcdef0123456789abcdef)");
    let two = [one.clone(), vec![CloudflareAccount { id: "b".to_owned(), name: "B".to_owned() }]]
        .concat();
    let error = choose(None, two.clone()).unwrap_err().to_string();
    assert!(error.contains("several") && error.contains("B (b)"), "{error}");
    assert_eq!(choose(Some("b"), two).unwrap().shown(), "B (b)");
    assert!(choose(None, Vec::new()).is_err());
}

#[test]
fn an_account_that_may_not_be_listed_can_be_named() {
    let chosen = choose(Some("c"), read_accounts(ME).unwrap()).unwrap();
    assert_eq!((chosen.id.as_str(), chosen.shown().as_str()), ("c", "c"));
}
