//! The basic laws on random cases. `PROPTEST_CASES` sets how many. `cargo xtask sim laws` runs over
//! a million and shows what is printed here.

mod digest;
mod fields;
mod join;
mod rank;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// The least number of cases for each law.
const CASES_MIN: u32 = 100;

/// Tests a law on random cases, the same in every run, and prints how many there were.
///
/// `share`: a slow law is tested on one in `share` of the cases.
#[track_caller]
fn assert_law<S: Strategy>(
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
        Ok(()) => report(&format!("law: {cases:>9} cases: {law}: holds")),
        Err(failure) => panic!("{law}: {failure}"),
    }
}

/// Prints how many cases were tested.
#[expect(clippy::print_stdout, reason = "shown by `cargo xtask sim laws`")]
pub(crate) fn report(line: &str) {
    println!("{line}");
}
