//! Errors: each says what is wrong and what to do next, and has its exit code.

use std::net::TcpListener;

use shared::operators::api::ApiError;

use crate::console::{Console, Reply, TOKEN};
use crate::program::Program;

#[track_caller]
fn whoami_fails(reply: Reply, code: i32, parts: &[&str]) {
    let console = Console::start().on("GET whoami", [reply]);
    Program::of(&console).run(&["whoami"]).code(code).says(parts);
}

#[test]
fn offline() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::bare().var("ROLECALL_TOKEN", TOKEN);
    let url = format!("http://{free}");
    let ran = program.run(&["whoami", "--url", &url]).code(3);
    ran.says(&["cannot be reached", "Check that the console runs"]);
    let ran = program.run(&["whoami", "--url", "https://console.invalid", "--json"]).code(3);
    let error: ApiError = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&*error.error, ran.out.is_empty()), ("offline", true));
}

#[test]
fn what_speaks_no_tls() {
    let console = Console::start();
    let program = Program::bare().var("ROLECALL_TOKEN", TOKEN);
    let url = console.url.replace("http:", "https:");
    program
        .run(&["whoami", "--url", &url])
        .code(3)
        .says(&["cannot be reached", "list of authorities"]);
}

#[test]
fn a_wrong_token() {
    let console = Console::start();
    let program = Program::bare().var("ROLECALL_URL", &console.url).var("ROLECALL_TOKEN", "wrong");
    program.run(&["whoami"]).code(4).says(&["no such token", "rolecall login"]);
}

#[test]
fn no_token_and_no_address() {
    let program = Program::bare();
    program.run(&["whoami"]).code(2).says(&["address is not known", "rolecall login URL"]);
    let program = program.var("ROLECALL_URL", "https://c.example");
    program.run(&["whoami"]).code(4).says(&["no token is known for https://c.example"]);
    let ran = program.var("ROLECALL_TOKEN", "a b").run(&["whoami"]).code(2);
    ran.says(&["a character that no token has"]);
}

#[test]
fn a_token_is_never_sent_in_the_clear() {
    let program = Program::bare().var("ROLECALL_TOKEN", TOKEN);
    let ran = program.run(&["whoami", "--url", "http://console.example.com"]).code(2);
    ran.says(&["would send secrets in the clear"]);
}

#[test]
fn not_allowed() {
    let reply = Reply::error(403, "may-not-change", "you may look, and change nothing", "");
    whoami_fails(reply, 4, &["you may look", "OPERATORS"]);
    let reply = Reply::text("text/html", "<h1>Forbidden</h1>").status(403);
    whoami_fails(reply, 4, &["what says so is not the console", "CF_ACCESS_CLIENT_ID"]);
}

#[test]
fn access_stands_before_the_console_and_no_redirect_is_followed() {
    let elsewhere =
        Console::start().open().on("GET /cdn-cgi/access/login", [Reply::text("a", "b")]);
    let login = format!("{}/cdn-cgi/access/login", elsewhere.url);
    let reply = Reply::text("text/html", "").status(302).header("location", &login);
    whoami_fails(reply, 4, &["Cloudflare Access", "CF_ACCESS_CLIENT_SECRET"]);
    assert_eq!(elsewhere.lines(), [""; 0]);
    let reply = Reply::text("text/html", "").status(301).header("location", "https://new.example");
    whoami_fails(reply, 3, &["sends on to https://new.example"]);
}

#[test]
fn an_address_that_is_no_console() {
    let reply = Reply::text("text/html; charset=utf-8", "<!doctype html><h1>Hello</h1>");
    whoami_fails(reply, 3, &["not a console of Rolecall", "Check the address"]);
    let reply = Reply::text("text/html", "<h1>No</h1>").status(500);
    whoami_fails(reply, 3, &["answers 500"]);
}

#[test]
fn an_old_console() {
    let reply = Reply::text("text/plain", "not found").status(404);
    whoami_fails(reply, 3, &["does not know the request", "older than this program"]);
    let reply = Reply::error(404, "no-route", "There is nothing at this address.", "See the API.");
    whoami_fails(reply, 3, &["nothing at this address", "older than this program"]);
    let reply = Reply::text("application/json", r#"{"actor":"token:1"}"#);
    whoami_fails(reply, 3, &["not what this program knows", "rolecall --version"]);
}

#[test]
fn a_console_that_is_not_set_up() {
    let next = "Set OPERATOR_TOKEN of the Worker `console`.";
    let reply = Reply::error(503, "not-configured", "nothing opens this console", next);
    whoami_fails(reply, 3, &["nothing opens this console", next]);
}

#[test]
fn too_many_requests() {
    let reply = Reply::error(429, "too-many", "too many requests", "").header("retry-after", "7");
    whoami_fails(reply, 3, &["wait 7 s", "Wait a minute"]);
}

#[test]
fn what_is_not_there_and_what_is_wrong() {
    let console = Console::start()
        .on("GET dead-letters/x", [Reply::error(404, "no-letter", "there is no letter x", "")])
        .on("GET dead-letters", [Reply::error(400, "filter", "the reason is too long", "")]);
    let program = Program::of(&console);
    program
        .run(&["dead-letters", "show", "x"])
        .code(1)
        .says(&["there is no letter x", "Check the id"]);
    program.run(&["dead-letters", "list"]).code(2).says(&["the reason is too long"]);
}

#[test]
fn what_the_console_says_is_no_command_to_a_terminal_and_shows_no_token() {
    let text = format!("\u{1b}[31mno\u{7} {TOKEN}");
    let reply = Reply::error(500, "internal", &text, "Wait.");
    whoami_fails(reply, 3, &["\\u{1b}[31mno\\u{7} [hidden]"]);
}

#[test]
fn an_empty_id_is_no_other_route() {
    let program = Program::bare().var("ROLECALL_URL", "http://127.0.0.1:9");
    let program = program.var("ROLECALL_TOKEN", TOKEN);
    for id in ["", ".", ".."] {
        program.run(&["explain", id]).code(2).says(&["the id is empty", "Give an id"]);
    }
}

#[test]
fn wrong_usage() {
    let program = Program::bare();
    let wrong: [&[&str]; 9] = [
        &[],
        &["dead-letters"],
        &["dead-letters", "plan", "reason=overloaded"],
        &["dead-letters", "replay", "--reason", "x"],
        &["dead-letters", "replay", "--all", "reason=x", "--reason", "x"],
        &["dead-letters", "list", "colour=red"],
        &["dead-letters", "list", "--state", "lost"],
        &["dead-letters", "list", "--limit", "101"],
        &["whoami", "--token", "x"],
    ];
    for args in wrong {
        let ran = program.run(args).code(2);
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    let ran = program.run(&["dead-letters", "discard", "--reason", "x"]).code(2);
    ran.says(&["An empty filter changes nothing", "--all"]);
}
