//! The log: what a line looks like, and which ordinary lines are kept. docs/logging.md lists
//! the fields and the errors.

mod line;
mod sample;

pub use self::line::{FIELD_BYTES_MAX, LogLine, TRACE_IDS_BYTES_MAX};
pub use self::sample::SampleRate;
