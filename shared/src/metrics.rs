//! Metrics: one table of them, how an isolate counts, and how `Meter` adds up.
//!
//! [`table::METRICS`] is the only list. The encoder of `/metrics`, the docs, the dashboards and the
//! alert rules are made from it.

pub mod batch;
pub mod flush;
pub mod history;
pub mod isolate;
pub mod kind;
pub mod labels;
pub mod meter;
pub mod point;
pub mod series;
pub mod table;
pub mod tally;
