//! Checks what a request asks for, before anything is read.

use crate::operators::api::ApiError;
use crate::operators::api::letters::LetterFilter;
use crate::operators::api::replays::PlanRequest;

/// Letters a minute, if the request names no rate.
pub const RATE_DEFAULT: u32 = 600;

/// The greatest rate.
pub const RATE_MAX: u32 = 6_000;

/// Ids in one filter.
const IDS_MAX: usize = 100;

/// Bytes of one member of a filter.
const MEMBER_BYTES_MAX: usize = 256;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 200;

/// Characters of an idempotency key.
const KEY_CHARS_MAX: usize = 100;

/// An error of the API.
#[must_use]
pub fn refusal(error: &str, message: &str, next: &str) -> ApiError {
    ApiError { error: error.into(), message: message.into(), next: next.into() }
}

/// Checks a request for a plan.
///
/// # Errors
/// What is wrong, and what to do.
pub fn check_plan(request: &PlanRequest) -> Result<(), ApiError> {
    let PlanRequest { filter, reason, rate, .. } = request;
    check_filter(filter)?;
    let narrowed = LetterFilter { all: false, ..filter.clone() } != LetterFilter::default();
    if !filter.all && !narrowed {
        let message = "an empty filter would choose every letter";
        return Err(refusal("empty-filter", message, "narrow the filter, or set `all`"));
    }
    if filter.all && narrowed {
        let message = "`all` chooses every letter, and the filter has other members beside it";
        return Err(refusal("all-and-filter", message, "leave out `all`, or everything else"));
    }
    check_reason(reason)?;
    if rate.is_some_and(|rate| !(1..=RATE_MAX).contains(&rate)) {
        let message = format!("the rate is not between 1 and {RATE_MAX} letters a minute");
        return Err(refusal("bad-rate", &message, "choose a rate in this range, or none"));
    }
    Ok(())
}

/// Checks a filter, also that of a list.
///
/// # Errors
/// What is wrong, and what to do.
pub fn check_filter(filter: &LetterFilter) -> Result<(), ApiError> {
    let LetterFilter { ids, reason, event_type, subject, after, before, all: _ } = filter;
    let bad = |message: &str| Err(refusal("bad-filter", message, "correct the filter"));
    if IDS_MAX < ids.len() {
        return bad(&format!("the filter names more than {IDS_MAX} letters"));
    }
    let readable =
        |text: &String| MEMBER_BYTES_MAX >= text.len() && !text.contains(char::is_control);
    let texts = [reason, event_type, subject].into_iter().flatten();
    if !ids.iter().chain(texts).all(readable) {
        return bad(&format!(
            "a member of the filter is longer than {MEMBER_BYTES_MAX} bytes, or has control \
             characters"
        ));
    }
    if ids.iter().chain(reason).chain(subject).any(String::is_empty) {
        return bad("a member of the filter is empty; only `type` may be");
    }
    if after.iter().chain(before).any(|time| time.0 < 0) {
        return bad("a time of the filter is before 1970");
    }
    if after.zip(*before).is_some_and(|(after, before)| before <= after) {
        return bad("`before` is not later than `after`, so no letter is between them");
    }
    Ok(())
}

/// Checks a reason for the audit trail.
///
/// # Errors
/// If it is empty, too long, or has control characters.
pub fn check_reason(reason: &str) -> Result<(), ApiError> {
    let fits = (1..=REASON_CHARS_MAX).contains(&reason.chars().count());
    if fits && !reason.trim().is_empty() && !reason.contains(char::is_control) {
        return Ok(());
    }
    let message =
        format!("the reason is not 1 to {REASON_CHARS_MAX} characters without control characters");
    Err(refusal("bad-reason", &message, "say in a few words why, without personal data"))
}

/// Checks the header `Idempotency-Key`.
///
/// # Errors
/// If it is empty, too long, or not visible ASCII.
pub fn check_idempotency_key(key: &str) -> Result<(), ApiError> {
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=KEY_CHARS_MAX).contains(&key.len()) {
        return Ok(());
    }
    let message = format!("`Idempotency-Key` is not 1 to {KEY_CHARS_MAX} visible ASCII characters");
    Err(refusal("bad-idempotency-key", &message, "send a random id, for example a UUID"))
}

#[cfg(test)]
mod tests {
    use super::{check_idempotency_key, check_plan};
    use crate::operators::api::letters::LetterFilter;
    use crate::operators::api::replays::{PlanRequest, ReplayAction};
    use crate::time::UnixMillis;

    fn request() -> PlanRequest {
        PlanRequest {
            action: ReplayAction::Replay,
            filter: LetterFilter { reason: Some("overloaded".into()), ..LetterFilter::default() },
            reason: "the database is back".into(),
            rate: None,
            discard_unchanged: false,
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut PlanRequest), want: &str) {
        let mut changed = request();
        change(&mut changed);
        let found = check_plan(&changed).err().map_or(String::new(), |error| error.error);
        assert_eq!(found, want);
    }

    #[test]
    fn every_letter_has_to_be_asked_for() {
        check(|_| (), "");
        check(|it| it.filter = LetterFilter::default(), "empty-filter");
        check(|it| it.filter = LetterFilter { all: true, ..LetterFilter::default() }, "");
        check(|it| it.filter.all = true, "all-and-filter");
        check(|it| (it.filter.reason, it.filter.after) = (None, Some(UnixMillis(0))), "");
    }

    #[test]
    fn each_member_has_its_bounds() {
        check(|it| it.filter.ids = vec!["m".into(); 100], "");
        check(|it| it.filter.ids = vec!["m".into(); 101], "bad-filter");
        check(|it| it.filter.ids = vec![String::new()], "bad-filter");
        check(|it| it.filter.event_type = Some(String::new()), "");
        check(|it| it.filter.event_type = Some("a".repeat(257)), "bad-filter");
        check(|it| it.filter.subject = Some("a\nb".into()), "bad-filter");
        check(|it| it.filter.subject = Some(String::new()), "bad-filter");
        check(|it| it.filter.after = Some(UnixMillis(-1)), "bad-filter");
        let times = |after, before| {
            move |it: &mut PlanRequest| {
                it.filter.after = Some(UnixMillis(after));
                it.filter.before = Some(UnixMillis(before));
            }
        };
        check(times(1, 2), "");
        check(times(2, 2), "bad-filter");
    }

    #[test]
    fn a_reason_is_short_and_plain() {
        check(|it| it.reason = "ä".repeat(200), "");
        for reason in ["", "  ", "a\u{7}", "a\nb", &"ä".repeat(201)] {
            check(|it| it.reason = reason.into(), "bad-reason");
        }
    }

    #[test]
    fn a_rate_is_between_1_and_6000() {
        for (rate, want) in [(0, "bad-rate"), (1, ""), (6_000, ""), (6_001, "bad-rate")] {
            check(|it| it.rate = Some(rate), want);
        }
    }

    #[test]
    fn an_idempotency_key_is_short_visible_ascii() {
        assert!(check_idempotency_key("0b4c9d2e-7a5d").is_ok());
        for key in ["", "a b", "ä", &"a".repeat(101)] {
            assert!(check_idempotency_key(key).is_err(), "{key:?}");
        }
    }
}
