//! The pure core of Rolecall: every decision, no I/O, no clock, no randomness, no async.
//!
//! ```text
//!  bytes + headers ─signature::verify→ VerifiedBody ─event::parse→ ParsedDelivery
//!                  ─Envelope::encode→ text ══queue══▶
//!  text ─inbox::open_messages→ [OpenedMessage] ─plan::plan→ BatchPlan
//!                  ─sql::statements→ [Statement] ══D1 batch══▶ rows
//!  rows ══hint, fill══▶ RoleSet ══RoleCache══▶ guard::permit(session, set, need, now)
//!                                                  → Permit | Denied
//! ```
//!
//! Everything except the steps drawn with `══` (I/O) is in this crate; the Workers only do that
//! I/O. Time and randomness are arguments: the same inputs give the same answer on any machine.

pub mod id;
pub mod time;
pub mod limits;
pub mod json;
pub mod signature;
pub mod event;
pub mod entity;
pub mod projection;
pub mod envelope;
pub mod merge;
pub mod plan;
pub mod sql;
pub mod queue;
pub mod inbox;
pub mod batch;
pub mod d1_error;
pub mod retry;
pub mod roles;
pub mod guard;
pub mod session;
pub mod role_cache;
pub mod cache;
pub mod outbox;
pub mod settings;
