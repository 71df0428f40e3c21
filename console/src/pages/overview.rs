//! `/`: five questions, and charts of the last day.

use askama::Template;
use shared::operators::api::overview::Overview;

use super::activity;
use super::chart::Chart;
use super::frame::{Frame, ago, duration};
use super::words::counted;

/// The sweep runs each minute: after three, something is wrong.
const SWEEP_LATE_MS: i64 = 3 * 60_000;

/// A role cache whose hint is later than this may answer from an old version.
const HINT_LATE_MS: i64 = 60_000;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame<'a>,
    overview: &'a Overview,
    title: String,
    questions: [Question; 5],
    charts_title: &'static str,
    charts: Vec<Chart>,
}

/// A question with its answer.
struct Question {
    asked: &'static str,
    /// `good`, `warn` or `bad`.
    level: &'static str,
    word: &'static str,
    answer: String,
    more: String,
    link: (&'static str, &'static str),
}

/// The overview.
pub(crate) fn page(frame: &Frame<'_>, overview: &Overview) -> askama::Result<String> {
    let questions = [
        is_applied(overview),
        is_fresh(overview),
        has_failed(overview),
        is_running(overview),
        is_looked_after(overview),
    ];
    let wrong = questions.iter().filter(|question| question.level != "good").count();
    let title = match wrong {
        0 => "All is well".to_owned(),
        1 => "1 thing needs a look".to_owned(),
        _ => format!("{wrong} things need a look"),
    };
    let (charts_title, charts) = activity::charts(overview);
    OverviewPage { frame, overview, title, questions, charts_title, charts }.render()
}

fn question(
    asked: &'static str,
    (level, word): (&'static str, &'static str),
    (answer, more): (String, String),
    link: (&'static str, &'static str),
) -> Question {
    Question { asked, level, word, answer, more, link }
}

const GOOD: (&str, &str) = ("good", "Good");
const LOOK: (&str, &str) = ("warn", "Look");
const ACT: (&str, &str) = ("bad", "Act");

fn is_applied(overview: &Overview) -> Question {
    let Overview { parked, replaying, oldest_parked_at, now, .. } = overview;
    let level = if *parked == 0 { GOOD } else { ACT };
    let answer = if *parked == 0 {
        "Yes. No letter is parked.".to_owned()
    } else {
        let verb = if *parked == 1 { "is" } else { "are" };
        format!("No. {} {verb} parked.", counted(parked, "letter"))
    };
    let oldest = oldest_parked_at
        .map_or(String::new(), |at| format!("The oldest was first seen {}. ", ago(now.since(at))));
    let more = format!("{oldest}{} on the way in replays.", counted(replaying, "letter"));
    let link = ("/dead-letters", "Dead letters");
    question("Is everything applied?", level, (answer, more), link)
}

fn is_fresh(overview: &Overview) -> Question {
    let Overview { last_batch_at, pending_hints, oldest_pending_hint, now, .. } = overview;
    let late = oldest_pending_hint.is_some_and(|at| HINT_LATE_MS < now.since(at));
    let answer = last_batch_at.map_or_else(
        || "Nothing was committed yet.".to_owned(),
        |at| format!("The last batch was committed {}.", ago(now.since(at))),
    );
    let oldest = oldest_pending_hint
        .map_or(String::new(), |at| format!(", the oldest for {}", duration(now.since(at).max(0))));
    let lag = overview.flow.last().map_or(String::new(), |it| {
        format!(" Last hour with traffic: at most {} late.", duration(it.lag_ms_max))
    });
    let verb = if *pending_hints == 1 { "waits" } else { "wait" };
    let more = format!("{} {verb} for a hint{oldest}.{lag}", counted(pending_hints, "role cache"));
    let level = if late { LOOK } else { GOOD };
    question("How fresh is it?", level, (answer, more), ("#flow", "Flow and lag"))
}

fn has_failed(overview: &Overview) -> Question {
    let parked: i64 = overview.flow.iter().map(|it| it.parked).sum();
    let messages: i64 = overview.flow.iter().map(|it| it.messages).sum();
    let answer = if parked == 0 {
        "Nothing in the last 24 hours.".to_owned()
    } else {
        format!("{} in the last 24 hours.", counted(&parked, "message"))
    };
    let more = format!("{} were processed.", counted(&messages, "message"));
    let level = if parked == 0 { GOOD } else { LOOK };
    question("What failed?", level, (answer, more), ("/dead-letters", "By reason, type and age"))
}

fn is_running(overview: &Overview) -> Question {
    let answer = match overview.open_replays {
        0 => "No replay.".to_owned(),
        open => format!("{} not at an end.", counted(&open, "replay")),
    };
    let more = format!("The database has the schema of {}.", overview.schema);
    question("What is running?", GOOD, (answer, more), ("/replays", "Replays"))
}

fn is_looked_after(overview: &Overview) -> Question {
    let age = overview.last_sweep_at.map(|at| overview.now.since(at));
    let is_late = age.is_none_or(|age| SWEEP_LATE_MS < age);
    let answer = match age {
        None => "It has never swept.".to_owned(),
        Some(age) => format!("The last sweep ended {}.", ago(age)),
    };
    let more = if is_late {
        "A sweep runs each minute: see whether the consumer's cron runs, and read its log."
    } else {
        "A sweep runs each minute: it sends late hints and carries replays on."
    };
    let level = if is_late { ACT } else { GOOD };
    let link = ("/audit", "What it did");
    question("When did it last look after itself?", level, (answer, more.to_owned()), link)
}

#[cfg(test)]
mod tests {
    use shared::operators::api::overview::{FlowHour, Overview};
    use shared::time::UnixMillis;

    use super::page;
    use crate::pages::testing::{NOW, frame, quiet_overview, reader};

    fn quiet() -> Overview {
        Overview { last_sweep_at: Some(NOW.plus(-30_000)), ..quiet_overview() }
    }

    fn busy() -> Overview {
        let hour = |back: i64, messages, parked| FlowHour {
            at: UnixMillis(NOW.0 / 3_600_000 * 3_600_000 - back * 3_600_000),
            batches: 3,
            messages,
            ignored: 1,
            parked,
            lag_ms_max: 1500,
            lag_ms_mean: 300,
        };
        Overview {
            flow: vec![hour(23, 400, 0), hour(1, 1200, 12), hour(0, 3, 0)],
            last_batch_at: Some(NOW.plus(-5000)),
            parked: 12,
            oldest_parked_at: Some(NOW.plus(-3_600_000)),
            open_replays: 1,
            ..quiet()
        }
    }

    #[test]
    fn an_empty_system_is_well() {
        let html = page(&frame(&reader()), &quiet()).unwrap();
        assert!(html.contains("<h1>All is well</h1>"), "{html}");
        assert!(html.contains("Yes. No letter is parked."));
        assert!(html.contains("No message in the last 24 hours."));
    }

    #[test]
    fn parked_letters_are_the_first_answer() {
        let html = page(&frame(&reader()), &busy()).unwrap();
        assert!(html.contains("<h1>2 things need a look</h1>"), "{html}");
        assert!(html.contains("No. 12 letters are parked."));
        assert!(html.contains("The oldest was first seen 1 h ago."));
        assert!(html.contains("1,603 messages in 24 hours, 12 of them parked."));
        // The bars of the parked ones under those of the others, and the figures beside them.
        let bars = |class: &str| {
            let (_, rest) = html.split_once(&format!("<path class=\"{class}\" d=\"")).unwrap();
            rest.split('"').next().unwrap().matches('M').count()
        };
        assert_eq!((bars("parked"), bars("messages")), (1, 3));
        assert!(html.contains("<td>12</td><td>1,188</td>"), "{html}");
        assert!(html.contains("Meter did not answer"), "{html}");
    }

    #[test]
    fn a_late_sweep_or_none_warns() {
        for last_sweep_at in [None, Some(NOW.plus(-181_000))] {
            let html = page(&frame(&reader()), &Overview { last_sweep_at, ..quiet() }).unwrap();
            assert!(html.contains("<h1>1 thing needs a look</h1>"), "{html}");
            assert!(html.contains("consumer&#39;s cron"), "{html}");
        }
    }
}
