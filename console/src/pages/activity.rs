//! The charts of the overview: what the Workers have counted, or, while `Meter` is away, what D1
//! knows of each hour.

use shared::operators::api::overview::{Activity, ActivitySlot, FlowHour, Overview};
use shared::time::UnixMillis;

use super::chart::{Chart, Series, Shape};
use super::frame::{hour, lag};
use super::words::{counted, number};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const HOURS: i64 = 24;

/// The title of the charts, and the charts.
pub(super) fn charts(overview: &Overview) -> (&'static str, Vec<Chart>) {
    match &overview.activity {
        Some(activity) if activity.slot_ms == MINUTE_MS => {
            ("The last hour", of_activity(activity, ("1 hour ago", "an hour")))
        }
        Some(activity) => ("The last day", of_activity(activity, ("24 hours ago", "24 hours"))),
        None => ("The last day, by hour", of_flow(overview)),
    }
}

/// How long ago the charts begin, and how long they are.
type Span = (&'static str, &'static str);

fn of_activity(activity: &Activity, span: Span) -> Vec<Chart> {
    vec![
        messages(activity, span),
        freshness(activity, span),
        guard(activity, span),
        refusals(activity, span),
        parked(activity, span),
    ]
}

type Of = fn(&ActivitySlot) -> i64;
type Took = fn(&ActivitySlot) -> Option<i64>;

fn chart(
    (id, title): (&'static str, &'static str),
    activity: &Activity,
    (from, _): Span,
    summary: String,
    series: &[(&'static str, &'static str, Of)],
) -> Chart {
    let each = |(name, class, of): &(&'static str, &'static str, Of)| Series {
        name,
        class,
        values: activity.slots.iter().map(|slot| Some(of(slot))).collect(),
    };
    Chart {
        id,
        title,
        summary,
        slots: activity.beginnings().map(|(at, _)| hour(at)).collect(),
        from,
        shape: Shape::Bars,
        series: series.iter().map(each).collect(),
        written: |value| number(&value),
    }
}

fn sum(activity: &Activity, of: Of) -> i64 {
    activity.slots.iter().map(of).fold(0, i64::saturating_add)
}

fn messages(activity: &Activity, span: Span) -> Chart {
    let all = sum(activity, |slot| slot.messages);
    let busiest = activity.beginnings().max_by_key(|(_, slot)| slot.messages);
    let minutes = (activity.slot_ms / MINUTE_MS).max(1);
    let most = busiest.filter(|_| 0 < all).map_or(String::new(), |(at, slot)| {
        let tenths = slot.messages.saturating_mul(10) / minutes;
        format!(
            "; most from {} UTC, with {}.{} a minute",
            hour(at),
            number(&(tenths / 10)),
            tenths % 10
        )
    });
    let summary = format!("{} in {}{most}.", counted(&all, "message"), span.1);
    let series: [(_, _, Of); 1] = [("messages", "messages", |slot| slot.messages)];
    chart(("messages", "Messages"), activity, span, summary, &series)
}

fn freshness(activity: &Activity, span: Span) -> Chart {
    let series: [(_, _, Took); 4] = [
        ("from Clerk, 95 of 100", "clerk most", |slot| slot.clerk_to_applied_p95),
        ("from Clerk, half", "clerk half", |slot| slot.clerk_to_applied_p50),
        ("from the door, 95 of 100", "door most", |slot| slot.door_to_applied_p95),
        ("from the door, half", "door half", |slot| slot.door_to_applied_p50),
    ];
    let last = activity.beginnings().rev().find(|(_, slot)| slot.clerk_to_applied_p95.is_some());
    let summary = last.map_or_else(
        || format!("No event was applied in {}.", span.1),
        |(at, slot)| {
            let shown = |ms: Option<i64>| lag(ms.unwrap_or(0));
            format!(
                "Of the last events, from {} UTC, half were applied within {} of Clerk's time, and \
                 95 of 100 within {}. From the door on it was {} and {}.",
                hour(at),
                shown(slot.clerk_to_applied_p50),
                shown(slot.clerk_to_applied_p95),
                shown(slot.door_to_applied_p50),
                shown(slot.door_to_applied_p95)
            )
        },
    );
    let each = |(name, class, of): &(&'static str, &'static str, Took)| Series {
        name,
        class,
        values: activity.slots.iter().map(of).collect(),
    };
    Chart {
        shape: Shape::Lines,
        series: series.iter().map(each).collect(),
        written: |ms| lag(ms),
        ..chart(("freshness", "Freshness"), activity, span, summary, &[])
    }
}

fn guard(activity: &Activity, span: Span) -> Chart {
    let series: [(_, _, Of); 3] = [
        ("allowed", "allowed", |slot| slot.allowed),
        ("denied", "denied", |slot| slot.denied),
        ("unavailable", "unavailable", |slot| slot.unavailable),
    ];
    let [allowed, denied, unavailable] = series.map(|(_, _, of)| sum(activity, of));
    let all = allowed.saturating_add(denied).saturating_add(unavailable);
    let summary = if all == 0 {
        format!("No guard of the Worker ssr was asked in {}.", span.1)
    } else {
        format!(
            "{} in {}: {} allowed, {} denied, {} unavailable.",
            counted(&all, "answer"),
            span.1,
            number(&allowed),
            number(&denied),
            number(&unavailable)
        )
    };
    chart(("guards", "Guard answers"), activity, span, summary, &series)
}

fn refusals(activity: &Activity, span: Span) -> Chart {
    let all = sum(activity, |slot| slot.refusals);
    let verb = if all == 1 { "was" } else { "were" };
    let summary = format!("{} {verb} refused at the door in {}.", counted(&all, "request"), span.1);
    let series: [(_, _, Of); 1] = [("refused", "refused", |slot| slot.refusals)];
    chart(("refusals", "Refusals"), activity, span, summary, &series)
}

fn parked(activity: &Activity, span: Span) -> Chart {
    let all = sum(activity, |slot| slot.parked);
    let verb = if all == 1 { "was" } else { "were" };
    let summary = format!("{} {verb} parked in {}.", counted(&all, "message"), span.1);
    let series: [(_, _, Of); 1] = [("parked", "parked", |slot| slot.parked)];
    chart(("parked", "Parked"), activity, span, summary, &series)
}

/// What D1 knows: messages by hour, of which some were parked, and how late they were.
fn of_flow(overview: &Overview) -> Vec<Chart> {
    let this_hour = overview.now.0.div_euclid(HOUR_MS);
    let hours = (0..HOURS).map(|place| this_hour - (HOURS - 1 - place));
    let hours: Vec<Option<&FlowHour>> = hours
        .map(|hour| overview.flow.iter().find(|it| it.at.0.div_euclid(HOUR_MS) == hour))
        .collect();
    let messages: i64 = overview.flow.iter().map(|it| it.messages).sum();
    let parked: i64 = overview.flow.iter().map(|it| it.parked).sum();
    let latest = overview.flow.iter().map(|it| it.lag_ms_max).max().unwrap_or(0);
    let series = |name, class, of: fn(&FlowHour) -> i64| Series {
        name,
        class,
        values: hours.iter().map(|hour| hour.map(of)).collect(),
    };
    let first = this_hour - (HOURS - 1);
    let slots = (0..HOURS).map(|place| hour(UnixMillis((first + place) * HOUR_MS)));
    let flow = Chart {
        id: "messages",
        title: "Messages",
        summary: format!(
            "{} in 24 hours, {} of them parked.",
            counted(&messages, "message"),
            number(&parked)
        ),
        slots: slots.collect(),
        from: "24 hours ago",
        shape: Shape::Bars,
        series: vec![
            series("parked", "parked", |it| it.parked),
            series("others", "messages", |it| it.messages - it.parked),
        ],
        written: |value| number(&value),
    };
    let lags = Chart {
        id: "freshness",
        title: "Freshness",
        summary: format!("At most {} from the door to the database.", lag(latest)),
        shape: Shape::Lines,
        series: vec![
            series("the latest", "door most", |it| it.lag_ms_max),
            series("the mean of batches", "door half", |it| it.lag_ms_mean),
        ],
        written: |ms| lag(ms),
        ..flow.clone()
    };
    vec![flow, lags]
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use shared::operators::api::overview::{Activity, ActivitySlot, Overview};
    use shared::time::UnixMillis;

    use super::{HOUR_MS, MINUTE_MS, charts};
    use crate::pages::testing::{NOW, quiet_overview};

    fn overview(activity: Option<Activity>) -> Overview {
        Overview { activity, ..quiet_overview() }
    }

    fn day() -> Activity {
        let slot = ActivitySlot {
            messages: 400,
            parked: 1,
            refusals: 1_234,
            allowed: 90,
            denied: 9,
            unavailable: 1,
            door_to_applied_p50: Some(1_100),
            door_to_applied_p95: Some(2_400),
            clerk_to_applied_p50: Some(1_900),
            clerk_to_applied_p95: Some(61_000),
        };
        let mut slots = vec![ActivitySlot::default(); 96];
        slots[3] = slot;
        slots[90] = ActivitySlot { messages: 2, ..ActivitySlot::default() };
        Activity { since: UnixMillis(NOW.0 - 24 * HOUR_MS), slot_ms: 15 * MINUTE_MS, slots }
    }

    fn summaries(overview: &Overview) -> (&'static str, Vec<(&'static str, String)>) {
        let (title, charts) = charts(overview);
        (title, charts.into_iter().map(|it| (it.id, it.summary)).collect())
    }

    #[test]
    fn a_day_is_told_in_words() {
        let (title, told) = summaries(&overview(Some(day())));
        assert_eq!(title, "The last day");
        let want = [
            ("messages", "402 messages in 24 hours; most from 03:52 UTC, with 26.6 a minute."),
            (
                "freshness",
                "Of the last events, from 03:52 UTC, half were applied within 1.9 s of Clerk's \
                 time, and 95 of 100 within 1 min. From the door on it was 1.1 s and 2.4 s.",
            ),
            ("guards", "100 answers in 24 hours: 90 allowed, 9 denied, 1 unavailable."),
            ("refusals", "1,234 requests were refused at the door in 24 hours."),
            ("parked", "1 message was parked in 24 hours."),
        ];
        assert_eq!(told, want.map(|(id, summary)| (id, summary.to_owned())));
    }

    #[test]
    fn an_hour_without_anything_has_no_drawing() {
        let slots = vec![ActivitySlot::default(); 60];
        let since = UnixMillis(NOW.0 - HOUR_MS);
        let overview = overview(Some(Activity { since, slot_ms: MINUTE_MS, slots }));
        let (title, told) = summaries(&overview);
        assert_eq!(title, "The last hour");
        assert_eq!(told[0].1, "0 messages in an hour.");
        assert_eq!(told[1].1, "No event was applied in an hour.");
        assert_eq!(told[2].1, "No guard of the Worker ssr was asked in an hour.");
        for chart in charts(&overview).1 {
            assert!(!chart.render().unwrap().contains("<svg"), "{}", chart.id);
        }
    }

    #[test]
    fn a_day_is_drawn() {
        let (_, charts) = charts(&overview(Some(day())));
        let html: Vec<String> = charts.iter().map(|chart| chart.render().unwrap()).collect();
        insta::assert_snapshot!(html.join("\n"));
    }
}
