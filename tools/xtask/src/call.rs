//! Runs other programs: shows and keeps their output, and reports it when they fail.

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

/// The number of last lines of a failed program that are shown.
const TAIL_LINES: usize = 30;

/// The variables that `cargo run` sets. A build script that watches one of these would
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

/// The result of a program that ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Whether its status was 0.
    pub(crate) success: bool,
    /// Its exit status, in words.
    pub(crate) status: String,
    /// Its output, in the order of arrival.
    pub(crate) lines: Vec<(OutputStream, String)>,
    shown: String,
}

impl Call {
    /// A call of `program`, which is a path or is found in `PATH`.
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

    /// The call as a command line.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The command itself, for a caller that keeps it running.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end without input, and calls `watch` with each line of output.
    ///
    /// # Errors
    /// When it cannot be started. A failure of the program is no error here: see [`Ran::ok`].
    pub(crate) fn run(self, mut watch: impl FnMut(&str)) -> Result<Ran> {
        let mut command = self.command;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| {
            format!("`{}` could not be started; check that it is installed", self.shown)
        })?;
        let group = ProcessGroup::of(&child);
        let (sender, receiver) = mpsc::channel();
        forward(OutputStream::Out, child.stdout.take(), sender.clone());
        forward(OutputStream::Err, child.stderr.take(), sender);
        let mut lines = Vec::new();
        for (stream, line) in receiver {
            watch(&line);
            lines.push((stream, line));
        }
        let status =
            child.wait().with_context(|| format!("`{}` could not be waited for", self.shown))?;
        drop(group);
        interrupt::wait_if_ending();
        let (success, status) = (status.success(), status.to_string());
        Ok(Ran { success, status, lines, shown: self.shown })
    }

    /// Runs it quietly and returns its standard output.
    ///
    /// # Errors
    /// When it cannot be started or fails. `next` is the next step for the user.
    pub(crate) fn run_and_read(self, next: &str) -> Result<String> {
        Ok(self.run(|_| ())?.ok(next)?.out())
    }
}

impl Ran {
    /// Itself, unless the program failed.
    ///
    /// # Errors
    /// When it failed: the command, its last lines, and the `next` step.
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
            return "    (no output)".to_owned();
        }
        last.join("\n")
    }
}

/// Forwards each line of `source`, until it ends.
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
    fn standard_output_and_standard_error_are_separate() {
        let ran = shell("echo a; echo b >&2").run(|_| ()).unwrap();
        assert!(ran.success);
        assert_eq!(ran.out(), "a\n");
        assert_eq!(ran.lines.len(), 2);
    }

    #[test]
    fn an_error_has_the_command_its_output_and_the_next_step() {
        let error = shell("echo no luck; exit 3").run_and_read("Try again later.").unwrap_err();
        let text = format!("{error:#}");
        for part in ["`sh -c 'echo no luck; exit 3'`", "exit status: 3", "    no luck", "Try again"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Call::new("no-such-program").run(|_| ()).unwrap_err();
        assert!(format!("{error:#}").starts_with("`no-such-program` could not be started"));
    }

    #[test]
    fn processes_that_a_program_leaves_are_ended() {
        let ran = shell("sleep 60 >/dev/null 2>&1 & echo $!").run(|_| ()).unwrap();
        let pid = ran.out().trim().to_owned();
        assert!(!pid.is_empty());
        // The state of a process that ended and was not collected yet is Z; gone is an error.
        let state = Call::new("ps").args(["-o", "stat=", "-p", pid.as_str()]).run(|_| ()).unwrap();
        assert!(state.out().trim().is_empty() || state.out().trim().starts_with('Z'));
    }
}
