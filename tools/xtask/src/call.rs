//! Running other programs: what they say is watched, kept, and told when they fail.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::interrupt::{self, ProcessGroup};

/// How many of a failed program's last lines are told.
const TAIL_LINES: usize = 30;

/// What `cargo run` sets for the program it runs. A build script that watches one of these would
/// run again whenever cargo is called from here after it was called by hand.
const FROM_CARGO_RUN: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_PRIMARY_PACKAGE"];

/// A program with its arguments, ready to run.
#[derive(Debug)]
pub(crate) struct Call {
    command: Command,
    shown: String,
}

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What a program that ended left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Whether its status was 0.
    pub(crate) success: bool,
    /// How it ended, in words.
    pub(crate) status: String,
    /// Everything it said, in the order of arrival.
    pub(crate) lines: Vec<(OutputStream, String)>,
    shown: String,
}

impl Call {
    /// A call of `program`, found on the path unless it is one.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if FROM_CARGO_RUN.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        // A group of its own: see `interrupt`.
        command.process_group(0);
        let shown = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into();
        Self { command, shown }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let text = arg.as_ref().to_string_lossy();
        // A String takes any text, so this write cannot fail.
        let _ = if text.contains([' ', '"', '\'']) {
            write!(self.shown, " '{text}'")
        } else {
            write!(self.shown, " {text}")
        };
        self.command.arg(arg);
        self
    }

    /// Adds several arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Runs it in `dir`.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets variables for it.
    pub(crate) fn vars<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.command.envs(vars);
        self
    }

    /// The call as one could type it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The command itself, to be started by somebody who stays with it.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end without input; `watch` is told each line as it comes.
    ///
    /// # Errors
    /// When it cannot be started. That it failed is for the caller to judge: see [`Ran::ok`].
    pub(crate) fn run(self, mut watch: impl FnMut(&str)) -> Result<Ran> {
        let mut command = self.command;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("`{}` could not be started; is it installed?", self.shown))?;
        let group = ProcessGroup::of(&child);
        let (sender, receiver) = mpsc::channel();
        forward(OutputStream::Out, child.stdout.take(), sender.clone());
        forward(OutputStream::Err, child.stderr.take(), sender);
        let mut lines = Vec::new();
        for (stream, line) in receiver {
            watch(&line);
            lines.push((stream, line));
        }
        let status = child.wait().with_context(|| format!("`{}` was lost", self.shown))?;
        drop(group);
        interrupt::wait_if_ending();
        let (success, status) = (status.success(), status.to_string());
        Ok(Ran { success, status, lines, shown: self.shown })
    }

    /// Runs it quietly and returns its standard output.
    ///
    /// # Errors
    /// When it cannot be started or fails; `next` says what to do then.
    pub(crate) fn read(self, next: &str) -> Result<String> {
        Ok(self.run(|_| ())?.ok(next)?.out())
    }
}

impl Ran {
    /// Itself, unless the program failed.
    ///
    /// # Errors
    /// When it did: what was tried, its last lines, and what to do `next`.
    pub(crate) fn ok(self, next: &str) -> Result<Self> {
        if self.success {
            return Ok(self);
        }
        bail!("`{}` failed ({}):\n{}\n{next}", self.shown, self.status, self.tail());
    }

    /// What it wrote to standard output.
    pub(crate) fn out(&self) -> String {
        let mut out = String::new();
        for (_, line) in self.lines.iter().filter(|(stream, _)| *stream == OutputStream::Out) {
            out.push_str(line);
            out.push('\n');
        }
        out
    }

    /// Its last lines, indented.
    pub(crate) fn tail(&self) -> String {
        let start = self.lines.len().saturating_sub(TAIL_LINES);
        let last: Vec<String> =
            self.lines.iter().skip(start).map(|(_, line)| format!("    {line}")).collect();
        if last.is_empty() {
            return "    (it said nothing)".to_owned();
        }
        last.join("\n")
    }
}

/// Sends each line of `source` on, until it ends.
fn forward<R: Read + Send + 'static>(
    stream: OutputStream,
    source: Option<R>,
    sender: Sender<(OutputStream, String)>,
) {
    let Some(source) = source else { return };
    thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if sender.send((stream, line)).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Call {
        Call::new("sh").arg("-c").arg(script)
    }

    #[test]
    fn both_streams_are_kept_apart() {
        let ran = shell("echo a; echo b >&2").run(|_| ()).unwrap();
        assert!(ran.success);
        assert_eq!(ran.out(), "a\n");
        assert_eq!(ran.lines.len(), 2);
    }

    #[test]
    fn a_failure_says_what_was_tried_what_was_said_and_what_to_do() {
        let error = shell("echo no luck; exit 3").read("Try again later.").unwrap_err();
        let text = format!("{error:#}");
        for part in ["`sh -c 'echo no luck; exit 3'`", "exit status: 3", "    no luck", "Try again"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = Call::new("no-such-program").run(|_| ()).unwrap_err();
        assert!(format!("{error:#}").starts_with("`no-such-program` could not be started"));
    }

    #[test]
    fn what_a_program_leaves_running_is_ended() {
        let ran = shell("sleep 60 >/dev/null 2>&1 & echo $!").run(|_| ()).unwrap();
        let pid = ran.out().trim().to_owned();
        assert!(!pid.is_empty());
        // The state of a process that ended and was not collected yet is Z; gone is an error.
        let state = Call::new("ps").args(["-o", "stat=", "-p", pid.as_str()]).run(|_| ()).unwrap();
        assert!(state.out().trim().is_empty() || state.out().trim().starts_with('Z'));
    }
}
