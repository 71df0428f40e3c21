//! `/replays/{id}`: the plan, how to apply it, its progress, and at the end the proof.

use askama::Template;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{
    PlannedLetter, PlannedLetterPage, Replay, ReplayAction, ReplayState,
};
use shared::operators::letter::LetterClass;
use url::form_urlencoded::Serializer;

use super::filter::{address, in_words};
use super::frame::Frame;
use super::outcome::{
    Match, OutcomeRow, does_something, is_moving, of_class, outcome_rows, verdict, was_applied,
};
use super::words::{self, action_name};

/// Digits of the hash that are shown. The form carries all of them.
const HASH_SHOWN: usize = 12;

/// The width of the bar of classes.
const BAR_WIDTH: u64 = 1000;

/// Which letters are listed below the replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplayQuery {
    /// What was planned.
    pub(crate) planned: Option<LetterClass>,
    /// What became of them.
    pub(crate) became: Option<String>,
    /// Where the list goes on.
    pub(crate) cursor: Option<String>,
}

impl ReplayQuery {
    /// Reads the query of an address; a value that is unknown chooses nothing.
    pub(crate) fn parse(query: &str) -> Self {
        let mut found = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "planned" => found.planned = LetterClass::from_name(&value),
                "became" if !value.is_empty() => found.became = Some(value.into_owned()),
                "cursor" if !value.is_empty() => found.cursor = Some(value.into_owned()),
                _ => {}
            }
        }
        found
    }

    /// What is listed: what the address chooses, or else the first difference.
    pub(crate) fn or_first_difference(self, replay: &Replay) -> Self {
        if self != Self::default() {
            return self;
        }
        let rows = outcome_rows(replay);
        let first = rows.into_iter().find(|row| row.matched == Match::Different);
        first.map_or(self, |OutcomeRow { planned, became, .. }| Self {
            planned: Some(planned),
            became: Some(became),
            cursor: None,
        })
    }

    fn address(&self, id: &str, cursor: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        let planned = self.planned.map(LetterClass::as_str);
        let fields = [("planned", planned), ("became", self.became.as_deref()), ("cursor", cursor)];
        query.extend_pairs(fields.iter().filter_map(|(name, value)| Some((name, (*value)?))));
        format!("/replays/{id}?{}#letters", query.finish())
    }

    fn in_words(&self) -> String {
        match (self.planned, self.became.as_deref().map(words::became_words)) {
            (None, None) => "Letters, in the order of the plan".to_owned(),
            (Some(planned), None) => format!("Letters planned as {}", planned.as_str()),
            (None, Some(became)) => format!("Letters that became {became}"),
            (Some(planned), Some(became)) => {
                format!("Letters planned as {}: {became}", planned.as_str())
            }
        }
    }
}

/// Whether the typed word says that the plan was read: the number of its letters, or its action.
pub(crate) fn is_typed_word(replay: &Replay, word: &str) -> bool {
    let word = word.trim();
    let digits: String = word.chars().filter(|it| *it != ',').collect();
    digits == replay.total.to_string() || word.eq_ignore_ascii_case(action_name(replay.action))
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayHtml<'a> {
    frame: &'a Frame<'a>,
    replay: &'a Replay,
    title: &'static str,
    chosen: Vec<String>,
    letters_href: String,
    classes: Vec<ClassRow<'a>>,
    hash: &'a str,
    unchanged: u64,
    again: String,
    again_without: String,
    rows: Vec<LinkedRow>,
    verdict: Option<(&'static str, String)>,
    letters: Option<&'a PlannedLetterPage>,
    listed: String,
    next: Option<String>,
    wrong: Option<&'a str>,
}

/// A class of the plan, with its part of the bar and its examples.
struct ClassRow<'a> {
    class: LetterClass,
    letters: u64,
    x: u64,
    width: u64,
    examples: Vec<&'a PlannedLetter>,
}

/// A row of the proof, and the list of its letters.
struct LinkedRow {
    row: OutcomeRow,
    href: String,
}

impl ReplayHtml<'_> {
    fn is_moving(&self) -> bool {
        is_moving(self.replay.state)
    }

    fn can_apply(&self) -> bool {
        self.replay.state == ReplayState::Planned && does_something(self.replay)
    }

    fn is_under_way(&self) -> bool {
        let state = self.replay.state;
        was_applied(state) && state.is_open()
    }

    fn can_cancel(&self) -> bool {
        self.replay.state.is_open() || self.replay.state == ReplayState::Planned
    }

    fn needs_a_new_plan(&self) -> bool {
        let ended = [ReplayState::Refused, ReplayState::Stopped, ReplayState::Canceled];
        ended.contains(&self.replay.state)
    }

    fn can_pause(&self) -> bool {
        matches!(self.replay.state, ReplayState::Canary | ReplayState::Running)
    }
}

/// The page. `letters` is the page of letters that `query` chooses.
pub(crate) fn page(
    frame: &Frame<'_>,
    replay: &Replay,
    query: &ReplayQuery,
    letters: Option<&PlannedLetterPage>,
    wrong: Option<&str>,
) -> askama::Result<String> {
    let link = |row: OutcomeRow| {
        let query = ReplayQuery {
            planned: Some(row.planned),
            became: Some(row.became.clone()),
            cursor: None,
        };
        LinkedRow { href: query.address(&replay.id, None), row }
    };
    let rows = outcome_rows(replay);
    let verdict = verdict(replay, &rows);
    let is_proof = was_applied(replay.state);
    let unchanged =
        [LetterClass::Superseded, LetterClass::Duplicate].map(|class| of_class(replay, class));
    let plan = |more: &[(&str, &str)]| address("/replays/new", more, &replay.filter);
    let action = ("action", action_name(replay.action));
    ReplayHtml {
        frame,
        replay,
        title: words::action_title(replay.action),
        chosen: in_words(&replay.filter),
        letters_href: letters_address(&replay.filter),
        classes: class_rows(replay),
        hash: replay.hash.get(..HASH_SHOWN).unwrap_or(&replay.hash),
        unchanged: unchanged.iter().sum(),
        again: plan(&[action]),
        again_without: plan(&[action, ("discard_unchanged", "true")]),
        rows: if is_proof { rows.into_iter().map(link).collect() } else { Vec::new() },
        verdict,
        letters,
        listed: query.in_words(),
        next: letters
            .and_then(|page| page.next.as_deref())
            .map(|next| query.address(&replay.id, Some(next))),
        wrong,
    }
    .render()
}

fn class_rows(replay: &Replay) -> Vec<ClassRow<'_>> {
    let mut before = 0;
    let row = |class| {
        let letters = of_class(replay, class);
        let place = |count: u64| count.saturating_mul(BAR_WIDTH) / replay.total.max(1);
        let (x, end) = (place(before), place(before + letters));
        before += letters;
        let examples = replay.examples.iter().filter(|it| it.planned == class).take(5).collect();
        (0 < letters).then(|| ClassRow {
            class,
            letters,
            x,
            width: end.saturating_sub(x),
            examples,
        })
    };
    LetterClass::ALL.into_iter().filter_map(row).collect()
}

/// The letters of the replay, as the page of dead letters shows them.
fn letters_address(filter: &LetterFilter) -> String {
    address("/dead-letters", &[], &LetterFilter { all: false, ..filter.clone() })
}

#[cfg(test)]
mod tests {
    use shared::operators::api::replays::{PlannedLetterPage, Replay, ReplayState};
    use shared::operators::letter::LetterClass;

    use super::{ReplayQuery, is_typed_word, page};
    use crate::pages::testing::{frame, operator, planned, reader, replay};

    #[track_caller]
    fn render(replay: &Replay) -> String {
        page(&frame(&operator()), replay, &ReplayQuery::default(), None, None).unwrap()
    }

    #[test]
    fn a_plan_has_counts_examples_and_a_typed_word() {
        let html = render(&replay(ReplayState::Planned));
        assert!(html.contains("<td class=\"number\">6</td>"), "{html}");
        assert!(html.contains("<rect class=\"applied\" x=\"0\" y=\"0\" width=\"500\""));
        assert!(html.contains("/dead-letters/m1"));
        assert!(html.contains("<code>0123456789ab</code>"));
        assert!(html.contains("name=\"hash\" value=\"0123456789abcdef0123\""));
        assert!(html.contains("Type <strong>12</strong> or <strong>replay</strong>"));
        // Five would change nothing: it offers to discard them.
        let again = "/replays/new?action=replay&#38;discard_unchanged=true&#38;reason=shape";
        assert!(html.contains(again), "{html}");
        assert!(!html.contains("data-refresh"), "a plan does not change by itself");
    }

    #[test]
    fn the_typed_word_is_the_number_or_the_action() {
        let mut plan = replay(ReplayState::Planned);
        plan.total = 1200;
        for word in ["1200", "1,200", " replay ", "Replay"] {
            assert!(is_typed_word(&plan, word), "{word}");
        }
        for word in ["", "12", "discard", "yes"] {
            assert!(!is_typed_word(&plan, word), "{word}");
        }
    }

    #[test]
    fn progress_is_a_bar_with_figures_and_goes_on() {
        let html = render(&replay(ReplayState::Running));
        assert!(html.contains("<progress max=\"12\" value=\"7\""), "{html}");
        assert!(html.contains("data-refresh=\"2\""));
        assert!(html.contains("action=\"/replays/replay_1/pause\""));
        assert!(html.contains("action=\"/replays/replay_1/continue\" data-drive"));
        assert!(!html.contains("/apply\""));
        let html = render(&replay(ReplayState::Paused));
        assert!(html.contains("action=\"/replays/replay_1/resume\""), "{html}");
        assert!(!html.contains("data-refresh"));
    }

    #[test]
    fn the_proof_lists_differences_first() {
        let done = replay(ReplayState::Done);
        let query = ReplayQuery::default().or_first_difference(&done);
        assert_eq!(query.became.as_deref(), Some("parked"));
        let letters =
            PlannedLetterPage { letters: vec![planned("m7", "parked")], next: Some("c".into()) };
        let html = page(&frame(&reader()), &done, &query, Some(&letters), None).unwrap();
        assert!(html.contains("1 of 12 letters became something else"), "{html}");
        let places = ["different", "as planned"].map(|it| html.find(&format!(">{it}<")).unwrap());
        assert!(places[0] < places[1]);
        assert!(html.contains("Letters planned as applied: parked again"));
        assert!(html.contains("/dead-letters/m7"));
        let next = "/replays/replay_1?planned=applied&#38;became=parked&#38;cursor=c#letters";
        assert!(html.contains(next), "{html}");
        assert!(!html.contains("<form method=\"post\""), "a reader changes nothing");
    }

    #[test]
    fn a_proof_without_a_difference_says_so() {
        let mut done = replay(ReplayState::Done);
        done.counts.retain(|count| count.became == "applied");
        done.total = 5;
        assert!(render(&done).contains("5 letters: each became what was planned."));
        assert_eq!(ReplayQuery::default().or_first_difference(&done), ReplayQuery::default());
    }

    #[test]
    fn a_refused_plan_leads_to_a_new_one() {
        let html = render(&replay(ReplayState::Refused));
        assert!(html.contains("/replays/new?action=replay&#38;reason=shape"), "{html}");
        assert!(!html.contains("/apply\""));
    }

    #[test]
    fn an_unknown_query_chooses_nothing() {
        assert_eq!(ReplayQuery::parse("planned=odd&became=&cursor="), ReplayQuery::default());
        let query = ReplayQuery::parse("planned=newer&became=left&cursor=9");
        assert_eq!(query.planned, Some(LetterClass::Newer));
    }
}
