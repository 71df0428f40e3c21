//! A folder of tests for Node's test runner, run as one step.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{escape, report};
use crate::call::Call;
use crate::place::Place;
use crate::setup::Tools;
use crate::show::Step;
use crate::tally::Tally;

/// Our own limit: a file that takes longer hangs; it is ended and has failed.
const FILE_MS_MAX: u32 = 300_000;

/// The folder of a suite, and the name of its log.
#[derive(Debug)]
pub(super) struct NodeSuite {
    pub(super) folder: &'static str,
    pub(super) log: &'static str,
}

impl NodeSuite {
    /// Runs its tests, or those that match the filter.
    ///
    /// # Errors
    /// When there is none, or Node cannot be started.
    pub(super) fn run(
        &self,
        place: &Place,
        tools: &Tools,
        filter: Option<&str>,
        step: &Step,
    ) -> Result<Tally> {
        let pattern = filter.map(|filter| format!("--test-name-pattern={}", escape(filter)));
        let ran = Call::new(&tools.node)
            // Each file starts the whole system. More than two at a time are not faster.
            .args(["--test", "--test-concurrency=2", "--test-reporter=tap"])
            .arg(format!("--test-timeout={FILE_MS_MAX}"))
            .args(pattern)
            .args(self.files(place)?)
            .dir(&place.root)
            .vars(tools.vars()?)
            .run(|line| step.say(line))?;
        let tally = Tally::of_tap(ran.lines.iter().map(|(_, line)| line.as_str()));
        report(place, self.log, &ran)?;
        Ok(tally.or_failed(ran.success))
    }

    /// Its files, in order.
    fn files(&self, place: &Place) -> Result<Vec<PathBuf>> {
        let folder = place.root.join(self.folder);
        let read = || format!("cannot read {}; restore it from git", folder.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).with_context(read)? {
            let path = entry.with_context(read)?.path();
            if path.to_string_lossy().ends_with(".test.mjs") {
                files.push(path.strip_prefix(&place.root).unwrap_or(&path).to_path_buf());
            }
        }
        if files.is_empty() {
            bail!("{} has no *.test.mjs; restore it from git", self.folder);
        }
        files.sort();
        Ok(files)
    }
}
