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

/// A hint further ahead of the object's clock than this is refused: it would raise the floor
/// beyond what D1 will reach.
pub const HINT_AHEAD_MS_MAX: i64 = 300_000;

const _: () = assert!(ENVELOPE_BYTES_MAX + METADATA_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(ENVELOPE_BYTES_MAX * 2 <= PARAMETER_BYTES_MAX);
const _: () = assert!(DEAD_RETRIES_MAX * DEAD_RETRY_S_MAX < RETENTION_S);
const _: () = assert!(ROLES_SOFT_MS_DEFAULT < ROLES_HARD_MS_DEFAULT);
