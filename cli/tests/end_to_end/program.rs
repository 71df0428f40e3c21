//! Runs the program as an operator does, in a home folder of its own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::console::{Console, TOKEN};

/// An operator's machine.
pub(crate) struct Program {
    pub(crate) home: TempDir,
    vars: Vec<(String, String)>,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// Without any configuration.
    pub(crate) fn bare() -> Self {
        Self { home: TempDir::new().unwrap(), vars: Vec::new() }
    }

    /// With the address and the token of a console in the environment.
    pub(crate) fn of(console: &Console) -> Self {
        Self::bare().var("ROLECALL_URL", &console.url).var("ROLECALL_TOKEN", TOKEN)
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join(".config/rolecall/config.toml")
    }

    pub(crate) fn heads(&self) -> PathBuf {
        self.home.path().join(".local/state/rolecall/audit-heads.toml")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command.envs(self.vars.iter().cloned());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs it for a text that a shell reads: it may have tabs.
    pub(crate) fn run_of_script(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it with this standard input, without a terminal.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        let ran = Ran { code: output.status.code().unwrap(), out, err };
        assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "a token is shown: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        let controls = |text: &str| text.chars().any(|it| it.is_control() && it != '\n');
        assert!(!controls(&ran.out) && !controls(&ran.err), "a terminal obeys this: {ran:?}");
        ran
    }
}

impl Ran {
    /// Itself, if it ended with this code.
    #[track_caller]
    pub(crate) fn code(self, want: i32) -> Self {
        assert_eq!(self.code, want, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }

    /// Itself, if standard error has all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        self
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Lines of standard output, each a JSON object.
    #[track_caller]
    pub(crate) fn json_lines<T: DeserializeOwned>(&self) -> Vec<T> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|it| panic!("{it}: {line}"));
        self.out.lines().map(parse).collect()
    }
}
