//! Text of the console, made fit for a terminal, and times.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared::time::UnixMillis;

/// Whether a terminal could obey this character, or show the text in another order.
fn is_unsafe(letter: char) -> bool {
    let hidden = matches!(letter,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}');
    letter.is_control() || hidden
}

/// `text` in one line. What a terminal could obey becomes `\u{…}`.
pub(crate) fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut clean, letter| {
        if is_unsafe(letter) {
            clean.extend(letter.escape_unicode());
        } else {
            clean.push(letter);
        }
        clean
    })
}

/// [`clean`], with the lines kept.
pub(crate) fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// `value` as JSON in one line, without anything that a terminal could obey.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(escape_json(&serde_json::to_string(value)?))
}

/// Escapes what a terminal could obey: in JSON it stands in strings alone.
fn escape_json(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, letter| {
        if is_unsafe(letter) {
            let mut units = [0; 2];
            safe.extend(
                letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")),
            );
        } else {
            safe.push(letter);
        }
        safe
    })
}

/// At most `max` characters of `text`.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A time, for people.
pub(crate) fn time(at: UnixMillis) -> String {
    let known = DateTime::<Utc>::from_timestamp_millis(at.0);
    known.map_or_else(|| at.0.to_string(), |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A time that may be unknown.
pub(crate) fn maybe_time(at: Option<UnixMillis>) -> String {
    at.map_or_else(|| "–".to_owned(), time)
}

/// The time between two, for people: in the largest unit that counts to two at least.
pub(crate) fn span(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let found = units.into_iter().find(|(_, size)| size * 2 <= ms);
    found.map_or_else(|| format!("{ms} ms"), |(unit, size)| format!("{} {unit}", ms / size))
}

/// The clock of this machine.
pub(crate) fn now() -> UnixMillis {
    UnixMillis(Utc::now().timestamp_millis())
}

/// A length of time, `90s`, `15m`, `24h` or `7d`, in milliseconds.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| 0 <= *count)?;
    let size = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    count.checked_mul(size)
}

/// A point in time: `2026-11-29`, `2026-11-29T03:00Z`, milliseconds since 1970, or a length of
/// time that is put to `relative`.
pub(crate) fn parse_time(text: &str, relative: impl Fn(i64) -> i64) -> Option<UnixMillis> {
    if let Some(span) = parse_span(text) {
        return Some(UnixMillis(relative(span)));
    }
    if let Ok(ms) = text.parse() {
        return Some(UnixMillis(ms));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(UnixMillis(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()));
    }
    let exact = DateTime::parse_from_rfc3339(text);
    let minute = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z");
    exact.or_else(|_| minute()).ok().map(|at| UnixMillis(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use shared::time::UnixMillis;

    use super::{clean, json_line, parse_time, shortened, span, time};

    #[test]
    fn a_terminal_obeys_nothing() {
        assert_eq!(
            clean("a\u{1b}[2Jb\r\nc\u{9b}\u{202e}é"),
            "a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{9b}\\u{202e}é"
        );
        let text = json_line(&"\u{1b}\u{9b}\u{7f}\u{202e}\n").unwrap();
        assert_eq!(text, r#""\u001b\u009b\u007f\u202e\n""#);
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "\u{1b}\u{9b}\u{7f}\u{202e}\n");
    }

    #[test]
    fn times_are_read_in_each_form() {
        let at = |text: &str| parse_time(text, |ago| 1_000_000_000 - ago).map(|at| at.0);
        assert_eq!(at("15m"), Some(1_000_000_000 - 900_000));
        assert_eq!(at("1764396765000"), Some(1_764_396_765_000));
        assert_eq!(at("1970-01-02"), Some(86_400_000));
        assert_eq!(at("1970-01-01T00:01:00Z"), Some(60_000));
        assert_eq!(at("1970-01-01T01:01+01:00"), Some(60_000));
        assert_eq!(at("1970-01-01T00:01Z"), Some(60_000));
        for wrong in ["", "m", "-1h", "tomorrow", "1970-13-01", "9223372036854775807d", "é"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_and_lengths_are_shown() {
        assert_eq!(time(UnixMillis(1_764_396_765_000)), "2025-11-29 06:12:45Z");
        assert_eq!(time(UnixMillis(i64::MAX)), i64::MAX.to_string());
        assert_eq!(
            [span(1_500), span(2_000), span(119_000), span(7_200_000)],
            ["1500 ms", "2 s", "119 s", "2 h"]
        );
        assert_eq!([shortened("äöü", 3), shortened("äöü", 2)], ["äöü", "äö…"]);
    }
}
