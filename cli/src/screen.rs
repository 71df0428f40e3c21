//! The output. Results go to standard output; progress, notes and errors to standard error. With
//! `--json` each line of both is a JSON object.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Mutex;

use console::Term;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::sheet::{Paper, Sheet};
use crate::text::{clean_lines, json_line};

/// Where the output goes, and how it looks there.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whether programs read it.
    pub(crate) json: bool,
    /// Whether someone can be asked.
    pub(crate) can_ask: bool,
    /// Whether progress can be drawn.
    pub(crate) can_draw: bool,
    paper: Paper,
    secrets: Mutex<Vec<String>>,
}

impl Screen {
    /// The screen of this process.
    pub(crate) fn of_process(json: bool) -> Self {
        let out = io::stdout().is_terminal();
        let err = io::stderr().is_terminal();
        let asks_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            json,
            can_ask: !json && err && io::stdin().is_terminal(),
            can_draw: !json && err && !is_dumb,
            paper: Paper {
                width: out.then(|| Term::stdout().size().1),
                colours: out && !asks_for_none && !is_dumb,
            },
            secrets: Mutex::default(),
        }
    }

    /// From now on `secret` is left out of every output, even if the server sends it back.
    pub(crate) fn hide(&self, secret: &str) {
        if let (Ok(mut secrets), false) = (self.secrets.lock(), secret.is_empty()) {
            secrets.push(secret.to_owned());
        }
    }

    fn without_secrets(&self, text: String) -> String {
        let Ok(secrets) = self.secrets.lock() else { return String::new() };
        secrets.iter().fold(text, |text, secret| text.replace(secret, "[hidden]"))
    }

    /// Writes a result as it is.
    fn write(&self, text: String) -> Result<(), Failure> {
        let text = self.without_secrets(text);
        let written = writeln!(io::stdout().lock(), "{text}");
        written.map_err(|error| {
            let closed = error.kind() == io::ErrorKind::BrokenPipe;
            let kind = if closed { Kind::Closed } else { Kind::Failed };
            Failure::new(kind, "output", format!("the output failed: {error}"), "Check the disk.")
        })
    }

    /// Writes a result for people.
    pub(crate) fn say(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.write(clean_lines(text.as_ref()))
    }

    /// Writes a text of this program's own, as it is.
    pub(crate) fn script(&self, text: &str) -> Result<(), Failure> {
        self.write(text.trim_end().to_owned())
    }

    /// Writes a result for programs.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = json_line(value).map_err(|error| {
            let message = format!("an answer cannot be written as JSON: {error}");
            Failure::new(Kind::Failed, "json", message, "Run it without --json.")
        })?;
        self.write(text)
    }

    /// Writes a table, as wide as the terminal at most.
    pub(crate) fn show(&self, sheet: &Sheet) -> Result<(), Failure> {
        self.write(sheet.drawn(self.paper))
    }

    /// Writes a note beside the result, for people alone.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            self.tell(&clean_lines(text.as_ref()));
        }
    }

    /// Writes an object beside the result: progress, the head of the audit trail.
    pub(crate) fn event(&self, value: &impl Serialize) {
        if let Ok(text) = json_line(value) {
            self.tell(&text);
        }
    }

    /// Writes a failure, with the next step.
    pub(crate) fn fail(&self, failure: &Failure) {
        let error = &failure.error;
        match (failure.kind, self.json) {
            (Kind::Closed, _) => {}
            (_, true) => self.event(error),
            (_, false) => {
                self.tell(&clean_lines(&format!("error: {}\n{}", error.message, error.next)));
            }
        }
    }

    /// Asks, without a line break after it.
    pub(crate) fn ask(&self, question: &str) {
        let text = self.without_secrets(clean_lines(question));
        let mut err = io::stderr().lock();
        // Without a terminal that can be written to, the answer is read all the same.
        let _ = write!(err, "{text}").and_then(|()| err.flush());
    }

    /// Writes one line to standard error. When that is closed, nobody is left to tell.
    fn tell(&self, text: &str) {
        let text = self.without_secrets(text.to_owned());
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}
