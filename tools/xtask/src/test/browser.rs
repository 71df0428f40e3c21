//! The apps in a browser: what people see and do, with the real system behind it. Without Chromium
//! each of these tests fails, and says how it is installed.

use super::counted_with;
use super::suite::NodeSuite;
use crate::place::Place;
use crate::setup::Tools;
use crate::tally::Tally;

const SUITE: NodeSuite = NodeSuite { folder: "tests/browser", log: "browser-tests" };

/// Where a picture of each page is left.
const PICTURES: &str = "target/browser";

/// Drives both apps.
pub(super) fn tests(place: &Place, tools: &Tools, filter: Option<&str>) -> Tally {
    let pictures = format!(", pictures in {PICTURES}");
    counted_with("browser tests", &pictures, |step| SUITE.run(place, tools, filter, step))
}
