//! The commands that change nothing: their tables, and their JSON.

use insta::assert_snapshot;
use shared::operators::api::explain::Explanation;
use shared::operators::api::letters::{
    ExportedLetter, LetterDetail, LetterMatrix, LetterPage, LetterReplay, LetterSummary, MatrixCell,
};
use shared::operators::api::overview::{FlowHour, Overview};
use shared::operators::api::replays::{PlannedLetter, PlannedLetterPage, ReplayPage, ReplayState};
use shared::operators::api::{ActorName, AuditPage, Whoami};
use shared::operators::audit::AuditEntry;
use shared::operators::letter::{LetterClass, LetterState};

use crate::console::{Console, Reply};
use crate::program::Program;
use crate::samples::{AT, chain, delivery_story, letter, planned, replay, user_story};

fn page(ids: &[&str], next: Option<&str>) -> LetterPage {
    let letters = ids.iter().map(|id| letter(id)).collect();
    LetterPage { letters, next: next.map(str::to_owned) }
}

#[test]
fn letters_are_listed() {
    let page = page(&["a1", "b2"], Some("c"));
    let console = Console::start().on("GET dead-letters", [Reply::json(&page)]);
    let program = Program::of(&console);
    let ran = program.run(&["dead-letters", "list"]).code(0).says(&["--cursor c"]);
    assert_snapshot!(ran.out);
    let ran = program.run(&["dead-letters", "list", "--json"]).code(0);
    assert_eq!(ran.json::<LetterPage>(), page);
    assert_eq!(ran.err, "");
}

#[test]
fn a_filter_and_a_state_are_the_query() {
    let console = Console::start().on("GET dead-letters", [Reply::json(&page(&[], None))]);
    let filter =
        ["reason=overloaded", "type=user.created", "id=a", "id=b", "after=2026-11-29T03:00Z"];
    let args = [&["dead-letters", "list", "--state", "parked", "--limit", "7"][..], &filter];
    Program::of(&console).run(&args.concat()).code(0).says(&["None."]);
    let want = "GET /api/v1/dead-letters?id=a&id=b&reason=overloaded&type=user.created\
                &after=1795921200000&state=parked&limit=7";
    assert_eq!(console.lines(), [want]);
}

#[test]
fn all_pages_are_read_and_an_empty_page_is_no_end() {
    let pages = [page(&["a1"], Some("1")), page(&[], Some("2")), page(&["b2"], None)];
    let replies = pages.each_ref().map(Reply::json);
    let console = Console::start().on("GET dead-letters", replies.clone());
    let ran = Program::of(&console).run(&["dead-letters", "list", "--all-pages", "--json"]);
    let letters: Vec<LetterSummary> = ran.code(0).json_lines();
    assert_eq!(letters, [letter("a1"), letter("b2")]);
    let lines = console.lines();
    assert!(lines[1].ends_with("cursor=1") && lines[2].ends_with("cursor=2"), "{lines:?}");

    let [_, empty, last] = replies;
    let console = Console::start().on("GET dead-letters", [empty, last]);
    let ran = Program::of(&console).run(&["dead-letters", "list"]).code(0);
    assert!(ran.out.contains("b2"), "{ran:?}");
}

#[test]
fn a_console_that_gives_one_page_for_ever_is_noticed() {
    let console = Console::start().on("GET dead-letters", [Reply::json(&page(&["a1"], Some("1")))]);
    let ran = Program::of(&console).run(&["dead-letters", "list", "--all-pages"]);
    ran.code(3).says(&["the same page again"]);
}

#[test]
fn the_matrix_is_shown() {
    let cell = |state, event_type: &str, letters| MatrixCell {
        state,
        reason: "overloaded".into(),
        event_type: event_type.into(),
        day: AT.0 / 86_400_000,
        letters,
    };
    let cells =
        vec![cell(LetterState::Parked, "user.created", 3), cell(LetterState::Applied, "", 1)];
    let matrix = LetterMatrix { cells };
    let console = Console::start().on("GET dead-letters/matrix", [Reply::json(&matrix)]);
    let program = Program::of(&console);
    assert_snapshot!(program.run(&["dead-letters", "matrix", "--state", "parked"]).code(0).out);
    let ran = program.run(&["dead-letters", "matrix", "--json"]).code(0);
    assert_eq!(ran.json::<LetterMatrix>(), matrix);
    let lines = console.lines();
    assert!(lines[0].ends_with("/matrix?state=parked") && lines[1].ends_with("/matrix"));
}

fn detail() -> LetterDetail {
    LetterDetail {
        letter: letter("a1"),
        class: LetterClass::Superseded,
        class_detail: "a later change of user_ada was applied".into(),
        digest_matches: Some(true),
        queue: "rolecall-events".into(),
        event: Some(serde_json::json!({"id": "user_ada", "email": "ada@example.com"})),
        raw: None,
        replays: vec![LetterReplay {
            replay_id: "replay_6".into(),
            planned: LetterClass::Applied,
            became: "parked".into(),
            became_at: Some(AT),
        }],
    }
}

#[test]
fn a_letter_is_shown_and_its_id_is_one_part_of_the_address() {
    let console = Console::start()
        .on("GET dead-letters/a1", [Reply::json(&detail())])
        .on("GET dead-letters/a%2Fb", [Reply::json(&detail())]);
    let program = Program::of(&console);
    assert_snapshot!(program.run(&["dead-letters", "show", "a1"]).code(0).out);
    let ran = program.run(&["dead-letters", "show", "a/b", "--json"]).code(0);
    assert_eq!(ran.json::<LetterDetail>(), detail());
}

#[test]
fn a_terminal_obeys_no_letter() {
    let mut detail = detail();
    detail.letter.detail = "\u{1b}[2J\u{9b}31m\u{202e}".into();
    detail.raw = Some("\u{1b}]0;title\u{7}\r\nsecond".into());
    detail.event = None;
    let console = Console::start().on("GET dead-letters/a1", [Reply::json(&detail)]);
    let program = Program::of(&console);
    let ran = program.run(&["dead-letters", "show", "a1"]).code(0);
    assert!(ran.out.contains("\\u{1b}]0;title\\u{7}\\u{d}\nsecond"), "{}", ran.out);
    let ran = program.run(&["dead-letters", "show", "a1", "--json"]).code(0);
    assert_eq!(ran.json::<LetterDetail>(), detail);
}

#[test]
fn an_export_has_every_byte_and_no_end_of_a_page() {
    let line = |id: &str| {
        let exported = ExportedLetter { letter: letter(id), envelope: "{\"v\":1}\n\u{1b}".into() };
        serde_json::to_string(&exported).unwrap()
    };
    let body = |id, next: &str| format!("{}\n{{\"next\":{next}}}\n", line(id));
    let reply = |id, next| Reply::text("application/x-ndjson", body(id, next));
    let replies = [reply("a1", "\"1\""), reply("b2", "null")];
    let console = Console::start().on("GET dead-letters/export", replies.clone());
    let program = Program::of(&console);
    let ran = program.run(&["dead-letters", "export", "reason=overloaded"]).code(0);
    let letters: Vec<ExportedLetter> = ran.json_lines();
    assert_eq!([&*letters[0].letter.id, &*letters[1].letter.id], ["a1", "b2"]);
    assert_eq!(letters[0].envelope, "{\"v\":1}\n\u{1b}");

    let console = Console::start().on("GET dead-letters/export", replies);
    let program = Program::of(&console);
    let args = ["dead-letters", "export", "--output", "letters.ndjson"];
    program.run(&args).code(0).says(&["2 letters in letters.ndjson"]);
    let file = program.home.path().join("letters.ndjson");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    program.run(&args).code(2).says(&["letters.ndjson cannot be written"]);
}

#[test]
fn an_export_that_breaks_off_is_not_taken_for_whole() {
    let exported = ExportedLetter { letter: letter("a1"), envelope: "{}".into() };
    let body = serde_json::to_string(&exported).unwrap();
    let reply = Reply::text("application/x-ndjson", body);
    let console = Console::start().on("GET dead-letters/export", [reply]);
    let ran = Program::of(&console).run(&["dead-letters", "export"]);
    ran.code(3).says(&["broke off after 1 letters"]);
}

#[test]
fn replays_and_their_letters_are_shown() {
    let page = ReplayPage { replays: vec![replay(ReplayState::Running)], next: None };
    let letters = PlannedLetterPage { letters: vec![planned("a1", "parked")], next: None };
    let console = Console::start()
        .on("GET replays", [Reply::json(&page)])
        .on("GET replays/replay_7", [Reply::json(&replay(ReplayState::Running))])
        .on("GET replays/replay_7/letters", [Reply::json(&letters)]);
    let program = Program::of(&console);
    assert_snapshot!("replays", program.run(&["dead-letters", "status"]).code(0).out);
    assert_snapshot!("replay", program.run(&["dead-letters", "status", "replay_7"]).code(0).out);
    let ran = program.run(&["dead-letters", "status", "--json"]).code(0);
    assert_eq!(ran.json::<ReplayPage>(), page);
    let more = ["--letters", "--planned", "applied", "--became", "parked", "--json"];
    let args = [&["dead-letters", "status", "replay_7"][..], &more];
    let ran = program.run(&args.concat()).code(0);
    assert_eq!(ran.json::<PlannedLetterPage>(), letters);
    let last = console.lines().pop().unwrap();
    assert!(last.ends_with("/letters?planned=applied&became=parked&limit=50"), "{last}");
    let args = ["dead-letters", "status", "replay_7", "--letters", "--all-pages", "--json"];
    let ran = program.run(&args).code(0);
    assert_eq!(ran.json_lines::<PlannedLetter>(), letters.letters);
}

#[test]
fn an_id_is_explained() {
    let console = Console::start()
        .on("GET explain/msg_1", [Reply::json(&delivery_story())])
        .on("GET explain/user_ada", [Reply::json(&user_story())]);
    let program = Program::of(&console);
    assert_snapshot!("delivery", program.run(&["explain", "msg_1"]).code(0).out);
    assert_snapshot!("user", program.run(&["explain", "user_ada"]).code(0).out);
    let ran = program.run(&["explain", "user_ada", "--json"]).code(0);
    assert_eq!(ran.json::<Explanation>(), user_story());
}

#[test]
fn the_roles_of_a_user_are_listed_with_why() {
    let console = Console::start()
        .on("GET explain/msg_1", [Reply::json(&delivery_story())])
        .on("GET explain/user_ada", [Reply::json(&user_story())]);
    let program = Program::of(&console);
    assert_snapshot!(program.run(&["roles", "list", "user_ada"]).code(0).out);
    let ran = program.run(&["roles", "list", "user_ada", "--json"]).code(0);
    assert_eq!(ran.json::<Explanation>(), user_story());
    let ran = program.run(&["roles", "list", "msg_1"]);
    ran.code(1).says(&["not the id of a user", "rolecall explain msg_1"]);
}

#[test]
fn the_overview_is_shown() {
    let hour = FlowHour {
        at: AT,
        batches: 4,
        messages: 120,
        ignored: 2,
        parked: 1,
        lag_ms_max: 4_200,
        lag_ms_mean: 900,
    };
    let overview = Overview {
        now: AT.plus(7_200_000),
        flow: vec![hour],
        last_batch_at: Some(AT.plus(7_190_000)),
        last_sweep_at: None,
        pending_hints: 2,
        oldest_pending_hint: Some(AT),
        parked: 3,
        replaying: 1,
        oldest_parked_at: Some(AT),
        open_replays: 1,
        schema: "0007".into(),
        activity: None,
    };
    let console = Console::start().on("GET overview", [Reply::json(&overview)]);
    let program = Program::of(&console);
    assert_snapshot!(program.run(&["status"]).code(0).out);
    assert_eq!(program.run(&["status", "--json"]).code(0).json::<Overview>(), overview);
}

#[test]
fn whoami_tells_who_and_what_they_may() {
    let whoami = |may_change| Whoami {
        actor: "token:1a2b3c4d".into(),
        name: "token 1a2b3c4d".into(),
        may_change,
        version: "0.1.0".into(),
    };
    let replies = [true, false, true].map(|may| Reply::json(&whoami(may)));
    let console = Console::start().on("GET whoami", replies);
    let program = Program::of(&console);
    let ran = program.run(&["whoami"]).code(0);
    let first = ran.out.lines().next();
    assert_eq!(first, Some("token 1a2b3c4d (token:1a2b3c4d): may change things"));
    let ran = program.run(&["whoami"]).code(0);
    assert!(ran.out.contains("may look, and change nothing"), "{}", ran.out);
    assert_eq!(program.run(&["whoami", "--json"]).code(0).json::<Whoami>(), whoami(true));
}

#[test]
fn the_audit_trail_is_listed_with_names() {
    let entries = chain(2, "access:7");
    let names = vec![ActorName { actor: "access:7".into(), name: "ada@example.com".into() }];
    let page = AuditPage { head: entries[1].head(), entries, names, next: None };
    let console = Console::start().on("GET audit", [Reply::json(&page)]);
    let program = Program::of(&console);
    assert_snapshot!(program.run(&["audit", "list"]).code(0).out);
    assert_eq!(program.run(&["audit", "list", "--json"]).code(0).json::<AuditPage>(), page);
}

#[test]
fn the_chain_is_read_in_its_order() {
    let entries = chain(3, "token:1");
    let page = |from: usize, next: Option<&str>| {
        let some = entries.iter().skip(from).take(2).cloned().collect();
        let (names, next) = (Vec::new(), next.map(str::to_owned));
        Reply::json(&AuditPage { entries: some, names, head: entries[2].head(), next })
    };
    let console = Console::start()
        .on("GET audit?limit=2&after=0", [page(0, Some("2"))])
        .on("GET audit?limit=2&after=2", [page(2, None)]);
    let program = Program::of(&console);
    let args = ["audit", "list", "--after", "0", "--limit", "2"];
    let ran = program.run(&[&args[..], &["--all-pages", "--json"]].concat()).code(0);
    assert_eq!(ran.json_lines::<AuditEntry>(), entries);
    program.run(&args).code(0).says(&["More: --after 2"]);
}
