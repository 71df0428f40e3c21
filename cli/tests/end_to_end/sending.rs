//! `send`: deliveries that an endpoint verifies with Svix's own library.

use svix::webhooks::Webhook;

use crate::console::{Console, Reply, Seen};
use crate::program::Program;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn endpoint(status: u16, body: &str) -> Console {
    Console::start()
        .open()
        .on("POST /webhooks/clerk", [Reply::text("text/plain", body).status(status)])
}

fn program(console: &Console) -> Program {
    let url = format!("{}/webhooks/clerk", console.url);
    Program::bare().var("CLERK_WEBHOOK_SECRET", SECRET).var("ROLECALL_INGEST_URL", &url)
}

fn is_genuine(seen: &Seen) -> bool {
    Webhook::new(SECRET).unwrap().verify(seen.body.as_bytes(), &seen.headers).is_ok()
}

fn header<'a>(seen: &'a Seen, name: &str) -> &'a str {
    seen.headers[name].to_str().unwrap()
}

#[test]
fn a_fixture_is_signed_and_delivered() {
    let console = endpoint(204, "");
    let ran = program(&console).run(&["send", "fixture", "user.created", "--count", "2"]).code(0);
    let seen = console.seen();
    assert!(seen.iter().all(is_genuine));
    assert!(seen.iter().all(|it| !it.headers.contains_key("authorization")));
    assert_eq!(seen[0].body, seen[1].body);
    let ids = [&seen[0], &seen[1]].map(|it| header(it, "svix-id"));
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| ran.out.contains(&format!("204 {id}"))), "{}", ran.out);
}

#[test]
fn a_file_or_standard_input_is_delivered_byte_for_byte() {
    let console = endpoint(204, "");
    let program = program(&console);
    let body = "{ \"type\": \"user.created\",\n  \"é\": 1 }\n";
    std::fs::write(program.home.path().join("event.json"), body).unwrap();
    program.run(&["send", "event.json"]).code(0);
    program.run_with(&["send", "-"], body).code(0);
    let seen = console.seen();
    assert!(seen.len() == 2 && seen.iter().all(|it| it.body == body && is_genuine(it)));
    program.run(&["send", "missing.json"]).code(2).says(&["missing.json cannot be read"]);
    program.run(&["send", "event.json", "more"]).code(2).says(&["one argument too many"]);
}

#[test]
fn one_delivery_is_repeated_and_an_old_or_spoiled_one_is_made() {
    let console = endpoint(204, "");
    let program = program(&console);
    let args = ["send", "fixture", "user.deleted", "--id", "msg_1", "--count", "2", "--json"];
    let ran = program.run(&args).code(0);
    let answers: Vec<serde_json::Value> = ran.json_lines();
    assert_eq!(answers[1]["svix_id"], "msg_1");
    assert_eq!(answers[1]["status"], 204);
    program.run(&["send", "fixture", "user.deleted", "--timestamp", "1614265330"]).code(0);
    program.run(&["send", "fixture", "user.deleted", "--bad-signature"]).code(0);
    program.run(&["send", "fixture", "user.deleted", "--timestamp", "10m"]).code(0);
    let seen = console.seen();
    assert!(seen[..2].iter().all(|it| header(it, "svix-id") == "msg_1" && is_genuine(it)));
    assert_eq!(header(&seen[2], "svix-timestamp"), "1614265330");
    assert!(seen[2..].iter().all(|it| !is_genuine(it)));
}

#[test]
fn an_answer_that_is_not_2xx_fails_and_no_secret_is_shown() {
    let console = endpoint(401, &format!("\u{1b}[31m{SECRET}"));
    let ran = program(&console).run(&["send", "fixture", "user.created"]).code(1);
    assert!(ran.out.contains("401 ") && ran.out.contains("\\u{1b}[31m[hidden]"), "{}", ran.out);
    assert!(!ran.out.contains(SECRET));
    ran.says(&["1 of 1 deliveries were not accepted", "CLERK_WEBHOOK_SECRET"]);
}

#[test]
fn what_is_missing_is_named() {
    let console = endpoint(204, "");
    let to = format!("{}/webhooks/clerk", console.url);
    let send = ["send", "fixture", "user.created"];
    Program::bare().run(&send).code(2).says(&["--to URL"]);
    let ran = Program::bare().run(&[&send[..], &["--to", &to]].concat()).code(2);
    ran.says(&["signing secret is missing"]);
    let wrong = Program::bare().var("CLERK_WEBHOOK_SECRET", "whsec_%%%");
    let ran = wrong.run(&[&send[..], &["--to", &to]].concat()).code(2);
    ran.says(&["not a signing secret"]);
    let program = program(&console);
    program.run(&["send", "fixture", "nope"]).code(2).says(&["rolecall send fixture"]);
    let names = Program::bare().run(&["send", "fixture"]).code(0).out;
    assert!(40 < names.lines().count() && names.contains("user.created\n"), "{names}");
    assert_eq!(console.lines(), [""; 0]);
}
