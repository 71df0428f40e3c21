//! The output for developers: results on standard output, progress on standard error.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::time::Duration;

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;

/// The current steps: a line each, below the other output.
static STEPS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Writes one line of a result. A closed output is ignored.
pub(crate) fn line(text: impl AsRef<str>) {
    let _ = STEPS.suspend(|| writeln!(io::stdout().lock(), "{}", text.as_ref()));
}

/// Writes one line of progress. A closed output is ignored.
pub(crate) fn note(text: impl AsRef<str>) {
    let _ = STEPS.suspend(|| writeln!(io::stderr().lock(), "{}", text.as_ref()));
}

/// One step of a task: a spinner on a terminal, lines elsewhere. A step that is dropped
/// before its end has failed.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    bar: ProgressBar,
    watch: Stopwatch,
    is_over: bool,
}

impl Step {
    /// Begins a step and shows it.
    pub(crate) fn begin(name: impl Into<String>) -> Self {
        let name = name.into();
        let bar = STEPS.add(ProgressBar::new_spinner());
        if let Ok(look) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg:.dim}") {
            bar.set_style(look);
        }
        bar.set_prefix(name.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        if bar.is_hidden() {
            note(format!("· {name}"));
        }
        Self { name, bar, watch: Stopwatch::start(), is_over: false }
    }

    /// Shows what the step is doing. Only a terminal shows it.
    pub(crate) fn say(&self, now: &str) {
        self.bar.set_message(console::strip_ansi_codes(now).trim().to_owned());
    }

    /// Ends the step as a success.
    pub(crate) fn done(mut self, detail: &str) {
        self.end(&style("✓").green().to_string(), detail);
    }

    /// Ends the step as a failure.
    pub(crate) fn failed(mut self, detail: &str) {
        self.end(&style("✗").red().to_string(), detail);
    }

    fn end(&mut self, mark: &str, detail: &str) {
        self.is_over = true;
        self.bar.finish_and_clear();
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        note(format!("{mark} {}{detail} ({})", self.name, self.watch.shown()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(&style("✗").red().to_string(), "failed");
        }
    }
}
