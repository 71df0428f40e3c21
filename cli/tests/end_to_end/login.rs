//! Profiles: `login`, `logout`, and which console gets which token.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use shared::operators::api::Whoami;

use crate::console::{Console, Reply, TOKEN};
use crate::program::Program;

fn console() -> Console {
    let whoami = Whoami {
        actor: "token:1a2b3c4d".into(),
        name: "token 1a2b3c4d".into(),
        may_change: true,
        version: "0.1.0".into(),
    };
    Console::start().on("GET whoami", [Reply::json(&whoami)])
}

#[test]
fn a_token_is_verified_and_kept_for_its_owner_alone() {
    let console = console();
    let program = Program::bare();
    let ran = program.run_with(&["login", &console.url], &format!("{TOKEN}\n")).code(0);
    assert!(ran.out.contains("may change things"), "{}", ran.out);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&program.config()), 0o600);
    assert_eq!(mode(program.config().parent().unwrap()), 0o700);
    program.run(&["whoami"]).code(0);
    program.run(&["logout"]).code(0);
    assert!(!fs::read_to_string(program.config()).unwrap().contains(TOKEN));
    program.run(&["logout"]).code(1).says(&["no profile `default`"]);
}

#[test]
fn a_wrong_token_is_not_kept() {
    let console = console();
    let program = Program::bare();
    program.run_with(&["login", &console.url], "wrong\n").code(4).says(&["no such token"]);
    program.run_with(&["login", &console.url], "\n").code(2).says(&["no token was read"]);
    program.run_with(&["login"], TOKEN).code(2).says(&["address is missing"]);
    assert!(!program.config().exists());
}

#[test]
fn each_profile_is_a_console() {
    let (first, second) = (console(), console());
    let program = Program::bare();
    program.run_with(&["login", &first.url], TOKEN).code(0);
    program.run_with(&["login", &second.url, "--profile", "staging"], TOKEN).code(0);
    program.run(&["whoami", "--profile", "staging"]).code(0);
    assert_eq!((first.lines().len(), second.lines().len()), (1, 2));
    program.run(&["whoami"]).code(0);
    assert_eq!((first.lines().len(), second.lines().len()), (2, 2));
    let program = program.var("ROLECALL_PROFILE", "staging");
    program.run(&["whoami"]).code(0);
    assert_eq!((first.lines().len(), second.lines().len()), (2, 3));
    program.run(&["whoami", "--profile", "nope"]).code(2).says(&["no profile `nope`", "login"]);
}

#[test]
fn the_token_of_a_profile_goes_to_its_own_console_alone() {
    let (own, other) = (console(), console().open());
    let program = Program::bare();
    program.run_with(&["login", &own.url], TOKEN).code(0);
    program.run(&["whoami", "--url", &other.url]).code(4).says(&["no token is known"]);
    assert_eq!(other.lines(), [""; 0]);
    program.run(&["whoami", "--url", &own.url]).code(0);
}

#[test]
fn the_environment_wins_over_the_profile() {
    let console = console();
    let program = Program::bare();
    program.run_with(&["login", &console.url], TOKEN).code(0);
    program.var("ROLECALL_TOKEN", "wrong").run(&["whoami"]).code(4);
}

#[test]
fn a_service_token_of_access_is_sent_too_and_never_shown() {
    let console = console();
    let program = Program::bare();
    let with = |program: Program| {
        program.var("CF_ACCESS_CLIENT_ID", "id.access").var("CF_ACCESS_CLIENT_SECRET", "the-secret")
    };
    let program = with(program);
    program.run_with(&["login", &console.url], TOKEN).code(0);
    let kept = fs::read_to_string(program.config()).unwrap();
    assert!(kept.contains("id.access") && kept.contains("the-secret"));
    program.run(&["whoami"]).code(0);
    for seen in console.seen() {
        assert_eq!(seen.headers["cf-access-client-id"], "id.access");
        assert_eq!(seen.headers["cf-access-client-secret"], "the-secret");
    }
    let echo = Reply::error(500, "internal", "the-secret", "Wait.");
    let console = console.on("GET whoami", [echo]);
    program.run(&["whoami"]).code(3).says(&["[hidden]"]);
    drop(console);
}

#[test]
fn a_file_that_others_may_read_or_that_is_broken_is_refused() {
    let console = console();
    let program = Program::bare();
    program.run_with(&["login", &console.url], TOKEN).code(0);
    fs::set_permissions(program.config(), fs::Permissions::from_mode(0o644)).unwrap();
    program.run(&["whoami"]).code(2).says(&["others may read it", "chmod 600"]);
    fs::set_permissions(program.config(), fs::Permissions::from_mode(0o600)).unwrap();
    // Neither the line nor its token is shown.
    fs::write(program.config(), format!("[profiles.default]\ntoken = {TOKEN}\n")).unwrap();
    program.run(&["whoami"]).code(2).says(&["is not a configuration: line 2"]);
}
