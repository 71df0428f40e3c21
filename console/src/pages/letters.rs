//! `/dead-letters`: tabs of the states, the matrix, the filter, and a page of letters.

use askama::Template;
use shared::operators::api::letters::{LetterFilter, LetterMatrix, LetterPage};
use shared::operators::letter::LetterState;

use super::filter::{self, FilterError, NO_TYPE, address, in_words, parse};
use super::frame::Frame;
use super::matrix::{self, Linked, Matrix, matrix, of_state};
use super::words::{self, counted};

/// What the address of the page chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LettersQuery {
    /// The state; parked if none is named.
    pub(crate) state: LetterState,
    /// Which letters of it.
    pub(crate) filter: LetterFilter,
    /// Where the list goes on.
    pub(crate) cursor: Option<String>,
}

impl LettersQuery {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// When a value cannot be read.
    pub(crate) fn parse(query: &str) -> Result<Self, FilterError> {
        let mut found = Self { state: LetterState::Parked, filter: parse(query)?, cursor: None };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => {
                    found.state = LetterState::from_name(&value)
                        .ok_or(FilterError("The state must be one of the tabs."))?;
                }
                "cursor" if !value.is_empty() => found.cursor = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(found)
    }
}

#[derive(Template)]
#[template(path = "letters.html")]
struct LettersPage<'a> {
    frame: &'a Frame<'a>,
    query: &'a LettersQuery,
    tabs: Vec<Linked>,
    matrix: Matrix,
    chosen: Vec<String>,
    /// The values of the form.
    form: Form<'a>,
    plan: Option<PlanLinks>,
    page: &'a LetterPage,
    next: Option<String>,
    first: Option<String>,
}

/// The values of the filter form.
struct Form<'a> {
    reasons: Vec<&'a str>,
    types: Vec<&'a str>,
    reason: &'a str,
    event_type: &'a str,
    subject: &'a str,
    after: String,
    before: String,
    ids: String,
}

/// Where a plan for the filter, never for the page, is made.
struct PlanLinks {
    replay: String,
    discard: String,
    /// `these 12 letters`.
    what: String,
}

/// The page.
pub(crate) fn page(
    frame: &Frame<'_>,
    query: &LettersQuery,
    cells: &LetterMatrix,
    page: &LetterPage,
) -> askama::Result<String> {
    let LettersQuery { state, filter, cursor } = query;
    let own = |more: &[(&str, &str)]| address("/dead-letters", more, filter);
    let tab = |state: LetterState| Linked {
        text: state.as_str().to_owned(),
        letters: of_state(cells, state),
        href: own(&[("state", state.as_str())]),
        is_current: state == query.state,
    };
    let next = page.next.as_ref().map(|next| own(&[("state", state.as_str()), ("cursor", next)]));
    LettersPage {
        frame,
        query,
        tabs: LetterState::ALL.into_iter().map(tab).collect(),
        matrix: matrix(cells, *state, filter, frame.now),
        chosen: in_words(filter),
        form: form(query, cells),
        plan: plan_links(frame, query, cells),
        page,
        next,
        first: cursor.as_ref().map(|_| own(&[("state", state.as_str())])),
    }
    .render()
}

fn form<'a>(query: &'a LettersQuery, cells: &'a LetterMatrix) -> Form<'a> {
    let LetterFilter { ids, reason, event_type, subject, after, before, .. } = &query.filter;
    let of_state = || cells.cells.iter().filter(|cell| cell.state == query.state);
    let mut reasons: Vec<&str> = of_state().map(|cell| cell.reason.as_str()).collect();
    let mut types: Vec<&str> = of_state().map(|cell| type_name(&cell.event_type)).collect();
    reasons.extend(reason.as_deref());
    types.extend(event_type.as_deref().map(type_name));
    for names in [&mut reasons, &mut types] {
        names.sort_unstable();
        names.dedup();
    }
    Form {
        reasons,
        types,
        reason: reason.as_deref().unwrap_or_default(),
        event_type: event_type.as_deref().map(type_name).unwrap_or_default(),
        subject: subject.as_deref().unwrap_or_default(),
        after: after.map(filter::time_text).unwrap_or_default(),
        before: before.map(filter::time_text).unwrap_or_default(),
        ids: ids.join(" "),
    }
}

fn type_name(kind: &str) -> &str {
    if kind.is_empty() { NO_TYPE } else { kind }
}

fn plan_links(frame: &Frame<'_>, query: &LettersQuery, cells: &LetterMatrix) -> Option<PlanLinks> {
    let count = matrix::count(cells, LetterState::Parked, &query.filter);
    if query.state != LetterState::Parked || count == Some(0) || !frame.may_change() {
        return None;
    }
    // Without a filter the plan needs `all`, so that nobody means fewer.
    let all = LetterFilter { all: true, ..LetterFilter::default() };
    let is_empty = filter::is_empty(&query.filter);
    let chosen = if is_empty { &all } else { &query.filter };
    let what = match count {
        Some(count) if is_empty => format!("all {}", counted(&count, "parked letter")),
        Some(1) => "this letter".to_owned(),
        Some(count) => format!("these {}", counted(&count, "letter")),
        None => "what this filter chooses".to_owned(),
    };
    let link = |action| address("/replays/new", &[("action", action)], chosen);
    Some(PlanLinks { replay: link("replay"), discard: link("discard"), what })
}

#[cfg(test)]
mod tests {
    use shared::operators::api::letters::{LetterMatrix, LetterPage, LetterSummary, MatrixCell};
    use shared::operators::letter::LetterState;

    use super::{LettersQuery, page};
    use crate::pages::testing::{NOW, frame, operator, reader};

    fn cells() -> LetterMatrix {
        let day = NOW.0 / 86_400_000;
        let [reason, event_type] = ["shape", "user.created"].map(str::to_owned);
        LetterMatrix {
            cells: vec![MatrixCell {
                state: LetterState::Parked,
                reason,
                event_type,
                day,
                letters: 12,
            }],
        }
    }

    fn letters() -> LetterPage {
        LetterPage {
            letters: vec![LetterSummary {
                id: "<b>1".into(),
                state: LetterState::Parked,
                reason: "shape".into(),
                detail: "data.id is missing".into(),
                event_type: Some("user.created".into()),
                subject: Some("user_ada".into()),
                svix_id: None,
                attempts: 3,
                generation: 1,
                first_seen_at: NOW.plus(-60_000),
                last_seen_at: NOW,
                replay_id: None,
            }],
            next: Some("c&1".into()),
        }
    }

    #[track_caller]
    fn render(query: &str, cells: &LetterMatrix, letters: &LetterPage) -> String {
        let query = LettersQuery::parse(query).unwrap();
        page(&frame(&operator()), &query, cells, letters).unwrap()
    }

    #[test]
    fn buttons_carry_the_filter_and_say_how_many() {
        let html = render("reason=shape&cursor=c9", &cells(), &letters());
        let wanted = "href=\"/replays/new?action=replay&#38;reason=shape\">Plan a replay of these \
                      12 letters</a>";
        assert!(html.contains(wanted), "{html}");
        assert!(html.contains("/replays/new?action=discard&#38;reason=shape\""));
        // The next page keeps the filter; the list can go back to its start.
        let next = "/dead-letters?state=parked&#38;cursor=c%261&#38;reason=shape";
        assert!(html.contains(next), "{html}");
        assert!(html.contains("Back to the first page"));
    }

    #[test]
    fn without_a_filter_the_plan_is_for_all() {
        let html = render("", &cells(), &letters());
        assert!(html.contains("action=replay&#38;all=1\">Plan a replay of all 12 parked"));
        let html = render("subject=user_ada", &cells(), &letters());
        assert!(html.contains(">Plan a replay of what this filter chooses</a>"));
    }

    #[test]
    fn who_may_only_look_sees_no_button() {
        let query = LettersQuery::parse("").unwrap();
        let html = page(&frame(&reader()), &query, &cells(), &letters()).unwrap();
        assert!(!html.contains("Plan a"), "{html}");
        assert!(!render("state=applied", &cells(), &letters()).contains("Plan a"));
    }

    #[test]
    fn values_are_escaped_and_the_form_keeps_the_filter() {
        let html = render("reason=shape&type=user.created&after=2025-11-01", &cells(), &letters());
        assert!(!html.contains("<b>1") && html.contains("/dead-letters/%3Cb%3E1"), "{html}");
        assert!(html.contains("<option selected>shape</option>"));
        assert!(html.contains("<option selected>user.created</option>"));
        assert!(html.contains("name=\"after\" value=\"2025-11-01\""));
    }

    #[test]
    fn an_empty_list_says_so() {
        let none = LetterMatrix { cells: Vec::new() };
        let html = render("", &none, &LetterPage { letters: Vec::new(), next: None });
        assert!(html.contains("No letter is parked"), "{html}");
        assert!(LettersQuery::parse("state=odd").is_err());
    }
}
