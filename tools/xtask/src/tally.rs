//! Counts what passed and what failed, from the output of several tools.

use std::iter::Sum;
use std::ops::AddAssign;

use anyhow::Result;

use crate::show::{self, Step};

/// How many passed and how many failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One that failed.
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1 };
    /// One that passed.
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0 };

    /// The last line of `cargo xtask test`, which other programs read.
    pub(crate) fn shown(self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }

    /// Whether something ran and all of it passed. If nothing ran, that is a failure.
    pub(crate) fn is_good(self) -> bool {
        self.failed == 0 && 0 < self.passed
    }

    /// Runs a step that counts as one, and shows its result.
    pub(crate) fn of(name: impl Into<String>, run: impl FnOnce(&Step) -> Result<String>) -> Self {
        let step = Step::begin(name);
        match run(&step) {
            Ok(detail) => {
                step.done(&detail);
                Self::PASSED
            }
            Err(error) => {
                step.failed("failed");
                show::note(format!("{error:#}"));
                Self::FAILED
            }
        }
    }

    /// Adds up the results that `cargo test` printed, one line for each binary.
    pub(crate) fn of_cargo<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let results = lines.into_iter().filter_map(|line| line.strip_prefix("test result: "));
        let counts = results.flat_map(|line| line.split(['.', ';']));
        let mut tally = Self::default();
        for count in counts {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => tally.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => tally.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
        tally
    }

    /// Reads the summary that Node's test runner ends its TAP with. The runner counts a file in
    /// which no test ran as one that passed; here it counts for nothing.
    pub(crate) fn of_tap<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tally = Self::default();
        let mut empty = 0;
        for line in lines {
            let is_file = [".test.mjs", ".test.ts"].iter().any(|end| line.ends_with(end));
            empty += u64::from(line.starts_with("ok ") && is_file);
            match line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
                Some(("pass", number)) => tally.passed += number.trim().parse().unwrap_or(0),
                Some(("fail" | "cancelled", number)) => {
                    tally.failed += number.trim().parse().unwrap_or(0);
                }
                _ => {}
            }
        }
        tally.passed = tally.passed.saturating_sub(empty);
        tally
    }

    /// Itself, with one failure more when the tool failed without counting any: a crate that does
    /// not compile, a runner that was ended.
    pub(crate) fn or_failed(mut self, success: bool) -> Self {
        if !success && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        all.for_each(|tally| sum += tally);
        sum
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_results_of_all_test_binaries_are_added() {
        let said = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished\n\
            test a ... FAILED\n\
            test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Tally::of_cargo(said.lines()), Tally { passed: 7, failed: 1 });
    }

    #[test]
    fn a_cancelled_node_test_counts_as_failed() {
        let said =
            "ok 1 - a\n# tests 6\n# suites 0\n# pass 3\n# fail 1\n# cancelled 2\n# skipped 0";
        assert_eq!(Tally::of_tap(said.lines()), Tally { passed: 3, failed: 3 });
    }

    #[test]
    fn a_file_without_tests_is_not_counted() {
        let said = "ok 1 - tests/workerd/a.test.mjs\nok 2 - b\n# pass 2\n# fail 0";
        assert_eq!(Tally::of_tap(said.lines()), Tally { passed: 1, failed: 0 });
        // A filter that matches nothing.
        let said = "ok 1 - packages/guard/test/a.test.ts\n# pass 1\n# fail 0";
        assert!(!Tally::of_tap(said.lines()).is_good());
    }

    #[test]
    fn a_failed_tool_is_never_a_success() {
        assert!(!Tally { passed: 7, failed: 0 }.or_failed(false).is_good());
        assert!(Tally { passed: 7, failed: 0 }.or_failed(true).is_good());
        assert!(!Tally::default().or_failed(true).is_good());
    }

    #[test]
    fn a_step_counts_as_one() {
        assert_eq!(Tally::of("step", |_| Ok(String::new())), Tally::PASSED);
        assert_eq!(Tally::of("step", |_| bail!("on purpose")), Tally::FAILED);
    }
}
