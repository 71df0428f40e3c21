//! The log: what a line looks like, which trace it belongs to, and which ordinary lines are kept.
//! docs/logging.md lists the fields and the errors.

mod line;
mod sample;
mod trace;

pub use self::line::{FIELD_BYTES_MAX, LogLine};
pub use self::sample::SampleRate;
pub use self::trace::{TRACE_IDS_BYTES_MAX, trace_ids, traces_of_users, unverified_trace_id};
