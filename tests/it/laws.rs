//! The laws that everything rests on, on random cases: `PROPTEST_CASES` says on how many, and
//! `cargo xtask sim laws` asks for over a million and shows what is printed here.

mod digest;
mod fields;
mod join;
mod rank;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// What each law is tried on at least.
const CASES_MIN: u32 = 100;

/// Tries a law on random cases, the same in every run, and says on how many it held.
///
/// `share`: the law is tried on one in so many of the cases that are asked for, for it is slow.
#[track_caller]
fn holds<S: Strategy>(
    law: &str,
    share: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let asked = Config::default();
    let cases = (asked.cases / share).max(CASES_MIN);
    let config = Config { cases, failure_persistence: None, ..asked };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    match TestRunner::new_with_rng(config, rng).run(strategy, test) {
        Ok(()) => say(&format!("law: {cases:>9} cases: {law}: holds")),
        Err(failure) => panic!("{law}: {failure}"),
    }
}

/// Tells on how much a law was tried.
#[expect(clippy::print_stdout, reason = "shown by `cargo xtask sim laws`")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
