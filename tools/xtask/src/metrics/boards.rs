//! Every dashboard.

mod guard;
mod operators;
mod overview;
mod pipeline;

use super::board::Board;

/// All dashboards, in the order in which to look at them.
pub(crate) fn all() -> Vec<Board> {
    vec![overview::board(), pipeline::board(), guard::board(), operators::board()]
}

/// The window of rates that Grafana chooses by the resolution and the scrape interval.
const WINDOW: &str = "$__rate_interval";

/// The whole time that is shown.
const WHOLE: &str = "$__range";

/// The quantiles that are drawn.
const QUANTILES: [(f64, &str); 3] = [(0.5, "median"), (0.95, "95 %"), (0.99, "99 %")];
