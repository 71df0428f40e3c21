//! The commands that change something: the plan first, then a yes, then what became of it.

use insta::assert_snapshot;
use serde_json::Value;
use shared::operators::api::IDEMPOTENCY_KEY;
use shared::operators::api::replays::{
    ApplyRequest, PlanRequest, PlannedLetterPage, Replay, ReplayAction, ReplayState,
};
use shared::operators::api::roles::{RoleChange, RoleChangeRequest};
use shared::operators::letter::LetterClass;

use crate::console::{Console, Reply};
use crate::program::Program;
use crate::samples::{HASH, count, head, planned, replay};

const FAST: [&str; 2] = ["--interval", "0.01"];

/// A console whose plan takes two pages, and whose replay goes through these states.
fn console(states: &[Replay]) -> Console {
    let planning = Reply::json(&replay(ReplayState::Planning));
    let planned = Reply::json(&replay(ReplayState::Planned));
    let steps = [planning.clone(), planned.clone()].into_iter();
    let steps = steps.chain(states.iter().map(Reply::json));
    Console::start()
        .on("POST replays", [planning])
        .on("GET replays/replay_7", [planned])
        .on("POST replays/replay_7/continue", steps)
        .on("POST replays/replay_7/apply", [Reply::json(&replay(ReplayState::Checking))])
        .on("GET audit/head", [Reply::json(&head(8))])
}

fn run_of_states() -> Vec<Replay> {
    [ReplayState::Canary, ReplayState::Running, ReplayState::Done].map(replay).into()
}

fn replaying<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let args = ["dead-letters", "replay", "reason=overloaded", "--reason", "D1 is back"];
    [&args[..], &FAST, more].concat()
}

#[test]
fn a_plan_changes_nothing_and_tells_its_hash() {
    let console = console(&[]);
    let program = Program::of(&console);
    let args = ["dead-letters", "plan", "reason=overloaded", "--reason", "D1 is back"];
    let ran = program.run(&[&args[..], &["--rate", "60", "--discard-unchanged"]].concat()).code(0);
    assert_snapshot!(ran.out);
    let ran = ran.says(&["audit head: 8 decade"]);
    ran.says(&[&format!("rolecall dead-letters apply replay_7 --hash {HASH}")]);
    let seen = console.seen();
    let request: PlanRequest = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(request.action, ReplayAction::Replay);
    assert_eq!((request.rate, request.discard_unchanged), (Some(60), true));
    assert_eq!(request.filter, replay(ReplayState::Planned).filter);
    assert_eq!(seen[0].headers[IDEMPOTENCY_KEY].len(), 32);
    assert!(!console.lines().iter().any(|line| line.contains("apply")), "{:?}", console.lines());
}

#[test]
fn a_plan_for_programs_is_one_object_and_its_progress_is_beside_it() {
    let console = console(&[]);
    let args = ["dead-letters", "plan", "--all", "--discard", "--reason", "test data", "--json"];
    let ran = Program::of(&console).run(&args).code(0);
    assert_eq!(ran.json::<Replay>(), replay(ReplayState::Planned));
    let lines: Vec<Value> =
        ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<_> = lines.iter().filter_map(|line| line["state"].as_str()).collect();
    assert_eq!(states, ["planning", "planned"]);
    assert_eq!(lines.last().unwrap()["hash"], "decade");
    let request: PlanRequest = serde_json::from_str(&console.seen()[0].body).unwrap();
    assert!(request.filter.all && request.action == ReplayAction::Discard);
}

#[test]
fn a_replay_is_planned_applied_and_watched_to_its_proof() {
    let console = console(&run_of_states());
    let program = Program::of(&console);
    let ran = program.run(&replaying(&["--yes"])).code(0);
    assert_snapshot!(ran.out);
    let lines: Vec<_> = ran.err.lines().filter(|line| line.starts_with('{')).collect();
    let states: Vec<Replay> = lines.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
    let states: Vec<_> = states.iter().map(|it| it.state.as_str()).collect();
    assert_eq!(states, ["planning", "planned", "checking", "canary", "running", "done"]);
    let seen = console.seen();
    let apply = seen.iter().find(|it| it.line.ends_with("/apply")).unwrap();
    assert_eq!(serde_json::from_str::<ApplyRequest>(&apply.body).unwrap().hash, HASH);
    assert!(std::fs::read_to_string(program.heads()).unwrap().contains("decade"));
}

#[test]
fn without_a_terminal_nothing_happens_without_yes() {
    let commands = [
        replaying(&[]),
        replaying(&["--json"]),
        vec!["dead-letters", "discard", "id=a", "--reason", "test data"],
        vec!["dead-letters", "apply", "replay_7", "--hash", HASH],
        vec!["dead-letters", "pause", "replay_7"],
        vec!["dead-letters", "resume", "replay_7"],
        vec!["dead-letters", "cancel", "replay_7"],
    ];
    for args in commands {
        let console = console(&run_of_states());
        // A word on standard input is not a yes of an operator.
        let words = "replay\ndiscard\npause\nresume\ncancel\n";
        let ran = Program::of(&console).run_with(&args, words).code(2);
        ran.says(&["nothing was changed", "--yes"]);
        let is_change = |line: &&String| {
            ["apply", "pause", "resume", "cancel"].iter().any(|word| line.ends_with(word))
        };
        assert_eq!(console.lines().iter().find(is_change), None);
    }
}

#[test]
fn a_replay_that_someone_else_applied_is_not_applied_unread() {
    let running = Reply::json(&replay(ReplayState::Running));
    let console = Console::start().on("POST replays", [running]);
    Program::of(&console).run(&replaying(&["--yes"])).code(5).says(&["is running already"]);
    assert_eq!(console.lines(), ["POST /api/v1/replays"]);
}

#[test]
fn letters_that_were_parked_again_are_named_and_fail_the_command() {
    let mut done = replay(ReplayState::Done);
    done.counts = vec![
        count(LetterClass::Applied, "applied", 3),
        count(LetterClass::Applied, "parked", 30),
        count(LetterClass::Applied, "superseded", 1),
        count(LetterClass::Unreadable, "left", 1),
    ];
    let letters = (0..20).map(|number| planned(&format!("a{number:02}"), "parked")).collect();
    let page = PlannedLetterPage { letters, next: Some("c".into()) };
    let console = console(&[])
        .on("POST replays/replay_7/continue", [Reply::json(&done)])
        .on("GET replays/replay_7/letters", [Reply::json(&page)]);
    let args = ["dead-letters", "apply", "replay_7", "--hash", HASH, "--yes"];
    let ran = Program::of(&console).run(&[&args[..], &FAST].concat()).code(1);
    assert_snapshot!(ran.out);
    ran.says(&["parked again: 30 letters of replay_7", "dead-letters show ID"]);
    let lines = console.lines();
    let asked: Vec<_> = lines.iter().filter(|line| line.contains("/letters")).collect();
    assert_eq!(
        asked,
        ["GET /api/v1/replays/replay_7/letters?planned=applied&became=parked&limit=20"]
    );
}

#[test]
fn a_replay_that_stops_says_so_with_its_exit_code() {
    let ends = [
        (ReplayState::Refused, "plan-changed"),
        (ReplayState::Stopped, "canary-stopped"),
        (ReplayState::Canceled, "canceled"),
        (ReplayState::Paused, "paused"),
    ];
    for (state, code) in ends {
        let console = console(&[replay(ReplayState::Canary), replay(state)]);
        let ran = Program::of(&console).run(&replaying(&["--yes", "--json"])).code(5);
        assert_eq!(ran.json::<Replay>().state, state);
        ran.says(&[&format!("\"error\":\"{code}\"")]);
    }
}

#[test]
fn another_hash_is_refused_before_anything_is_sent() {
    let console = console(&run_of_states());
    let args = ["dead-letters", "apply", "replay_7", "--hash", "00", "--yes"];
    Program::of(&console).run(&args).code(5).says(&["not the hash of replay_7"]);
    assert_eq!(console.lines(), ["GET /api/v1/replays/replay_7"]);
}

#[test]
fn a_plan_that_changed_meanwhile_is_refused_by_the_console() {
    let refused = Reply::error(409, "plan-changed", "3 letters are classified otherwise", "");
    let console = console(&[]).on("POST replays/replay_7/apply", [refused]);
    let args = ["dead-letters", "apply", "replay_7", "--hash", HASH, "--yes"];
    Program::of(&console).run(&args).code(5).says(&["classified otherwise", "Make a new plan"]);
}

#[test]
fn an_applied_replay_is_only_watched() {
    let console = console(&[])
        .on("GET replays/replay_7", [Reply::json(&replay(ReplayState::Running))])
        .on("POST replays/replay_7/continue", [Reply::json(&replay(ReplayState::Done))]);
    let program = Program::of(&console);
    let args = ["dead-letters", "apply", "replay_7", "--hash", HASH];
    program.run(&[&args[..], &FAST].concat()).code(0);
    let args = ["dead-letters", "status", "replay_7", "--watch"];
    program.run(&[&args[..], &FAST].concat()).code(0);
    assert!(!console.lines().iter().any(|line| line.ends_with("/apply")));
}

#[test]
fn a_plan_that_nobody_applied_is_not_waited_for() {
    let console =
        Console::start().on("GET replays/replay_7", [Reply::json(&replay(ReplayState::Planned))]);
    let args = ["dead-letters", "status", "replay_7", "--watch"];
    let ran = Program::of(&console).run(&args).code(5);
    ran.says(&["replay_7 is planned", "dead-letters apply replay_7 --hash"]);
}

#[test]
fn what_is_at_its_end_is_said_before_a_word_is_asked_for() {
    let console =
        Console::start().on("GET replays/replay_7", [Reply::json(&replay(ReplayState::Done))]);
    for word in ["pause", "resume", "cancel"] {
        let ran = Program::of(&console).run(&["dead-letters", word, "replay_7"]).code(5);
        ran.says(&["replay_7 is at its end: done", "Make a new plan"]);
    }
}

#[test]
fn a_watch_outlives_a_console_that_is_away_for_a_moment() {
    let away = Reply::error(503, "database", "D1 does not answer", "Wait.");
    let running = Reply::json(&replay(ReplayState::Running));
    let steps =
        [away.clone(), running.clone(), away.clone(), Reply::json(&replay(ReplayState::Done))];
    let console = Console::start()
        .on("GET replays/replay_7", [running])
        .on("POST replays/replay_7/continue", steps);
    let args = ["dead-letters", "status", "replay_7", "--watch", "--interval", "0.01"];
    Program::of(&console).run(&args).code(0).says(&["D1 does not answer; trying again"]);

    let console = console.on("POST replays/replay_7/continue", [away]);
    let ran = Program::of(&console).run(&args).code(3);
    ran.says(&["D1 does not answer", "goes on by itself", "status replay_7 --watch"]);
}

#[test]
fn a_plan_that_is_asked_for_again_is_one_plan() {
    let away = Reply::error(503, "database", "D1 does not answer", "Wait.");
    let console = console(&[]);
    let console = console.on("POST replays", [away, Reply::json(&replay(ReplayState::Planned))]);
    let args = ["dead-letters", "plan", "--all", "--reason", "x"];
    let ran = Program::of(&console).run(&[&args[..], &FAST].concat()).code(0);
    ran.says(&["D1 does not answer; trying again"]);
    let keys = console.seen().into_iter().filter_map(|it| it.headers.get(IDEMPOTENCY_KEY).cloned());
    let keys: Vec<_> = keys.collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");

    let closed = Reply::error(503, "not-configured", "nothing opens it", "Set OPERATOR_TOKEN.");
    let console = Console::start().on("POST replays", [closed]);
    Program::of(&console).run(&[&args[..], &FAST].concat()).code(3);
    assert_eq!(console.lines().len(), 1, "what does not pass is not asked again");
}

#[test]
fn without_watching_the_replay_goes_on_by_itself() {
    let console = console(&[]);
    let ran = Program::of(&console).run(&replaying(&["--yes", "--no-watch", "--json"])).code(0);
    assert_eq!(ran.json::<Replay>().state, ReplayState::Checking);
    assert!(console.lines().last().unwrap().ends_with("GET /api/v1/audit/head"));
}

#[test]
fn an_empty_choice_is_an_error() {
    let mut nothing = replay(ReplayState::Planned);
    (nothing.total, nothing.counts, nothing.examples) = (0, Vec::new(), Vec::new());
    let console = Console::start().on("POST replays", [Reply::json(&nothing)]);
    let ran = Program::of(&console).run(&replaying(&["--yes"])).code(1);
    ran.says(&["no parked letter is chosen"]);
}

#[test]
fn a_replay_is_paused_resumed_and_canceled() {
    let words = [
        ("pause", ReplayState::Paused),
        ("resume", ReplayState::Running),
        ("cancel", ReplayState::Canceled),
    ];
    for (word, state) in words {
        let route = format!("POST replays/replay_7/{word}");
        let console = console(&[]).on(&route, [Reply::json(&replay(state))]);
        let program = Program::of(&console);
        let args = ["dead-letters", word, "replay_7", "--yes"];
        let ran = program.run(&args).code(0).says(&["audit head: 8 decade"]);
        assert!(ran.out.contains(state.as_str()), "{}", ran.out);
        let ran = program.run(&[&args[..], &["--json"]].concat()).code(0);
        assert_eq!(ran.json::<Replay>(), replay(state));
    }
}

#[test]
fn letters_are_discarded_with_a_reason() {
    let with = |state| Replay { action: ReplayAction::Discard, ..replay(state) };
    let mut done = with(ReplayState::Done);
    done.counts = vec![count(LetterClass::Unreadable, "discarded", 10)];
    let console = Console::start()
        .on("POST replays", [Reply::json(&with(ReplayState::Planned))])
        .on("POST replays/replay_7/apply", [Reply::json(&with(ReplayState::Running))])
        .on("POST replays/replay_7/continue", [Reply::json(&done)])
        .on("GET audit/head", [Reply::json(&head(8))]);
    let args = ["dead-letters", "discard", "id=a", "--reason", "test data", "--yes"];
    let ran = Program::of(&console).run(&[&args[..], &FAST].concat()).code(0);
    assert_snapshot!(ran.out);
    let request: PlanRequest = serde_json::from_str(&console.seen()[0].body).unwrap();
    assert_eq!((request.action, &*request.reason), (ReplayAction::Discard, "test data"));
}

fn change(granted: bool, done: bool) -> RoleChange {
    let [with, without] = [vec!["member".to_owned(), "support".into()], vec!["member".into()]];
    let (before, after) = if granted { (without, with) } else { (with, without) };
    let (user_id, role) = ("user_ada".into(), "support".into());
    RoleChange { user_id, role, granted, ends_at: None, done, before, after }
}

#[test]
fn a_role_is_granted_and_revoked_after_its_plan() {
    for (word, granted) in [("grant", true), ("revoke", false)] {
        let replies = [change(granted, false), change(granted, true)];
        let console = Console::start()
            .on("POST users/user_ada/roles", replies.each_ref().map(Reply::json))
            .on("GET audit/head", [Reply::json(&head(8))]);
        let args = ["roles", word, "user_ada", "support", "--reason", "on call", "--ends", "8h"];
        let ran = Program::of(&console).run(&[&args[..], &["--yes"]].concat()).code(0);
        assert_snapshot!(word, ran.out);
        let seen = console.seen();
        let requests: Vec<RoleChangeRequest> =
            seen.iter().take(2).map(|it| serde_json::from_str(&it.body).unwrap()).collect();
        assert!(requests[0].dry_run && !requests[1].dry_run);
        assert!(requests[1].ends_at.is_some() && requests[1].granted == granted);
        assert_eq!(requests[0].ends_at, requests[1].ends_at);
    }
}

#[test]
fn a_role_stays_as_it_is_without_a_yes() {
    let console =
        Console::start().on("POST users/user_ada/roles", [Reply::json(&change(true, false))]);
    let program = Program::of(&console);
    let args = ["roles", "grant", "user_ada", "support", "--reason", "on call"];
    program.run(&args).code(2).says(&["nothing was changed"]);
    assert_eq!(console.lines().len(), 1);
    for wrong in ["yesterday", "2020-01-01", "0s"] {
        let ran = program.run(&[&args[..], &["--ends", wrong]].concat()).code(2);
        ran.says(&["still to come"]);
    }
}

#[test]
fn a_change_is_done_even_if_the_head_cannot_be_read() {
    let console = console(&[])
        .on("POST replays/replay_7/pause", [Reply::json(&replay(ReplayState::Paused))])
        .on("GET audit/head", [Reply::error(503, "unavailable", "D1 does not answer", "")]);
    let args = ["dead-letters", "pause", "replay_7", "--yes"];
    Program::of(&console).run(&args).code(0).says(&["D1 does not answer"]);
}
