//! The pure core of Rolecall: every decision, no I/O, no clock, no randomness, no async.
//!
//! ```text
//!  bytes + headers ─signature::verify→ VerifiedBody ─event::parse→ Incoming
//!                  ─Envelope::seal→ text ══queue══▶
//!  text ─Envelope::open→ Event ─plan::plan→ Plan ─sql::statements→ [Statement] ══D1 batch══▶ rows
//!  rows ══hint, fill══▶ RoleSet ══RoleCache══▶ guard::permit(session, set, need, now)
//!                                                  → Permit | Denied
//! ```
//!
//! What stands left of a `══` is here; a Worker is a thin edge around it. Time and randomness are
//! arguments: the same inputs give the same answer on any machine.

pub mod id;
pub mod time;
pub mod limits;
pub mod json;
pub mod signature;
pub mod event;
pub mod projection;
pub mod envelope;
pub mod merge;
pub mod plan;
pub mod sql;
pub mod queue;
pub mod batch;
pub mod d1_error;
pub mod roles;
pub mod guard;
pub mod check_query;
pub mod session;
pub mod role_cache;
pub mod cache;
pub mod outbox;
pub mod settings;
