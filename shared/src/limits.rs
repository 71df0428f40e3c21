//! Every number that more than one module must agree on: unit in the name, source beside it.

/// Queues: bytes in one message. <https://developers.cloudflare.com/queues/platform/limits/>
pub const MESSAGE_BYTES_MAX: usize = 128_000;

/// Queues: what the platform adds to each message, same page.
pub const METADATA_BYTES_MAX: usize = 100;

/// Ours: an envelope carries only the fields that are synced. Clerk caps metadata at 8 KB; the
/// rest is room for a membership with a thousand permissions.
pub const ENVELOPE_BYTES_MAX: usize = 65_536;

/// Ours: the default of `BODY_BYTES_MAX`, the largest delivery that is read at all.
pub const BODY_BYTES_MAX_DEFAULT: usize = 262_144;

/// Ours: bytes that the bodies on their way into one isolate of the door may take together: a
/// quarter of its memory, <https://developers.cloudflare.com/workers/platform/limits/>.
pub const UPLOADS_BYTES_MAX: usize = 33_554_432;

/// Ours: all the time that a body gets to come in. Svix waits 15 s for an answer,
/// <https://docs.svix.com/retries>.
pub const UPLOAD_MS_MAX: u64 = 5_000;

/// Queues: retries of one message before the platform gives it up; `wrangler.toml` says the same.
pub const RETRIES_MAX: u32 = 8;

/// The delivery of a queue message on which the consumer parks it itself.
pub const ATTEMPTS_MAX: u32 = RETRIES_MAX + 1;

/// D1: bytes in one bound parameter are capped at 2 MB,
/// <https://developers.cloudflare.com/d1/platform/limits/>; ours stays below half of that.
pub const PARAMETER_BYTES_MAX: usize = 500_000;

/// Ours: an `updated_at` this far after its event's time was not written by Clerk's clock.
pub const UPDATE_AHEAD_MS_MAX: i64 = 3_600_000;

/// Ours: bytes in the name of an app role.
pub const ROLE_NAME_BYTES_MAX: usize = 128;

/// The default of `ROLES_SOFT_MS`: past this age a set is served and refreshed behind the answer.
pub const ROLES_SOFT_MS_DEFAULT: i64 = 30_000;

/// The default of `ROLES_HARD_MS`: past this age a set is not served. Clerk's session tokens live
/// as long.
pub const ROLES_HARD_MS_DEFAULT: i64 = 60_000;

/// A hint further ahead of the object's clock than this is refused: it would raise the floor
/// beyond what D1 will reach.
pub const HINT_AHEAD_MS_MAX: i64 = 300_000;

/// A version asked for that is further ahead of the object's clock than this is refused without a
/// read: D1 names versions by its own clock, and the two differ by less.
pub const VERSION_AHEAD_MS_MAX: i64 = 5_000;

/// Ours: the longest wait of an object between two fills that fail.
pub const FILL_WAIT_MS_MAX: i64 = 5_000;

/// Seconds after which whoever was told 503 by a guard may ask again.
pub const GUARD_RETRY_AFTER_S: i64 = 5;

const _: () = assert!(BODY_BYTES_MAX_DEFAULT * 100 <= UPLOADS_BYTES_MAX);
// Then no object is still waiting.
const _: () = assert!(FILL_WAIT_MS_MAX <= GUARD_RETRY_AFTER_S * 1_000);
const _: () = assert!(ENVELOPE_BYTES_MAX + METADATA_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(ENVELOPE_BYTES_MAX * 2 <= PARAMETER_BYTES_MAX);
const _: () = assert!(ROLES_SOFT_MS_DEFAULT < ROLES_HARD_MS_DEFAULT);
