//! Every number that more than one module must agree on: unit in the name, source beside it.

use crate::outbox::{ROUND_MAX, SWEEP_MS_MAX};

/// Queues: bytes in one message. <https://developers.cloudflare.com/queues/platform/limits/>
pub const MESSAGE_BYTES_MAX: usize = 128_000;

/// Queues: what the platform adds to each message, same page.
pub const METADATA_BYTES_MAX: usize = 100;

/// Ours: an envelope carries only the fields that are synced. Clerk caps metadata at 8 KB; the
/// rest is room for a membership with a thousand permissions.
pub const ENVELOPE_BYTES_MAX: usize = 65_536;

/// Ours: the default of `BODY_BYTES_MAX`, the largest delivery that is read at all.
pub const BODY_BYTES_MAX_DEFAULT: i64 = 262_144;

/// Ours: what `BODY_BYTES_MAX` may be. A body is held whole, in an isolate of 128 MB that serves
/// others meanwhile. <https://developers.cloudflare.com/workers/platform/limits/#memory>
pub const BODY_BYTES_MAX_MAX: i64 = 16_777_216;

/// Ours: bytes that the bodies on their way into one isolate of the door may take together: a
/// quarter of its memory, <https://developers.cloudflare.com/workers/platform/limits/>.
pub const UPLOADS_BYTES_MAX: usize = 33_554_432;

/// Ours: all the time that a body gets to come in. Svix waits 15 s for an answer,
/// <https://docs.svix.com/retries>.
pub const UPLOAD_MS_MAX: u64 = 5_000;

/// Queues: retries of one message of the door's queue before the platform moves it to the
/// dead-letter queue; `wrangler.toml` says the same.
pub const RETRIES_MAX: u32 = 8;

/// The last delivery of a message by the door's queue.
pub const ATTEMPTS_MAX: u32 = RETRIES_MAX + 1;

/// Queues: retries of one message of the dead-letter queue before the platform drops it, the most
/// there may be, <https://developers.cloudflare.com/queues/platform/limits/>; `wrangler.toml` says
/// the same.
pub const DEAD_RETRIES_MAX: u32 = 100;

/// The last delivery of a message by the dead-letter queue.
pub const DEAD_ATTEMPTS_MAX: u32 = DEAD_RETRIES_MAX + 1;

/// Ours: seconds at most between two deliveries by the dead-letter queue; `wrangler.toml` says the
/// same, for a batch whose consumer ended before it could say anything.
pub const DEAD_RETRY_S_MAX: u32 = 10_800;

/// Queues: seconds that a queue keeps a message at most, 14 days, same page. `cargo xtask deploy`
/// sets it for both queues.
pub const RETENTION_S: u32 = 14 * 86_400;

/// D1: bytes in one bound parameter are capped at 2 MB,
/// <https://developers.cloudflare.com/d1/platform/limits/>; ours stays below half of that.
pub const PARAMETER_BYTES_MAX: usize = 500_000;

/// Ours: an `updated_at` this far after its event's time was not written by Clerk's clock.
pub const UPDATE_AHEAD_MS_MAX: i64 = 3_600_000;

/// Ours: bytes in the name of an app role.
pub const ROLE_NAME_BYTES_MAX: usize = 128;

/// Ours: app roles that one user's `public_metadata` may name. Clerk caps it at 8 KB, which are
/// thousands of short names; each new one is a row of `roles` for good.
pub const ROLE_NAMES_MAX: usize = 100;

/// The default of `ROLES_SOFT_MS`: past this age a set is served and refreshed behind the answer.
pub const ROLES_SOFT_MS_DEFAULT: i64 = 30_000;

/// The default of `ROLES_HARD_MS`: past this age a set is not served. Clerk's session tokens live
/// as long.
pub const ROLES_HARD_MS_DEFAULT: i64 = 60_000;

/// An hour: whatever `ROLES_HARD_MS` is, a set is not served longer than this without D1.
pub const ROLES_HARD_MS_MAX: i64 = 3_600_000;

/// A year: the longest that an object keeps what nobody asks for.
pub const ROLES_IDLE_MS_MAX: i64 = 31_536_000_000;

/// The longest that an isolate may serve a set without asking: as long as Clerk's tokens live.
pub const ROLES_ISOLATE_MS_MAX: i64 = 60_000;

/// All the time that a fill gets from D1. Past it the guard would say 503 anyway.
pub const FILL_MS_MAX: u64 = 2_000;

/// Fills in a row before a question is given up: the first, one that registers, and one more for a
/// hint that overtakes it.
pub const FILLS_MAX: u32 = 4;

/// The end of an object's watch that failed is tried again after this.
pub const END_AGAIN_MS: i64 = 60_000;

/// All the time that an object gets to answer a guard. Long enough for a fill from a database in
/// trouble, short enough that a person is told before they leave. `packages/guard` has it too.
pub const ANSWER_MS_MAX: u64 = 2_500;

/// All the time that an object gets to take a hint; past it the sweep sends it again.
pub const HINT_MS_MAX: u64 = 2_000;

/// Hints under way at a time.
pub const HINTS_AT_ONCE: usize = 20;

/// From one sweep to the next, by the cron of `wrangler.toml`.
pub const SWEEP_EACH_MS: i64 = 60_000;

/// A hint further ahead of the object's clock than this is refused: it would raise the floor
/// beyond what D1 will reach.
pub const HINT_AHEAD_MS_MAX: i64 = 300_000;

/// A version asked for that is further ahead of the object's clock than this is refused without a
/// read: D1 names versions by its own clock, and the two differ by less.
pub const VERSION_AHEAD_MS_MAX: i64 = 5_000;

/// Ours: the longest wait of an object between two fills that fail.
pub const FILL_WAIT_MS_MAX: i64 = 5_000;

/// Seconds after which somebody who was told 503 by a guard may ask again.
pub const GUARD_RETRY_AFTER_S: i64 = 5;

const _: () =
    assert!(BODY_BYTES_MAX_DEFAULT * 100 <= UPLOADS_MAX && BODY_BYTES_MAX_MAX <= UPLOADS_MAX);
// Then no object is still waiting.
const _: () = assert!(FILL_WAIT_MS_MAX <= GUARD_RETRY_AFTER_S * 1_000);
const _: () = assert!(ENVELOPE_BYTES_MAX + METADATA_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(ENVELOPE_BYTES_MAX * 2 <= PARAMETER_BYTES_MAX);
const _: () = assert!(DEAD_RETRIES_MAX * DEAD_RETRY_S_MAX < RETENTION_S);
const _: () = assert!(BODY_BYTES_MAX_DEFAULT <= BODY_BYTES_MAX_MAX);
const _: () = assert!(ROLES_SOFT_MS_DEFAULT < ROLES_HARD_MS_DEFAULT);
const _: () = assert!(ROLES_HARD_MS_DEFAULT <= ROLES_HARD_MS_MAX);
// An isolate alone must not hold a set past the age that the object itself would refuse.
const _: () = assert!(ROLES_ISOLATE_MS_MAX <= ROLES_HARD_MS_DEFAULT);
// Who waits is patient for longer than what it waits for takes: else a fill that would have come
// is answered 503, and a sweep never gets to its end.
const _: () = assert!(FILL_MS_MAX < ANSWER_MS_MAX);
// The last round begins just before its end, and no object answers.
const _: () = assert!(SWEEP_MS_MAX + WAVES_MAX * HINT_MS_MAX.cast_signed() < SWEEP_EACH_MS);

/// How often a round waits for the slowest of [`HINTS_AT_ONCE`].
#[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "a constant")]
const WAVES_MAX: i64 = ROUND_MAX / HINTS_AT_ONCE as i64;

/// [`UPLOADS_BYTES_MAX`] beside what a setting may be.
#[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "a constant")]
const UPLOADS_MAX: i64 = UPLOADS_BYTES_MAX as i64;
