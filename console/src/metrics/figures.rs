//! The figures of `/metrics`, by their names.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use shared::operators::letter::LetterState;
use shared::operators::letter_reason;
use shared::sql::overview::FlowRow;
use shared::time::UnixMillis;

use crate::api::overview::Figures;

type Labels = [(&'static str, &'static str); 2];
type HourLabels = [(&'static str, &'static str); 1];

/// The states of [`Figures::reasons`].
const STATES: [LetterState; 2] = [LetterState::Parked, LetterState::Replaying];

/// The hours that are shown: the running one, and the one before it.
const HOURS: [(&str, i64); 2] = [("current", 0), ("last", 1)];

/// All figures.
pub(super) fn registry(figures: &Figures, now: UnixMillis) -> Registry {
    let mut registry = Registry::default();
    letters(&mut registry, figures);
    state(&mut registry, figures, now);
    flow(&mut registry, &figures.flow, now);
    registry
}

fn letters(registry: &mut Registry, figures: &Figures) {
    let letters = Family::<Labels, Gauge>::default();
    for state in STATES {
        // Each reason has its series from the beginning, so that no alert misses the first letter.
        for reason in letter_reason::ALL {
            let _ = letters.get_or_create(&[("state", state.as_str()), ("reason", reason)]);
        }
    }
    for count in &figures.reasons {
        let Some(state) = STATES.into_iter().find(|state| state.as_str() == count.state) else {
            continue;
        };
        let labels = [("state", state.as_str()), ("reason", letter_reason::known(&count.reason))];
        letters.get_or_create(&labels).inc_by(count.letters);
    }
    let help = "Dead letters that are not at their end, by state and reason";
    registry.register("rolecall_dead_letters", help, letters);
}

fn state(registry: &mut Registry, figures: &Figures, now: UnixMillis) {
    let state = &figures.state;
    let gauge = |value: i64| -> Gauge {
        let gauge = Gauge::default();
        gauge.set(value);
        gauge
    };
    let age = |at: Option<UnixMillis>| gauge(at.map_or(0, |at| now.since(at).max(0) / 1000));
    let pending = "Role caches that wait for a hint, counted up to 1000";
    registry.register("rolecall_pending_hints", pending, gauge(state.pending_hints));
    let open = "Replays that are not at their end";
    registry.register("rolecall_open_replays", open, gauge(state.open_replays));
    let ages = [
        (
            "rolecall_oldest_parked_letter_age",
            "Age of the oldest parked letter, or 0",
            state.oldest_parked_at,
        ),
        (
            "rolecall_oldest_pending_hint_age",
            "Age of the oldest pending hint, or 0",
            state.oldest_pending_hint,
        ),
    ];
    for (name, help, at) in ages {
        registry.register_with_unit(name, help, Unit::Seconds, age(at));
    }
    // A time that is not known has no series: an age of 0 would look fresh.
    let times = [
        (
            "rolecall_last_batch_timestamp",
            "When the consumer committed last",
            figures.flow.first().map(|row| row.last_at),
        ),
        ("rolecall_last_sweep_timestamp", "When a sweep ended last", state.last_sweep_at),
    ];
    for (name, help, at) in times {
        if let Some(at) = at {
            registry.register_with_unit(name, help, Unit::Seconds, gauge(at.0.div_euclid(1000)));
        }
    }
}

fn flow(registry: &mut Registry, rows: &[FlowRow], now: UnixMillis) {
    type Figure = (&'static str, &'static str, fn(&FlowRow) -> i64);
    const FIGURES: [Figure; 4] = [
        ("rolecall_flow_batches", "Batches that the consumer committed in the hour", |row| {
            row.batches
        }),
        ("rolecall_flow_messages", "Messages in these batches", |row| row.messages),
        ("rolecall_flow_ignored", "Of these, of types that are not synced", |row| row.ignored),
        ("rolecall_flow_parked", "Of these, parked", |row| row.parked),
    ];
    let this_hour = now.0.div_euclid(3_600_000);
    let of_hour = |back: i64| rows.iter().find(|row| row.hour == this_hour - back);
    for (name, help, value) in FIGURES {
        let family = Family::<HourLabels, Gauge>::default();
        for (hour, back) in HOURS {
            family.get_or_create(&[("hour", hour)]).set(of_hour(back).map_or(0, value));
        }
        registry.register(name, help, family);
    }
    let family = Family::<HourLabels, Gauge<f64, AtomicU64>>::default();
    for (hour, back) in HOURS {
        let lag = of_hour(back).map_or(0.0, |row| seconds(row.lag_ms_max));
        family.get_or_create(&[("hour", hour)]).set(lag);
    }
    let help = "The longest time from arrival to commit in the hour";
    registry.register_with_unit("rolecall_flow_lag_max", help, Unit::Seconds, family);
}

/// Prometheus wants the base unit, <https://prometheus.io/docs/practices/naming/#base-units>. A lag
/// of more than 24 days is shown as 24 days.
fn seconds(ms: i64) -> f64 {
    f64::from(i32::try_from(ms).unwrap_or(i32::MAX)) / 1000.0
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::{prometheus_text, text};
    use shared::operators::letter_reason;
    use shared::sql::overview::{FlowRow, ReasonCount, StateOfThings};
    use shared::time::UnixMillis;

    use super::registry;
    use crate::api::overview::Figures;

    const NOW: UnixMillis = UnixMillis(7_200_000 + 90_000);

    fn figures() -> Figures {
        let count = |state: &str, reason: &str, letters| ReasonCount {
            state: state.into(),
            reason: reason.into(),
            letters,
        };
        Figures {
            state: StateOfThings {
                last_sweep_at: Some(UnixMillis(7_260_000)),
                pending_hints: 3,
                oldest_pending_hint: None,
                oldest_parked_at: Some(UnixMillis(7_200_000)),
                open_replays: 1,
            },
            flow: vec![FlowRow {
                hour: 1,
                batches: 2,
                messages: 9,
                ignored: 1,
                parked: 4,
                lag_ms_max: 800,
                lag_ms_sum: 900,
                last_at: UnixMillis(7_100_000),
            }],
            reasons: vec![
                count("parked", "malformed", 4),
                count("parked", "of-a-later-build", 2),
                count("parked", "of-a-later-build-too", 1),
            ],
        }
    }

    #[test]
    fn both_formats_have_the_figures() {
        let registry = registry(&figures(), NOW);
        let (mut classic, mut open) = (String::new(), String::new());
        prometheus_text::encode(&mut classic, &registry).unwrap();
        text::encode(&mut open, &registry).unwrap();
        assert!(open.ends_with("# EOF\n") && !classic.contains("EOF"));
        for line in [
            "rolecall_dead_letters{state=\"parked\",reason=\"malformed\"} 4",
            "rolecall_dead_letters{state=\"parked\",reason=\"other\"} 3",
            "rolecall_dead_letters{state=\"replaying\",reason=\"malformed\"} 0",
            "rolecall_oldest_parked_letter_age_seconds 90",
            "rolecall_oldest_pending_hint_age_seconds 0",
            "rolecall_pending_hints 3",
            "rolecall_open_replays 1",
            "rolecall_last_batch_timestamp_seconds 7100",
            "rolecall_last_sweep_timestamp_seconds 7260",
            "rolecall_flow_messages{hour=\"last\"} 9",
            "rolecall_flow_messages{hour=\"current\"} 0",
            "rolecall_flow_lag_max_seconds{hour=\"last\"} 0.8",
        ] {
            for page in [&classic, &open] {
                assert!(page.lines().any(|it| it == line), "{line} is missing in\n{page}");
            }
        }
    }

    #[test]
    fn the_number_of_series_does_not_depend_on_the_database() {
        let series = |figures: &Figures| {
            let mut page = String::new();
            prometheus_text::encode(&mut page, &registry(figures, NOW)).unwrap();
            page.lines().filter(|line| line.starts_with("rolecall_dead_letters{")).count()
        };
        let mut many = figures();
        let more = (0..1000).map(|n| ReasonCount {
            state: "parked".into(),
            reason: format!("reason-{n}"),
            letters: 1,
        });
        many.reasons.extend(more);
        assert_eq!(series(&many), 2 * letter_reason::ALL.len());
        assert_eq!(series(&figures()), series(&many));
    }
}
