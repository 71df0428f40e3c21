//! The pure core of Rolecall: every decision, no I/O, no clock, no randomness, no async.
//!
//! ```text
//! ingest    headers + body ─signature::verify→ VerifiedBody ─event::parse→ ParsedDelivery
//!             ─admission::admit→ Envelope ─encode→ text ══queue══▶
//! consumer  text ─inbox::open_messages→ [OpenedMessage] ─plan::plan→ BatchPlan
//!             ─sql::statements→ [Statement] ══D1 batch══▶ rows ══hint══▶
//! durable   hint, query ─cache::CacheState→ CacheDecision ══fill from D1══▶ RoleSet
//! ssr       token ─session::parse_token→ UnverifiedToken ══WebCrypto══▶ VerifiedToken
//!             ─session::validate_claims_at→ Session, RoleSnapshot ─guard::permit→ Permit | Denied
//! ```
//!
//! Everything except the steps drawn with `══` (I/O) is in this crate; the Workers only do that
//! I/O. Time and randomness are arguments: the same inputs give the same result on any machine.
//!
//! The modules, in reading order:
//!
//! - Basics: [`id`] validates ids, [`time`] converts times, [`limits`] has shared numbers, [`json`]
//!   parses JSON strictly.
//! - Ingest: [`signature`] verifies a delivery, [`event`] parses it, [`entity`] has the kinds of
//!   synced things and their names, [`projection`] their synced fields, [`envelope`] the format of
//!   queue messages, [`admission`] decides on acceptance.
//! - Consumer: [`merge`] orders changes of one entity, [`plan`] plans the changes of a batch,
//!   [`sql`] has the statements, [`queue`] the queues' names, [`inbox`] opens and parks messages,
//!   [`batch`] decides on retries and dead letters, [`d1_error`] classifies D1's errors, [`retry`]
//!   has the back-off, [`outbox`] selects pending hints, [`canary`] measures the stages by changes
//!   of a user made for it, [`trace`] tells which delivery caused a hint.
//! - Role cache: [`roles`] is a user's role set, [`role_cache`] the HTTP protocol of the object,
//!   [`cache`] its state machine.
//! - Application: [`session`] validates tokens, [`guard`] grants or denies access, [`check_query`]
//!   parses the queries of `/api/check` and `/api/me`.
//! - Operators: [`operators`] has what the console and its program decide.
//! - All Workers: [`settings`] parses variables and secrets, [`log`] builds a line and decides
//!   whether it is kept, [`metrics`] has every metric, and how an isolate counts.

pub mod id;
pub mod time;
pub mod limits;
pub mod json;
pub mod signature;
pub mod event;
pub mod entity;
pub mod projection;
pub mod envelope;
pub mod admission;
pub mod merge;
pub mod plan;
pub mod sql;
pub mod queue;
pub mod inbox;
pub mod batch;
pub mod d1_error;
pub mod retry;
pub mod outbox;
pub mod canary;
pub mod sweep;
pub mod trace;
pub mod roles;
pub mod role_cache;
pub mod cache;
pub mod session;
pub mod guard;
pub mod check_query;
pub mod operators;
pub mod settings;
pub mod log;
pub mod metrics;
