//! The filter of dead letters in addresses, forms and words. In an address of a page an empty value
//! is none, so that a form without a script can leave a field empty; `(none)` names letters without
//! a type. Days are UTC.

use chrono::{DateTime, NaiveDate};
use shared::operators::api::letters::LetterFilter;
use shared::time::UnixMillis;
use url::form_urlencoded::{Serializer, parse as pairs};

use super::frame::{DAY_MS, clock, day};

/// The type of letters without one.
pub(crate) const NO_TYPE: &str = "(none)";

/// A value that cannot be read: the field, and what it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FilterError(pub(crate) &'static str);

/// What a page with a filter, and its forms, may have in the address. A misspelled member must not
/// choose more letters than was meant.
const MEMBERS: [&str; 15] = [
    "id",
    "reason",
    "type",
    "subject",
    "after",
    "before",
    "all",
    "state",
    "cursor",
    "action",
    "why",
    "rate",
    "discard_unchanged",
    "key",
    "form_token",
];

const UNKNOWN: FilterError =
    FilterError("The address has a member that this page does not know: leave it out.");

/// Reads the filter of an address or of a form. The other members are left to others.
///
/// # Errors
/// When a time is none, or a member is not known or given twice.
pub(crate) fn parse(query: &str) -> Result<LetterFilter, FilterError> {
    let mut filter = LetterFilter::default();
    let mut seen = Vec::new();
    for (name, value) in pairs(query.as_bytes()) {
        let known = MEMBERS.iter().find(|known| **known == name).ok_or(UNKNOWN)?;
        if *known != "id" && seen.contains(known) {
            return Err(FilterError("A member of the address is given twice: leave one out."));
        }
        seen.push(known);
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        match *known {
            "id" => filter.ids.extend(words(value)),
            "reason" => filter.reason = Some(value.to_owned()),
            "type" if value == NO_TYPE => filter.event_type = Some(String::new()),
            "type" => filter.event_type = Some(value.to_owned()),
            "subject" => filter.subject = Some(value.to_owned()),
            "after" => filter.after = Some(time(value)?),
            "before" => filter.before = Some(time(value)?),
            "all" => filter.all = value == "1",
            _ => {}
        }
    }
    Ok(filter)
}

fn words(value: &str) -> impl Iterator<Item = String> {
    let words = value.split(|it: char| it == ',' || it.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

/// Reads a day, a time with a zone, or milliseconds.
pub(crate) fn time(value: &str) -> Result<UnixMillis, FilterError> {
    let day = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok();
    let day = day.and_then(|it| it.and_hms_opt(0, 0, 0)).map(|it| it.and_utc().timestamp_millis());
    // Without a zone it is UTC.
    let local = || DateTime::parse_from_rfc3339(&format!("{value}:00Z")).ok();
    let zoned = DateTime::parse_from_rfc3339(value).ok().or_else(local);
    let ms = day.or(zoned.map(|it| it.timestamp_millis())).or_else(|| value.parse().ok());
    ms.filter(|ms| (0..=253_402_300_799_999).contains(ms)).map(UnixMillis).ok_or(FilterError(
        "A time must be a UTC day such as 2026-11-29, or a time such as 2026-11-29T03:00:00Z.",
    ))
}

/// The fields of a filter, as in an address.
pub(crate) fn fields(filter: &LetterFilter) -> Vec<(&'static str, String)> {
    let LetterFilter { ids, reason, event_type, subject, after, before, all } = filter;
    let none = |kind: &String| if kind.is_empty() { NO_TYPE.into() } else { kind.clone() };
    let single = [
        ("reason", reason.clone()),
        ("type", event_type.as_ref().map(none)),
        ("subject", subject.clone()),
        ("after", after.map(time_text)),
        ("before", before.map(time_text)),
        ("all", all.then(|| "1".to_owned())),
    ];
    let single = single.into_iter().filter_map(|(name, value)| Some((name, value?)));
    single.chain(ids.iter().map(|id| ("id", id.clone()))).collect()
}

/// A time as in an address: a day, if it is the beginning of one.
pub(crate) fn time_text(at: UnixMillis) -> String {
    if at.0.rem_euclid(DAY_MS) == 0 {
        return day(at);
    }
    let ms = at.0.rem_euclid(1000);
    format!("{}T{}.{ms:03}Z", day(at), clock(at))
}

/// An address with a filter and more fields.
pub(crate) fn address(path: &str, more: &[(&str, &str)], filter: &LetterFilter) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
    query.extend_pairs(fields(filter));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The filter in words, one for each member; empty if there is none.
pub(crate) fn in_words(filter: &LetterFilter) -> Vec<String> {
    let word = |(name, value): (&str, String)| match name {
        "all" => "every letter".to_owned(),
        "type" if value == NO_TYPE => "without a type".to_owned(),
        "after" => format!("first seen on or after {value}"),
        "before" => format!("first seen before {value}"),
        "id" => format!("letter {value}"),
        _ => format!("{name} {value}"),
    };
    fields(filter).into_iter().map(word).collect()
}

/// Whether nothing is chosen.
pub(crate) fn is_empty(filter: &LetterFilter) -> bool {
    *filter == LetterFilter::default()
}

#[cfg(test)]
mod tests {
    use shared::operators::api::letters::LetterFilter;
    use shared::time::UnixMillis;

    use super::{address, in_words, is_empty, parse, time};

    fn full() -> LetterFilter {
        LetterFilter {
            ids: vec!["m1".into(), "m2".into()],
            reason: Some("shape".into()),
            event_type: Some("user.created".into()),
            subject: Some("user_ada".into()),
            after: Some(UnixMillis(1_764_374_400_000)),
            before: Some(UnixMillis(1_764_460_800_001)),
            all: false,
        }
    }

    #[track_caller]
    fn round(filter: &LetterFilter) {
        let address = address("/dead-letters", &[("state", "parked")], filter);
        let (_, query) = address.split_once('?').unwrap();
        assert_eq!(parse(query).unwrap(), *filter, "{address}");
    }

    #[test]
    fn a_filter_keeps_its_meaning_in_an_address() {
        round(&full());
        round(&LetterFilter { all: true, ..LetterFilter::default() });
        round(&LetterFilter { event_type: Some(String::new()), ..LetterFilter::default() });
        round(&LetterFilter { reason: Some("a&b=c #%".into()), ..LetterFilter::default() });
    }

    #[test]
    fn empty_fields_of_a_form_choose_nothing() {
        assert!(is_empty(&parse("reason=&type=&subject=+&after=&before=&id=&cursor=2").unwrap()));
        assert_eq!(parse("id=m1%2C+m2%0Am3").unwrap().ids, ["m1", "m2", "m3"]);
    }

    #[test]
    fn times_are_days_instants_or_milliseconds() {
        let midnight = Ok(UnixMillis(1_764_374_400_000));
        assert_eq!(time("2025-11-29"), midnight);
        assert_eq!(time("2025-11-29T01:00:00+01:00"), midnight);
        assert_eq!(time("2025-11-29T00:00"), midnight);
        assert_eq!(time("1764374400000"), midnight);
        for wrong in ["yesterday", "-1", "2025-13-01", "9999999999999999"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(parse("after=soon").is_err());
    }

    #[test]
    fn a_misspelled_filter_chooses_nothing() {
        for wrong in ["reasn=shape", "reason=a&reason=b", "all=1&all=1", "ids=m1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse("id=a&id=b").unwrap().ids, ["a", "b"]);
    }

    #[test]
    fn a_filter_is_said_in_words() {
        let words = in_words(&full()).join("; ");
        let want = "reason shape; type user.created; subject user_ada; first seen on or after \
                    2025-11-29; first seen before 2025-11-30T00:00:00.001Z; letter m1; letter m2";
        assert_eq!(words, want);
        assert_eq!(in_words(&LetterFilter::default()), [""; 0]);
    }
}
