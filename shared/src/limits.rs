//! Limits and defaults that several modules share. The unit is in the name, the source in the
//! comment: a platform, or "our limit".

/// Queues: bytes in one message. <https://developers.cloudflare.com/queues/platform/limits/>
pub const MESSAGE_BYTES_MAX: usize = 128_000;

/// Queues: bytes that the platform adds to each message, same page.
pub const METADATA_BYTES_MAX: usize = 100;

/// Our limit: bytes of an envelope, which contains only the synced fields. Clerk limits metadata to
/// 8 KB; the rest is room for a membership with a thousand permissions.
pub const ENVELOPE_BYTES_MAX: usize = 65_536;

/// Our limit: bytes that the tag of a replay adds to an envelope. Room is kept for them, so that no
/// letter becomes too large by being replayed.
pub const REPLAY_TAG_BYTES_MAX: usize = 1_024;

/// Our limit: the default of `BODY_BYTES_MAX`, the largest accepted delivery.
pub const BODY_BYTES_MAX_DEFAULT: i64 = 262_144;

/// Our limit: the upper bound of `BODY_BYTES_MAX`. A whole body is in memory, in an isolate of
/// 128 MB that serves other requests at the same time. <https://developers.cloudflare.com/workers/platform/limits/#memory>
pub const BODY_BYTES_MAX_MAX: i64 = 16_777_216;

/// Our limit: total bytes of all uploads in one isolate of ingest: a quarter of its memory, <https://developers.cloudflare.com/workers/platform/limits/>.
pub const UPLOADS_BYTES_MAX: usize = 33_554_432;

/// Our limit: timeout of an upload. Svix waits 15 s for a response,
/// <https://docs.svix.com/retries>.
pub const UPLOAD_TIMEOUT_MS: u64 = 5_000;

/// Retries of one message of the events queue before the platform moves it to the dead-letter
/// queue; `wrangler.toml` has the same number.
pub const RETRIES_MAX: u32 = 8;

/// The last delivery of a message by the events queue.
pub const ATTEMPTS_MAX: u32 = RETRIES_MAX + 1;

/// Retries of one message of the dead-letter queue before the platform deletes it: the maximum of
/// Queues, <https://developers.cloudflare.com/queues/platform/limits/>. `wrangler.toml` has the same
/// number.
pub const DEAD_RETRIES_MAX: u32 = 100;

/// The last delivery of a message by the dead-letter queue.
pub const DEAD_ATTEMPTS_MAX: u32 = DEAD_RETRIES_MAX + 1;

/// Our limit: the longest delay in seconds between two deliveries by the dead-letter queue.
/// `wrangler.toml` has the same number, for a batch whose consumer crashed.
pub const DEAD_RETRY_S_MAX: u32 = 10_800;

/// Queues: the longest retention of a message in seconds, 14 days, same page. `cargo xtask deploy`
/// sets it for both queues.
pub const RETENTION_S: u32 = 14 * 86_400;

/// Our limit: bytes in one bound parameter, below half of D1's limit of 2 MB,
/// <https://developers.cloudflare.com/d1/platform/limits/>.
pub const PARAMETER_BYTES_MAX: usize = 500_000;

/// Our limit: an `updated_at` may be at most this much later than its event's time.
pub const UPDATE_AHEAD_MS_MAX: i64 = 3_600_000;

/// Our limit: bytes in the name of an app role.
pub const ROLE_NAME_BYTES_MAX: usize = 128;

/// Our limit: app roles in one user's `public_metadata`. Clerk limits it to 8 KB, which is room for
/// thousands of short names; each new one is permanently a row of `roles`.
pub const ROLE_NAMES_MAX: usize = 100;

/// The default of `ROLES_SOFT_MS`: older role sets are served and refreshed in the background.
pub const ROLES_SOFT_MS_DEFAULT: i64 = 30_000;

/// The default of `ROLES_HARD_MS`: older role sets are not served. Clerk's session tokens have the
/// same lifetime.
pub const ROLES_HARD_MS_DEFAULT: i64 = 60_000;

/// One hour: the upper bound of `ROLES_HARD_MS`.
pub const ROLES_HARD_MS_MAX: i64 = 3_600_000;

/// One year: the upper bound of `ROLES_IDLE_MS`.
pub const ROLES_IDLE_MS_MAX: i64 = 31_536_000_000;

/// The upper bound of `ROLES_ISOLATE_MS`: the lifetime of Clerk's tokens.
pub const ROLES_ISOLATE_MS_MAX: i64 = 60_000;

/// Timeout of a fill. After that the guard would answer 503 anyway.
pub const FILL_TIMEOUT_MS: u64 = 2_000;

/// Most fills in one run: a read, one that registers, and more because hints may supersede them.
pub const FILLS_MAX: u32 = 4;

/// Delay of a retry after ending a watch has failed.
pub const END_WATCH_RETRY_MS: i64 = 60_000;

/// Timeout of a role query. Long enough for a fill from a slow database, short enough for a person
/// who waits. `packages/guard` has the same number.
pub const ROLE_QUERY_TIMEOUT_MS: u64 = 2_500;

/// Timeout of a hint; after that the sweep sends it again.
pub const HINT_TIMEOUT_MS: u64 = 2_000;

/// How long a call of `Meter` may take. The consumer waits for it between two batches.
pub const METER_TIMEOUT_MS: u64 = 2_000;

/// Concurrent hints.
pub const CONCURRENT_HINTS_MAX: usize = 20;

/// Our limit: how long Clerk's API may take to answer the canary.
pub const CLERK_TIMEOUT_MS: u64 = 10_000;

/// The interval of sweeps, by the cron of `wrangler.toml`.
pub const SWEEP_INTERVAL_MS: i64 = 60_000;

/// The sweep takes the message of a letter for lost when it was not known to be in the queue for so
/// long. A step of a replay sends its messages within seconds of its commit.
pub const LETTER_UNSENT_MS_MAX: i64 = 300_000;

/// The same for a message that was in the queue. It may still come: then it tells the truth.
pub const LETTER_SENT_MS_MAX: i64 = 86_400_000;

/// Our limit: letters that one sweep returns, and grants that it ends.
pub const SWEEP_ROWS_MAX: i64 = 100;

/// Attempts of one D1 batch whose entry of the audit trail came second.
pub const AUDIT_ATTEMPTS_MAX: u32 = 10;

/// A hint further ahead of the object's clock is refused: it would raise the floor above the
/// versions of D1.
pub const HINT_AHEAD_MS_MAX: i64 = 300_000;

/// A requested version further ahead of the object's clock is refused without a read: versions are
/// D1 clock times, and the two clocks differ by less.
pub const VERSION_AHEAD_MS_MAX: i64 = 5_000;

/// Our limit: the longest back-off after a failed fill.
pub const FILL_BACKOFF_MS_MAX: i64 = 5_000;

/// `retry-after` in seconds of a guard's 503.
pub const GUARD_RETRY_AFTER_S: i64 = 5;

const _: () =
    assert!(BODY_BYTES_MAX_DEFAULT * 100 <= UPLOADS_MAX && BODY_BYTES_MAX_MAX <= UPLOADS_MAX);
// By then every back-off has ended.
const _: () = assert!(FILL_BACKOFF_MS_MAX <= GUARD_RETRY_AFTER_S * 1_000);
const _: () = assert!(REPLAYED_BYTES_MAX + METADATA_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(REPLAYED_BYTES_MAX * 2 <= PARAMETER_BYTES_MAX);
const _: () = assert!(DEAD_RETRIES_MAX * DEAD_RETRY_S_MAX < RETENTION_S);
const _: () = assert!(BODY_BYTES_MAX_DEFAULT <= BODY_BYTES_MAX_MAX);
const _: () = assert!(ROLES_SOFT_MS_DEFAULT < ROLES_HARD_MS_DEFAULT);
const _: () = assert!(ROLES_HARD_MS_DEFAULT <= ROLES_HARD_MS_MAX);
// An isolate must not keep a role set longer than the default hard age.
const _: () = assert!(ROLES_ISOLATE_MS_MAX <= ROLES_HARD_MS_DEFAULT);
// The outer timeout must be longer than the inner one: otherwise a fill that would succeed is
// answered 503.
const _: () = assert!(FILL_TIMEOUT_MS < ROLE_QUERY_TIMEOUT_MS);

/// Bytes of the largest envelope with a tag.
const REPLAYED_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + REPLAY_TAG_BYTES_MAX;

/// [`UPLOADS_BYTES_MAX`] in the type of the settings.
#[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "a constant")]
const UPLOADS_MAX: i64 = UPLOADS_BYTES_MAX as i64;
