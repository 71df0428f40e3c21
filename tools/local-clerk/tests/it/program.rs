//! The program: its start, its end, and its errors at the start.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use local_clerk::faults::FaultSwitches;
use local_clerk::server::{Server, StartError};
use serde_json::json;

use crate::support::{RunningClerk, SECRET, config, state_dir};

fn program(secret: Option<&str>, state_dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-clerk"));
    command.arg("--state-dir").arg(state_dir).args(args);
    command.env_remove("CLERK_WEBHOOK_SECRET").env_remove("CLERK_SECRET_KEY");
    if let Some(secret) = secret {
        command.env("CLERK_WEBHOOK_SECRET", secret);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The error message of a start that fails.
#[track_caller]
fn failure(secret: Option<&str>, args: &[&str]) -> String {
    let out = program(secret, state_dir(), args).wait_with_output().unwrap();
    assert!(!out.status.success());
    assert_eq!(out.stdout, b"", "no address is printed");
    String::from_utf8(out.stderr).unwrap()
}

#[test]
fn a_missing_or_bad_secret_is_named_but_not_printed() {
    let missing = failure(None, &["--port", "0"]);
    assert!(missing.contains("CLERK_WEBHOOK_SECRET is not set"), "{missing}");
    let wrong = failure(Some("sk_test_hush"), &["--port", "0"]);
    assert!(wrong.contains("CLERK_WEBHOOK_SECRET is not a webhook secret"), "{wrong}");
    assert!(!wrong.contains("hush"), "{wrong}");
}

#[test]
fn bad_settings_are_named() {
    for (args, want) in [
        (["--app-url", "http://localhost:8787"], "http://127.0.0.1:8787"),
        (["--webhook-url", "https://example.com"], "http://127.0.0.1:8788/webhooks/clerk"),
        (["--duplicate", "101"], "duplicate is at most 100"),
    ] {
        let message = failure(Some(SECRET), &args);
        assert!(message.contains(want), "{message}");
    }
}

#[test]
fn a_taken_port_is_named_with_the_next_step() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let message = failure(Some(SECRET), &["--port", &port]);
    assert!(message.contains(&format!("port {port} on 127.0.0.1 is taken")), "{message}");
    assert!(message.contains("--port"), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn it_prints_its_address_keeps_its_key_and_ends_on_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let mut sets = Vec::new();
    for signal in ["-TERM", "-INT"] {
        let mut child = program(Some(SECRET), dir.path(), &["--port", "0"]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("local-clerk ").unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let clerk = RunningClerk { url };
        assert_eq!(clerk.get("/health").await.json(), json!({ "status": "ok" }));
        sets.push(clerk.get("/.well-known/jwks.json").await.json());

        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "{signal}");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line is printed");
    }
    assert_eq!(sets[0], sets[1], "the key is kept");
}

#[tokio::test]
async fn a_state_directory_that_is_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state");
    std::fs::write(&file, "").unwrap();
    let start = Server::start(config(&file, "http://127.0.0.1:1/", FaultSwitches::default())).await;
    let err = start.unwrap_err();
    assert!(matches!(err, StartError::Key(_)), "{err}");
    assert!(err.to_string().contains("--state-dir"), "{err}");
}
