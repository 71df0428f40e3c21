//! What every page has: the time, the viewer, the form token; and times for people.

use std::borrow::Borrow;
use std::fmt::{Display, Formatter, Result};

use askama::filters::HtmlSafe;
use chrono::DateTime;
use shared::operators::api::Whoami;
use shared::time::UnixMillis;

/// Milliseconds of a UTC day.
pub(crate) const DAY_MS: i64 = 86_400_000;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The frame of a page.
pub(crate) struct Frame<'a> {
    /// The time of the answer.
    pub(crate) now: UnixMillis,
    /// Who looks at it; `None` before they have signed in.
    pub(crate) who: Option<&'a Whoami>,
    /// For the hidden field of each form.
    pub(crate) form_token: &'a str,
    /// Whether the viewer signed in with a token, and so can sign out.
    pub(crate) has_sign_out: bool,
}

impl Frame<'_> {
    /// A time with its age.
    pub(crate) fn when(&self, at: impl Borrow<UnixMillis>) -> When {
        When { at: *at.borrow(), now: self.now }
    }

    /// Whether the viewer may change things.
    pub(crate) fn may_change(&self) -> bool {
        self.who.is_some_and(|who| who.may_change)
    }
}

/// A time in UTC and how long ago that is, as HTML. It consists of digits and fixed words.
pub(crate) struct When {
    at: UnixMillis,
    now: UnixMillis,
}

impl HtmlSafe for When {}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (date, clock) = (day(self.at), clock(self.at));
        let age = ago(self.now.since(self.at));
        write!(f, "<time datetime=\"{date}T{clock}Z\">{date} {clock}</time> ")?;
        write!(f, "<span class=\"ago\">{age}</span>")
    }
}

/// A UTC day, `2026-11-29`.
pub(crate) fn day(at: UnixMillis) -> String {
    formatted(at, "%Y-%m-%d")
}

/// A UTC time of day, `05:52:45`.
pub(crate) fn clock(at: UnixMillis) -> String {
    formatted(at, "%H:%M:%S")
}

/// A UTC hour and minute, `05:52`.
pub(crate) fn hour(at: impl Borrow<UnixMillis>) -> String {
    formatted(*at.borrow(), "%H:%M")
}

fn formatted(at: UnixMillis, format: &str) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format(format).to_string()
}

/// A lag in its largest unit, with a tenth for seconds.
pub(crate) fn lag(ms: impl Borrow<i64>) -> String {
    match *ms.borrow() {
        ms @ SECOND_MS..MINUTE_MS => format!("{}.{} s", ms / SECOND_MS, ms % SECOND_MS / 100),
        ms => duration(ms),
    }
}

/// How long ago something was.
pub(crate) fn ago(ms: i64) -> String {
    if ms <= -SECOND_MS {
        format!("in {}", duration(ms.saturating_neg()))
    } else if ms < SECOND_MS {
        "just now".to_owned()
    } else {
        format!("{} ago", duration(ms))
    }
}

/// A duration in its largest unit.
pub(crate) fn duration(ms: i64) -> String {
    let units = [(DAY_MS, "days"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| *size <= ms).unwrap_or((1, "ms"));
    let unit = if (DAY_MS..2 * DAY_MS).contains(&ms) { "day" } else { unit };
    format!("{} {unit}", ms / size)
}

#[cfg(test)]
mod tests {
    use shared::time::UnixMillis;

    use super::{When, ago, duration};

    #[test]
    fn a_time_has_its_age() {
        let at = UnixMillis(1_764_374_400_000);
        let when = When { at, now: at.plus(3 * 60_000) }.to_string();
        let want = "<time datetime=\"2025-11-29T00:00:00Z\">2025-11-29 00:00:00</time> \
                    <span class=\"ago\">3 min ago</span>";
        assert_eq!(when, want);
    }

    #[test]
    fn ages_have_one_unit() {
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59_999), "59 s ago");
        assert_eq!(ago(-7_200_000), "in 2 h");
        assert_eq!(ago(86_400_000), "1 day ago");
        assert_eq!(ago(30 * 86_400_000), "30 days ago");
        assert_eq!(duration(250), "250 ms");
    }
}
