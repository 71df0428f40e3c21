//! The setting of the log, alike in each Worker that has it.

use super::{RawSetting, SettingError, SettingProblem, trim_quotes};
use crate::log::SampleRate;

/// The share of ordinary lines that are kept.
pub const LOG_SAMPLE_RATE: &str = "LOG_SAMPLE_RATE";

/// Parses the rate; `raw` returns the raw value of a name. With an error every line is kept: a log
/// that is too long never stops a Worker.
#[must_use]
pub fn sample_rate_from_env(
    raw: &dyn Fn(&str) -> RawSetting,
) -> (SampleRate, Option<SettingError>) {
    let text = match raw(LOG_SAMPLE_RATE) {
        RawSetting::Absent => return (SampleRate::ALL, None),
        RawSetting::Text(text) | RawSetting::Number(text) => text,
        RawSetting::List(_) | RawSetting::Other => String::from("not a number"),
    };
    let text = trim_quotes(&text);
    if text.is_empty() {
        return (SampleRate::ALL, None);
    }
    let problem = SettingProblem::Other(
        "is not a number from 0 to 1: write one, such as 0.1, or remove the variable",
    );
    let error = SettingError { name: LOG_SAMPLE_RATE, problem };
    SampleRate::parse(text).map_or((SampleRate::ALL, Some(error)), |rate| (rate, None))
}

#[cfg(test)]
mod tests {
    use super::{RawSetting, SampleRate, sample_rate_from_env};

    #[test]
    fn an_invalid_rate_is_an_error_and_keeps_every_line() {
        let read = |value: RawSetting| sample_rate_from_env(&|_| value.clone());
        let half = SampleRate::parse("0.5").unwrap();
        for text in ["0.5", " 0.5 ", "'0.5'", ".5"] {
            assert_eq!(read(RawSetting::Text(text.into())), (half, None));
        }
        assert_eq!(read(RawSetting::Number("0.5".into())), (half, None));
        for none in [RawSetting::Absent, RawSetting::Text("  ".into())] {
            assert_eq!(read(none), (SampleRate::ALL, None));
        }
        let wrong = [RawSetting::Text("50%".into()), RawSetting::Number("2".into())];
        for wrong in wrong.into_iter().chain([RawSetting::Other, RawSetting::List(vec![])]) {
            let (rate, error) = read(wrong);
            assert_eq!(rate, SampleRate::ALL);
            let said = error.unwrap().to_string();
            assert!(said.starts_with("LOG_SAMPLE_RATE is not a number from 0 to 1"), "{said}");
        }
    }
}
