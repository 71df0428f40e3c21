//! A program that runs in the background until it is dropped or this program ends.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::call::Call;
use crate::interrupt::ProcessGroup;

/// The number of its last lines that are kept.
const TAIL_LINES: usize = 20;

/// A running program: lines go in, lines come out.
#[derive(Debug)]
pub(super) struct BackgroundProgram {
    name: &'static str,
    input: ChildStdin,
    output: Receiver<String>,
    tail: Arc<Mutex<VecDeque<String>>>,
    _group: ProcessGroup,
}

impl BackgroundProgram {
    /// Starts `call`. A message is sent to `ended` when it ends.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(name: &'static str, call: Call, ended: &Sender<String>) -> Result<Self> {
        let shown = call.shown().to_owned();
        let mut command = call.into_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = || format!("`{shown}` could not be started; run `cargo xtask build`");
        let mut child = command.spawn().with_context(failed)?;
        let group = ProcessGroup::of(&child);
        let input = child.stdin.take().with_context(failed)?;
        let (sender, output) = mpsc::channel();
        each_line(child.stdout.take(), move |line| drop(sender.send(line)));
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let words = Arc::clone(&tail);
        each_line(child.stderr.take(), move |line| keep(&words, line));
        let ended = ended.clone();
        thread::spawn(move || {
            let how = child.wait().map_or_else(|error| error.to_string(), |it| it.to_string());
            // There is no receiver once the run is over.
            let _ = ended.send(format!("{name} ended by itself ({how})"));
        });
        Ok(Self { name, input, output, tail, _group: group })
    }

    /// Sends it a line.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").map_err(|_| self.gone("ended"))
    }

    /// Its next line.
    ///
    /// # Errors
    /// When it prints nothing within `patience`, or has ended.
    pub(super) fn hear(&mut self, patience: Duration) -> Result<String> {
        self.output.recv_timeout(patience).map_err(|_| self.gone("did not answer"))
    }

    /// Whether it has closed its output.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.output.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// An error with its last lines.
    pub(super) fn gone(&self, what: &str) -> anyhow::Error {
        // Its last lines may arrive a moment after its end.
        thread::sleep(Duration::from_millis(100));
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<String> = tail.iter().map(|line| format!("    {line}")).collect();
        anyhow!("{} {what}:\n{}", self.name, words.join("\n"))
    }
}

fn keep(tail: &Mutex<VecDeque<String>>, line: String) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    if tail.len() == TAIL_LINES {
        tail.pop_front();
    }
    tail.push_back(line);
}

fn each_line<R: Read + Send + 'static>(
    source: Option<R>,
    mut take: impl FnMut(String) + Send + 'static,
) {
    let Some(source) = source else { return };
    thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
            take(String::from_utf8_lossy(&line).into_owned());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> (BackgroundProgram, Receiver<String>) {
        let (sender, ended) = mpsc::channel();
        let call = Call::new("sh").arg("-c").arg(script);
        (BackgroundProgram::start("sh", call, &sender).unwrap(), ended)
    }

    #[test]
    fn it_reads_lines_and_prints_lines() {
        let (mut program, _ended) = start("while read line; do echo \"$line!\"; done");
        program.say("a").unwrap();
        assert_eq!(program.hear(Duration::from_secs(10)).unwrap(), "a!");
    }

    #[test]
    fn its_end_and_its_last_lines_are_reported() {
        let (mut program, ended) = start("echo no luck >&2; exit 3");
        let news = ended.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(news, "sh ended by itself (exit status: 3)");
        let error = program.hear(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("no luck"), "{error}");
    }

    #[test]
    fn it_ends_when_it_is_dropped() {
        let (program, ended) = start("sleep 60");
        drop(program);
        let news = ended.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(news.contains("signal: 15"), "{news}");
    }
}
