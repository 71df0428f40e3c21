//! Every metric of Rolecall.

use super::kind::{Kind, Metric, Origin, Unit};
use super::labels::{self as label, Label};

/// Bounds of the stages, 50 ms to 5 min.
const STAGES_MS: &[u64] =
    &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];

/// Bounds of what a user waits for.
const ANSWERS_MS: &[u64] = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/// Bounds of the age of a role set. The last ones are the default soft and hard age.
const AGES_MS: &[u64] = &[10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000];

/// Bounds of attempts. The events queue ends at 9.
const ATTEMPTS: &[u64] = &[1, 2, 3, 5, 9, 20, 101];

macro_rules! metrics {
    ($(
        $id:ident = $origin:ident $kind:expr, $unit:ident, $name:literal,
        [$($label:expr),*],
        $help:literal;
    )*) => {
        $(
            #[doc = $help]
            pub static $id: Metric = Metric {
                name: $name,
                help: $help,
                kind: $kind,
                unit: Unit::$unit,
                labels: const { &[$($label),*] },
                origin: Origin::$origin,
            };
        )*

        /// Every metric, in the order of the docs.
        pub static METRICS: &[&Metric] = &[$(&$id),*];
    };
}

use Kind::{Counter, Gauge, Histogram};

metrics! {
    // The door.
    DELIVERIES = Isolates Counter, None, "rolecall_deliveries_total",
        [label::DOOR_OUTCOME, label::EVENT_TYPE],
        "Deliveries that the door accepted, by what it did with them and by event type";
    REFUSALS = Isolates Counter, None, "rolecall_refusals_total",
        [label::DOOR_REFUSAL],
        "Requests that the door refused, by reason";
    DOOR_SECONDS = Isolates Histogram(ANSWERS_MS), Seconds, "rolecall_door_seconds",
        [],
        "Time from a request's arrival at the door to its answer";

    // The queue and the consumer.
    BATCHES = Database Counter, None, "rolecall_batches_total",
        [],
        "D1 batches of messages that the consumer committed";
    MESSAGES = Database Counter, None, "rolecall_messages_total",
        [],
        "Messages in committed D1 batches";
    EVENTS = Database Counter, None, "rolecall_events_total",
        [label::EVENT_TYPE, label::EVENT_OUTCOME],
        "Messages in committed D1 batches, by event type and by what became of them; a delivery \
         that was parked and applied later counts under both";
    PARKED = Database Counter, None, "rolecall_parked_total",
        [label::LETTER_REASON],
        "Messages that were parked, by reason; one that came or was replayed again counts again";
    RETRIED_MESSAGES = Database Counter, None, "rolecall_retried_messages_total",
        [],
        "Messages in committed D1 batches that an earlier attempt had failed for";
    MESSAGE_ACTIONS = Isolates Counter, None, "rolecall_message_actions_total",
        [label::QUEUE, label::MESSAGE_ACTION],
        "What the consumer told the queue about messages";
    MESSAGE_ATTEMPTS = Isolates Histogram(ATTEMPTS), None, "rolecall_message_attempts",
        [label::QUEUE],
        "Attempts that messages had needed when the consumer was done with them";
    BATCH_FAILURES = Isolates Counter, None, "rolecall_batch_failures_total",
        [label::D1_ERROR],
        "D1 batches that were not committed, by the kind of D1's error";
    STAGE_SECONDS = Isolates Histogram(STAGES_MS), Seconds, "rolecall_stage_seconds",
        [label::STAGE],
        "Time that events took for each stage: of those that got their outcome now, so no copies, \
         and no replays; applied_to_visible is from the commit to the acknowledged hint of an \
         applied event's user, without the hints of sweeps";
    HINTS = Isolates Counter, None, "rolecall_hints_total",
        [label::HINT_ANSWER],
        "Hints that the consumer sent to role caches, by answer";
    SWEEP_STEPS = Isolates Counter, None, "rolecall_sweep_steps_total",
        [label::SWEEP_STEP, label::RESULT],
        "Steps of the cron's sweeps";

    // Role caches.
    OBJECT_ANSWERS = Isolates Counter, None, "rolecall_object_answers_total",
        [label::OBJECT_ANSWER],
        "Answers of role cache objects to queries, of all apps";
    FILLS = Isolates Counter, None, "rolecall_fills_total",
        [label::FILL_RESULT],
        "Fills of role cache objects, which read a user's roles from D1, by how they ended";
    FILL_SECONDS = Isolates Histogram(ANSWERS_MS), Seconds, "rolecall_fill_seconds",
        [],
        "Time from the start of a fill until its role set is saved, or until it has failed";

    // Sessions and guards of the Worker ssr.
    GUARD_ANSWERS = Isolates Counter, None, "rolecall_guard_answers_total",
        [label::GUARD_OUTCOME, label::GUARD_REASON],
        "Answers of the guard in the Worker ssr";
    GUARD_SECONDS = Isolates Histogram(ANSWERS_MS), Seconds, "rolecall_guard_seconds",
        [label::GUARD_OUTCOME],
        "Time from a request's arrival to the guard's answer in the Worker ssr";
    CACHE_ANSWERS = Isolates Counter, None, "rolecall_cache_answers_total",
        [label::CACHE_SOURCE],
        "Role sets that the guard in the Worker ssr used, by where they came from";
    CACHE_AGE_SECONDS = Isolates Histogram(AGES_MS), Seconds, "rolecall_cache_age_seconds",
        [label::AGE_SOURCE],
        "Age of the role sets that the guard in the Worker ssr used";
    SESSION_REFUSALS = Isolates Counter, None, "rolecall_session_refusals_total",
        [label::SESSION_REFUSAL],
        "Session and handshake tokens that the Worker ssr refused, by reason";
    HANDSHAKES = Isolates Counter, None, "rolecall_handshakes_total",
        [label::HANDSHAKE],
        "Handshakes with Clerk in the Worker ssr";
    JWKS_FETCHES = Isolates Counter, None, "rolecall_jwks_fetches_total",
        [label::WORKER, label::RESULT],
        "Fetches of an issuer's public keys";

    // D1.
    D1_QUERIES = Isolates Counter, None, "rolecall_d1_queries_total",
        [label::WORKER, label::RESULT],
        "Statements that were sent to D1; a batch has several";
    D1_ROWS_READ = Isolates Counter, None, "rolecall_d1_rows_read_total",
        [label::WORKER],
        "Rows that D1 read, as it bills them";
    D1_ROWS_WRITTEN = Isolates Counter, None, "rolecall_d1_rows_written_total",
        [label::WORKER],
        "Rows that D1 wrote, as it bills them";
    D1_SIZE = Scrape Gauge, Bytes, "rolecall_d1_size_bytes",
        [],
        "Size of the database";
    D1_SIZE_LIMIT = Scrape Gauge, Bytes, "rolecall_d1_size_limit_bytes",
        [],
        "Size at which D1 refuses writes, as the console's settings say";
    D1_UP = Scrape Gauge, None, "rolecall_d1_up",
        [],
        "Whether D1 answered this scrape, 0 or 1; if not, metrics that it knows are absent";

    // The outbox and the dead letters.
    PENDING_HINTS = Database Gauge, None, "rolecall_pending_hints",
        [],
        "Role caches that wait for a hint: exact up to 1000, and 1000 means that many or more";
    OLDEST_PENDING_HINT_AGE = Database Gauge, Seconds, "rolecall_oldest_pending_hint_age_seconds",
        [],
        "Age of the oldest pending hint, or 0";
    DEAD_LETTERS = Database Gauge, None, "rolecall_dead_letters",
        [label::LETTER_STATE, label::LETTER_REASON],
        "Dead letters by state and reason";
    OLDEST_PARKED_LETTER_AGE = Database Gauge, Seconds, "rolecall_oldest_parked_letter_age_seconds",
        [],
        "Age of the oldest parked letter, or 0";
    OPEN_REPLAYS = Database Gauge, None, "rolecall_open_replays",
        [],
        "Replays that are not at their end";
    LAST_BATCH = Database Gauge, Seconds, "rolecall_last_batch_timestamp_seconds",
        [],
        "When the consumer committed last; absent before the first batch";
    LAST_SWEEP = Database Gauge, Seconds, "rolecall_last_sweep_timestamp_seconds",
        [],
        "When a sweep ended last; absent before the first one";

    // The canary.
    CANARY_STAGE_SECONDS = Database Gauge, Seconds, "rolecall_canary_stage_seconds",
        [label::CANARY_STAGE],
        "Time that the canary's last finished run took for each stage; absent without a canary";
    CANARY_WAITING_SECONDS = Database Gauge, Seconds, "rolecall_canary_waiting_seconds",
        [label::CANARY_STAGE],
        "How long the canary's open run has waited, at the stage that it waits for; 0 at the \
         others";
    CANARY_LAST_SEEN = Database Gauge, Seconds, "rolecall_canary_last_seen_timestamp_seconds",
        [],
        "When a guard last saw the canary's change; absent without a canary";
    CANARY_SINCE = Database Gauge, Seconds, "rolecall_canary_since_timestamp_seconds",
        [],
        "When the canary began its oldest run that is remembered; absent without a canary";

    // The metrics themselves.
    LAST_FLUSH = Scrape Gauge, Seconds, "rolecall_last_flush_timestamp_seconds",
        [label::WORKER],
        "When Meter last took a flush of a Worker; absent before the first one";
    METER_FLUSHES = Scrape Counter, None, "rolecall_meter_flushes_total",
        [label::FLUSH_RESULT],
        "Flushes that Meter received";
    METER_DROPPED = Scrape Counter, None, "rolecall_meter_dropped_values_total",
        [],
        "Values in flushes that Meter does not know, as after a newer build; not counted elsewhere";
    METER_SOURCES = Scrape Gauge, None, "rolecall_meter_sources",
        [],
        "Isolates that Meter remembers";
    METER_UP = Scrape Gauge, None, "rolecall_meter_up",
        [],
        "Whether every shard of Meter answered this scrape, 0 or 1; if not, what isolates \
         count is absent";
}

/// The name of `rolecall_build_info`, whose labels `version` and `schema` are not closed sets, but
/// have one value each: a gauge that is always 1.
pub const BUILD_INFO: &str = "rolecall_build_info";

/// The metric with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Metric> {
    METRICS.iter().copied().find(|metric| metric.name == name)
}

/// Every label that some metric has.
pub fn labels() -> impl Iterator<Item = &'static Label> {
    METRICS.iter().flat_map(|metric| metric.labels)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Kind, METRICS, Unit};

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("rolecall_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit == Unit::Seconds, "{name}");
            assert_eq!(name.ends_with("_bytes"), metric.unit == Unit::Bytes, "{name}");
            assert!(!metric.help.ends_with('.'), "{name}");
        }
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let of = |metric: &&super::Metric| match metric.kind {
            Kind::Histogram(bounds) => metric.series() * (bounds.len() + 3),
            Kind::Counter | Kind::Gauge => metric.series(),
        };
        let series: usize = METRICS.iter().map(of).sum();
        assert!(series < 1_000, "{series} series: each costs memory in every Prometheus");
    }

    #[test]
    fn a_series_has_one_index_and_back() {
        for metric in METRICS {
            for series in 0..metric.series() {
                let values = metric.label_values(series);
                assert_eq!(
                    metric.series_index(&values),
                    Some(series),
                    "{} {values:?}",
                    metric.name
                );
            }
            for label in metric.labels {
                let distinct: BTreeSet<_> = label.values.iter().collect();
                assert_eq!(distinct.len(), label.values.len(), "{}", label.name);
            }
        }
        let events = &super::EVENTS;
        let of = |values: &[&str]| events.series_index(values).map(|it| events.label_values(it));
        assert_eq!(of(&["email.created", "ignored"]), Some(vec!["other", "ignored"]));
        assert_eq!(of(&["user.created", "unheard"]), None);
        assert_eq!(of(&["user.created"]), None);
    }
}
