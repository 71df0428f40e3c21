//! `/replays/new`: the form of a plan. It shows the filter that it carries.

use askama::Template;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{PlanRequest, ReplayAction};

use super::filter::{self, FilterError, address, fields, in_words, parse};
use super::frame::Frame;
use super::words;

/// Letters a minute, if nobody says another number.
pub(crate) const RATE: u32 = 600;

/// What the form holds, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanForm {
    /// The plan that it asks for.
    pub(crate) request: PlanRequest,
    /// With which a repeated form is recognized.
    pub(crate) idempotency_key: String,
}

/// A form that asks for no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// A value cannot be read.
    Value(&'static str),
    /// The filter is empty and does not say `all`.
    NoFilter,
}

impl From<FilterError> for FormError {
    fn from(FilterError(text): FilterError) -> Self {
        Self::Value(text)
    }
}

impl FormError {
    /// For people, with the next step.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Value(text) => text,
            Self::NoFilter => {
                "Choose letters first: a plan needs a filter, or the button for all of them."
            }
        }
    }
}

impl PlanForm {
    /// Reads the address of the form, or the form itself.
    ///
    /// # Errors
    /// When a value cannot be read, or no letters are chosen.
    pub(crate) fn parse(text: &str) -> Result<Self, FormError> {
        let chosen = parse(text)?;
        if filter::is_empty(&chosen) {
            return Err(FormError::NoFilter);
        }
        let mut form = Self {
            request: PlanRequest {
                action: ReplayAction::Replay,
                filter: chosen,
                reason: String::new(),
                rate: None,
                discard_unchanged: false,
            },
            idempotency_key: String::new(),
        };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "action" if value == "discard" => form.request.action = ReplayAction::Discard,
                // The filter has a member `reason` too.
                "why" => value.trim().clone_into(&mut form.request.reason),
                "rate" => form.request.rate = Some(rate(&value)?),
                "discard_unchanged" => form.request.discard_unchanged = value == "true",
                "key" => form.idempotency_key = value.into_owned(),
                _ => {}
            }
        }
        Ok(form)
    }
}

fn rate(value: &str) -> Result<u32, FormError> {
    let rate = value.trim().parse().ok().filter(|rate| (1..=6000).contains(rate));
    rate.ok_or(FormError::Value("The rate must be a number from 1 to 6000, in letters a minute."))
}

#[derive(Template)]
#[template(path = "new-replay.html")]
struct NewReplayHtml<'a> {
    frame: &'a Frame<'a>,
    request: &'a PlanRequest,
    key: &'a str,
    chosen: Vec<String>,
    fields: Vec<(&'static str, String)>,
    count: Option<i64>,
    back: String,
    wrong: Option<&'a str>,
    rate: u32,
}

/// The page. `count` is what the matrix counts; `wrong` says why the form came back.
pub(crate) fn page(
    frame: &Frame<'_>,
    form: &PlanForm,
    count: Option<i64>,
    wrong: Option<&str>,
) -> askama::Result<String> {
    let request = &form.request;
    let back = LetterFilter { all: false, ..request.filter.clone() };
    NewReplayHtml {
        frame,
        request,
        key: &form.idempotency_key,
        chosen: in_words(&request.filter),
        fields: fields(&request.filter),
        count,
        back: address("/dead-letters", &[], &back),
        wrong,
        rate: request.rate.unwrap_or(RATE),
    }
    .render()
}

#[cfg(test)]
mod tests {
    use shared::operators::api::replays::ReplayAction;

    use super::{FormError, PlanForm, page};
    use crate::pages::testing::{frame, operator, reader};

    #[test]
    fn the_form_carries_the_filter_and_comes_back_as_it_was() {
        let asked = PlanForm::parse("action=discard&reason=shape&type=%28none%29&key=k1").unwrap();
        let html = page(&frame(&operator()), &asked, Some(12), None).unwrap();
        assert!(html.contains("<h1>Plan a discard</h1>"), "{html}");
        assert!(html.contains("<input type=\"hidden\" name=\"reason\" value=\"shape\">"));
        assert!(html.contains("<input type=\"hidden\" name=\"type\" value=\"(none)\">"));
        assert!(html.contains("12 letters"));
        assert!(html.contains("name=\"form_token\" value=\"form-token\""));
        assert!(html.contains("name=\"key\" value=\"k1\""));
    }

    #[test]
    fn a_form_is_read() {
        let text = "action=replay&id=m1&why=+D1+is+back+&rate=60&discard_unchanged=true&key=k";
        let PlanForm { request, idempotency_key } = PlanForm::parse(text).unwrap();
        assert_eq!(request.action, ReplayAction::Replay);
        assert_eq!((request.reason.as_str(), request.rate), ("D1 is back", Some(60)));
        assert_eq!(request.filter.ids, ["m1"]);
        assert!(request.discard_unchanged);
        assert_eq!(idempotency_key, "k");
    }

    #[test]
    fn no_filter_is_no_plan() {
        assert_eq!(PlanForm::parse("action=replay&why=x"), Err(FormError::NoFilter));
        assert!(PlanForm::parse("action=replay&all=1").is_ok());
        for wrong in ["rate=0", "rate=6001", "rate=fast", "after=soon"] {
            let text = format!("reason=shape&{wrong}");
            assert!(matches!(PlanForm::parse(&text), Err(FormError::Value(_))), "{wrong}");
        }
    }

    #[test]
    fn what_was_wrong_is_said_and_values_stay() {
        let form = PlanForm::parse("reason=shape&why=%22%3Cb%3E&rate=7").unwrap();
        let html = page(&frame(&operator()), &form, None, Some("too long")).unwrap();
        assert!(html.contains("role=\"alert\">too long"), "{html}");
        assert!(html.contains("value=\"&#34;&#60;b&#62;\"") && html.contains("value=\"7\""));
        assert!(html.contains("The plan counts them."));
    }

    #[test]
    fn a_reader_is_told_who_may() {
        let form = PlanForm::parse("reason=shape").unwrap();
        let html = page(&frame(&reader()), &form, Some(1), None).unwrap();
        assert!(html.contains("You may look, but not change things"), "{html}");
        assert!(!html.contains("method=\"post\""));
    }
}
