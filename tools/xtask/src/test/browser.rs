//! The apps in a browser, with the real system behind them. Without Chromium
//! each of these tests fails, and says how to install it.

use super::counted_with;
use super::suite::NodeSuite;
use crate::place::Place;
use crate::setup::Tools;
use crate::tally::Tally;

const SUITE: NodeSuite = NodeSuite { folder: "tests/browser", log: "browser-tests" };

/// The folder with a picture of each page.
const PICTURES: &str = "target/browser";

/// Runs the tests of both apps.
pub(super) fn tests(place: &Place, tools: &Tools, filter: Option<&str>) -> Tally {
    let pictures = format!(", pictures in {PICTURES}");
    counted_with("browser tests", &pictures, |step| SUITE.run(place, tools, filter, step))
}
