//! Replays and discards of many letters: plan, then apply.
//!
//! ```text
//! planning → planned ─apply→ checking → canary → running → done
//!                               ↓          ↓
//!                            refused    stopped          (pause, resume and cancel between)
//! ```
//!
//! A plan says of each letter what a replay would do with it, by itself and as the rows are then.
//! `apply` computes the plan again: if it would differ, nothing is sent. Of what is sent, the first
//! letters go alone, and the others only when none of them was parked again.
//!
//! A replay is carried on in steps, by a request or by the cron. Each step is one
//! D1 batch that compares and sets the number of the step, so two drivers never do one step twice.

mod classify;
mod commands;
mod fold;
mod progress;
mod rate;
mod report;
mod request;
mod steps;

pub use classify::{Classified, Facts, Named, OutcomeRow, SyncedRow, classify, named};
pub use commands::{Act, Change, apply, cancel, pause, resume};
pub use fold::{FoldedLetter, PlannedPage, first_hash, fold, plan_page};
pub use progress::{Progress, ReplayRow, StoredReplay, replay_id};
pub use rate::{Allowance, allowance};
pub use report::{replay_answer, state_message};
pub use request::{
    RATE_DEFAULT, RATE_MAX, check_filter, check_idempotency_key, check_plan, check_reason, refusal,
};
pub use steps::{CountRow, ItemRow, Mark, Reads, Step, next_step, selection};

/// Letters on one page of a plan, and most letters that one step sends.
pub const PAGE_LETTERS: u32 = 100;

/// Letters that are sent first.
pub const CANARY_LETTERS: usize = 5;

/// Bytes that one step sends: below the 256 KB of one batch of Queues,
/// <https://developers.cloudflare.com/queues/platform/limits/>.
pub const CHUNK_BYTES_MAX: usize = 200_000;

/// Examples of each class in the report.
pub const EXAMPLES_PER_CLASS: usize = 5;

/// Letters that one step leaves at the end.
pub const LEAVE_PER_STEP: i64 = 500;
