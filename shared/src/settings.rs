//! Parses the Workers' settings, for the Workers, for `xtask deploy` and for the docs.
//!
//! [`table::SETTINGS`] has a row for each variable and each secret; one module per Worker parses
//! its own rows. Unambiguous spellings are accepted. Anything else is a [`SettingError`] and never
//! counts as absent: invalid values disable what depends on them and stop a deployment. No error
//! shows a value, because some values are secrets.

mod address;
pub mod console;
pub mod consumer;
pub mod durable;
pub mod ingest;
pub mod log;
pub mod metrics;
pub mod ssr;
pub mod table;

#[cfg(test)]
mod tests;

use std::fmt;

/// The raw value of a setting, by type: a variable of `wrangler.toml` is a TOML value, and the
/// Worker gets a JavaScript value of the same type.
/// <https://developers.cloudflare.com/workers/configuration/environment-variables/>
#[derive(Clone, PartialEq, Eq)]
pub enum RawSetting {
    /// Not set.
    Absent,
    /// A string. Every secret is one.
    Text(String),
    /// A number, in decimal.
    Number(String),
    /// An array of strings.
    List(Vec<String>),
    /// Anything else: a boolean, a table, an array of other values.
    Other,
}

impl fmt::Debug for RawSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Text(_) => "Text([redacted])",
            Self::Number(_) => "Number([redacted])",
            Self::List(_) => "List([redacted])",
            Self::Other => "Other",
        })
    }
}

/// An invalid or missing setting. Its text begins with the name and ends with what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    /// The variable or the secret.
    pub name: &'static str,
    /// The problem.
    pub problem: SettingProblem,
}

impl SettingError {
    /// Returns whether a required setting is missing. Only a warning in a deployment: it may be set
    /// later.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.problem, SettingProblem::Missing(_))
    }
}

/// The problem, to be printed after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    /// It is absent or blank and has no default.
    #[error("{0}")]
    Missing(&'static str),
    /// It is not a string.
    #[error("is not a string: write it in quotes")]
    NotAString,
    /// It is not a number within the limits.
    #[error(
        "is not a whole number of {} from {} to {}: write one, or remove the variable",
        .0.unit, .0.min, .0.max
    )]
    NotANumber(&'static NumberSetting),
    /// One of several secrets is invalid.
    #[error("is invalid: secret number {position} {problem}: {next}")]
    Secret {
        /// Which one, from 1.
        position: usize,
        /// What is wrong with it.
        problem: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Another problem.
    #[error("{0}")]
    Other(&'static str),
}

/// A setting that is a number.
#[derive(Debug, PartialEq, Eq)]
pub struct NumberSetting {
    /// The variable.
    pub name: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// The minimum.
    pub min: i64,
    /// The maximum.
    pub max: i64,
    /// The value if it is absent or blank.
    pub default: i64,
}

/// The error has been recorded in the reader.
#[derive(Clone, Copy, Debug)]
struct Reported;

/// Parses settings one by one and collects the errors.
struct SettingsReader<'a> {
    raw: &'a dyn Fn(&str) -> RawSetting,
    errors: Vec<SettingError>,
}

impl<'a> SettingsReader<'a> {
    fn new(raw: &'a dyn Fn(&str) -> RawSetting) -> Self {
        Self { raw, errors: Vec::new() }
    }

    // This and the next two are not inlined: each setting calls them, and Workers must stay small.
    #[inline(never)]
    fn report(&mut self, name: &'static str, problem: SettingProblem) -> Reported {
        self.errors.push(SettingError { name, problem });
        Reported
    }

    /// A string without surrounding spaces and quotes; `None` if it is absent or blank.
    #[inline(never)]
    fn text(&mut self, name: &'static str) -> Result<Option<String>, Reported> {
        match (self.raw)(name) {
            RawSetting::Absent => Ok(None),
            RawSetting::Text(text) => {
                Ok(Some(trim_quotes(&text).to_owned()).filter(|text| !text.is_empty()))
            }
            RawSetting::Number(_) | RawSetting::List(_) | RawSetting::Other => {
                Err(self.report(name, SettingProblem::NotAString))
            }
        }
    }

    /// A string parsed by `parse`.
    #[inline(never)]
    fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Reported> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|error| self.report(name, SettingProblem::Other(error)))
    }

    /// A number, written as a number or as a string.
    fn number(&mut self, setting: &'static NumberSetting) -> Result<Option<i64>, Reported> {
        let text = match (self.raw)(setting.name) {
            RawSetting::Absent => return Ok(None),
            RawSetting::Text(text) | RawSetting::Number(text) => text,
            RawSetting::List(_) | RawSetting::Other => {
                return Err(self.report(setting.name, SettingProblem::NotANumber(setting)));
            }
        };
        let text = trim_quotes(&text);
        if text.is_empty() {
            return Ok(None);
        }
        let number =
            text.parse().ok().filter(|number| (setting.min..=setting.max).contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.report(setting.name, SettingProblem::NotANumber(setting)))
    }
}

/// Removes surrounding spaces and one surrounding pair of quotes, as copied from a `.env` file.
fn trim_quotes(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote).map(str::trim));
    quoted.unwrap_or(text)
}
