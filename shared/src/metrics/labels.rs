//! Labels and their values. All of them are closed sets, so the number of series is bounded.

use crate::operators::letter_reason;

/// A label, and every value that it can have.
#[derive(Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values. Only ever extended: `Meter` stores them by name.
    pub values: &'static [&'static str],
}

/// The value for what the table does not have.
pub const OTHER: &str = "other";

impl Label {
    /// The index of a value, or of [`OTHER`].
    #[must_use]
    pub fn index_of(&self, value: &str) -> Option<usize> {
        let index = |wanted: &str| self.values.iter().position(|it| *it == wanted);
        index(value).or_else(|| index(OTHER))
    }
}

const fn label(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

/// The Workers.
pub const WORKER: Label = label("worker", &["ingest", "consumer", "durable", "ssr", "console"]);

/// Clerk's event types that are synced.
pub const EVENT_TYPE: Label = label(
    "type",
    &[
        "user.created",
        "user.updated",
        "user.deleted",
        "organization.created",
        "organization.updated",
        "organization.deleted",
        "organizationMembership.created",
        "organizationMembership.updated",
        "organizationMembership.deleted",
        "role.created",
        "role.updated",
        "role.deleted",
        "permission.created",
        "permission.updated",
        "permission.deleted",
        OTHER,
    ],
);

/// The event types that are synced: what Clerk should deliver.
pub fn synced_types() -> impl Iterator<Item = &'static str> {
    EVENT_TYPE.values.iter().copied().filter(|it| *it != OTHER)
}

/// What the door did with a delivery: `admission::Admission`.
pub const DOOR_OUTCOME: Label = label("outcome", &["enqueued", "enqueued-unreadable", "ignored"]);

/// Why the door refused a request: `IngestError` and `SignatureError`.
pub const DOOR_REFUSAL: Label = label(
    "reason",
    &[
        "misconfigured",
        "mixed-headers",
        "missing-header",
        "bad-header",
        "too-old",
        "in-future",
        "bad-signature",
        "content-encoded",
        "too-large",
        "aborted",
        "timeout",
        "over-capacity",
        "rate-limited",
        "foreign-instance",
        "queue-unavailable",
    ],
);

/// The queues: `QueueKind`; `other` for one that no setting of the consumer names.
pub const QUEUE: Label = label("queue", &["events", "dead", OTHER]);

/// What Queues was told about a message.
pub const MESSAGE_ACTION: Label = label("action", &["acked", "retried", "dropped"]);

/// What became of an event: `deliveries.outcome`. `repeated` is a copy of one that had its outcome.
pub const EVENT_OUTCOME: Label =
    label("outcome", &["applied", "superseded", "duplicate", "ignored", "parked", "repeated"]);

/// The kinds of D1's errors.
pub const D1_ERROR: Label = label("kind", &["rejected", "transient", "overloaded"]);

/// The stages from Clerk to the guard, and from the first to the last commit.
pub const STAGE: Label =
    label("stage", &["clerk_to_door", "door_to_applied", "clerk_to_applied", "applied_to_visible"]);

/// A role cache's answer to a hint, and `failed` where there was none.
pub const HINT_ANSWER: Label = label("answer", &["acked", "gone", "refused", "failed"]);

/// The steps of a sweep.
pub const SWEEP_STEP: Label = label(
    "step",
    &["default_role", "hints", "returned", "ended", "replayed", "started", "canary", "heartbeat"],
);

/// Whether something worked.
pub const RESULT: Label = label("result", &["ok", "failed"]);

/// The guard's answer: `guard::GuardAnswer::outcome`.
pub const GUARD_OUTCOME: Label = label(
    "outcome",
    &["allowed", "forbidden", "signed-out", "redirected", "unavailable", "bad-query"],
);

/// Why: `guard::GuardAnswer::reason`.
pub const GUARD_REASON: Label = label(
    "reason",
    &[
        "granted",
        "no-session",
        "handshake",
        "bad-query",
        "not-granted",
        "user-blocked",
        "impersonated",
        "not-reverified",
        "no-role-set",
        "role-set-too-old",
        "cache-refused",
        "no-answer",
        "no-keys",
        "misconfigured",
    ],
);

/// Where a role set came from: `RoleSource`; `none` where there was no answer.
pub const CACHE_SOURCE: Label = label("source", &["isolate", "object", "fill", "none"]);

/// The same, where there was an answer: only a role set has an age.
pub const AGE_SOURCE: Label = label("source", &["isolate", "object", "fill"]);

/// What a role cache object answered to a query.
pub const OBJECT_ANSWER: Label = label("answer", &["object", "fill", "refused", "unavailable"]);

/// How a fill ended.
pub const FILL_RESULT: Label = label("result", &["filled", "unavailable", "superseded", "failed"]);

/// Why a session or handshake token was refused: `TokenError`.
pub const SESSION_REFUSAL: Label = label(
    "reason",
    &[
        "conflicting",
        "too-many",
        "too-long",
        "malformed",
        "algorithm",
        "type",
        "key",
        "signature",
        "claims",
        "issuer",
        "subject",
        "azp",
        "expired",
        "not-yet-valid",
        "pending",
        "signed-out",
        "handshake",
    ],
);

/// The steps of a handshake.
pub const HANDSHAKE: Label = label("event", &["started", "completed", "rejected"]);

/// What `Meter` did with a flush.
pub const FLUSH_RESULT: Label = label("result", &["counted", "repeated", "refused"]);

/// The states of a dead letter.
pub const LETTER_STATE: Label =
    label("state", &["parked", "replaying", "applied", "superseded", "duplicate", "discarded"]);

/// The reasons of dead letters.
pub const LETTER_REASON: Label = label("reason", &letter_reason::ALL);

/// The stages that the canary measures.
pub const CANARY_STAGE: Label = label("stage", &["clerk", "sender", "door", "queue", "d1", "hint"]);
