//! On a terminal: a word is typed, a token is not shown, tables have colours and a width.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use shared::operators::api::Whoami;
use shared::operators::api::letters::LetterPage;
use shared::operators::api::replays::ReplayState;

use crate::console::{Console, Reply, TOKEN};
use crate::program::Program;
use crate::samples::{head, letter, replay};

/// A terminal, and a program on it.
struct Terminal {
    main: File,
    child: Child,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        let name = ptsname(&main, Vec::new()).unwrap();
        let side = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let stdio = || Stdio::from(side.try_clone().unwrap());
        command.env("TERM", "xterm").stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = command.spawn().unwrap();
        Self { main: File::from(main), child }
    }

    /// The terminal keeps it until the program reads.
    fn type_in(&mut self, text: &str) {
        self.main.write_all(text.as_bytes()).unwrap();
    }

    /// The exit code, and all that was shown.
    fn end(mut self) -> (i32, String) {
        let mut shown = Vec::new();
        let mut part = [0; 4096];
        // A terminal whose other side is closed gives an error.
        while let Ok(read @ 1..) = self.main.read(&mut part) {
            shown.extend_from_slice(&part[..read]);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        (code, String::from_utf8_lossy(&shown).into_owned())
    }
}

fn run_on_terminal(program: &Program, args: &[&str], input: &str) -> (i32, String) {
    let mut command = program.command();
    command.args(args);
    let mut terminal = Terminal::start(command);
    terminal.type_in(input);
    terminal.end()
}

fn console() -> Console {
    Console::start()
        .on("GET replays/replay_7", [Reply::json(&replay(ReplayState::Running))])
        .on("POST replays/replay_7/pause", [Reply::json(&replay(ReplayState::Paused))])
        .on("GET audit/head", [Reply::json(&head(8))])
}

#[test]
fn a_typed_word_is_a_yes() {
    let console = console();
    let args = ["dead-letters", "pause", "replay_7"];
    let (code, shown) = run_on_terminal(&Program::of(&console), &args, "pause\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Type `pause` to go on"), "{shown}");
    assert!(console.lines().iter().any(|line| line.ends_with("/pause")));
}

#[test]
fn another_word_is_a_no() {
    let console = console();
    let args = ["dead-letters", "pause", "replay_7"];
    for typed in ["yes\n", "\n", "\u{4}"] {
        let (code, shown) = run_on_terminal(&Program::of(&console), &args, typed);
        assert_eq!(code, 5, "{shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
    }
    assert!(!console.lines().iter().any(|line| line.ends_with("/pause")));
}

#[test]
fn a_table_has_the_width_of_the_terminal_and_colours() {
    let page = LetterPage { letters: vec![letter("a1")], next: None };
    let console = Console::start().on("GET dead-letters", [Reply::json(&page)]);
    let program = Program::of(&console);
    let (code, shown) = run_on_terminal(&program, &["dead-letters", "list"], "");
    assert!(code == 0 && shown.contains("\u{1b}["), "{shown}");
    let program = program.var("NO_COLOR", "1");
    let (code, shown) = run_on_terminal(&program, &["dead-letters", "list"], "");
    assert!(code == 0 && !shown.contains('\u{1b}'), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

/// The token is read from the terminal of the session, so the program gets a session of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_token_that_is_typed_is_not_shown() {
    let whoami = Whoami {
        actor: "token:1".into(),
        name: "token 1".into(),
        may_change: true,
        version: "0.1.0".into(),
    };
    let console = Console::start().on("GET whoami", [Reply::json(&whoami)]);
    let program = Program::bare();
    let own = program.command();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(own.get_program()).args(["login", &console.url]);
    command.env("HOME", program.home.path()).env_remove("ROLECALL_URL");
    let mut terminal = Terminal::start(command);
    // What is typed before the echo is off would be shown by the terminal itself.
    let echoes = |main: &File| tcgetattr(main).unwrap().local_modes.contains(LocalModes::ECHO);
    while echoes(&terminal.main) && terminal.child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    terminal.type_in(&format!("{TOKEN}\n"));
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Token (not shown)") && shown.contains("may change"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
    assert!(std::fs::read_to_string(program.config()).unwrap().contains(TOKEN));
}
