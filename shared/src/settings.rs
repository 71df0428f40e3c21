//! What the Workers can be set to: one reading for the Workers, for a deployment and for the docs.
//!
//! [`table::SETTINGS`] has a row for each variable and each secret; a module for each Worker reads
//! its own rows into what the Worker works with. A spelling whose meaning is plain is taken. What
//! is set to anything else is a [`SettingError`] and never counts as absent: it closes what
//! depends on it, and a deployment refuses it. No mistake shows a value, for some of them are
//! secrets.

mod address;
pub mod consumer;
pub mod durable;
pub mod ingest;
pub mod ssr;
pub mod table;

#[cfg(test)]
mod tests;

use std::fmt;

/// What stands under a name, by its type: a variable of `wrangler.toml` is a TOML value, and
/// reaches the Worker as the JavaScript value of that type.
/// <https://developers.cloudflare.com/workers/configuration/environment-variables/>
#[derive(Clone, PartialEq, Eq)]
pub enum RawSetting {
    /// Nothing.
    Absent,
    /// A text. Every secret is one.
    Text(String),
    /// A number, in decimal.
    Number(String),
    /// A list that has texts alone.
    List(Vec<String>),
    /// Anything else: a boolean, a table, a list of other things.
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

/// What is wrong with a setting: a sentence that begins with its name and ends with what to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {wrong}")]
pub struct SettingError {
    /// The variable or the secret.
    pub name: &'static str,
    /// What is wrong with it.
    pub wrong: SettingProblem,
}

impl SettingError {
    /// Whether it is not there, and has to be. It may still come: a deployment goes on and says so.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.wrong, SettingProblem::Missing(_))
    }
}

/// What is wrong, as the rest of the sentence after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    /// It is absent or blank, and has no default.
    #[error("{0}")]
    Missing(&'static str),
    /// It is of another type than text.
    #[error("is not a text: put it between quotes")]
    NotAString,
    /// It is not a number of the right size.
    #[error(
        "is not a whole number of {} from {} to {}: write one in digits, or remove the variable",
        .0.unit, .0.min, .0.max
    )]
    NotANumber(&'static NumberSetting),
    /// One of several secrets is no use.
    #[error("cannot be read: secret {position} of it {is}: copy it from its endpoint in Clerk")]
    Secret {
        /// Which one, from 1.
        position: usize,
        /// What it is.
        is: &'static str,
    },
    /// What the text itself says.
    #[error("{0}")]
    Other(&'static str),
}

/// A setting that is a number.
#[derive(Debug, PartialEq, Eq)]
pub struct NumberSetting {
    /// The variable.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// The least that is taken.
    pub min: i64,
    /// The most that is taken.
    pub max: i64,
    /// What holds where it is absent or blank.
    pub default: i64,
}

/// What is wrong stands among the reader's mistakes.
#[derive(Clone, Copy, Debug)]
struct Reported;

/// Reads settings one by one, and keeps what is wrong with them.
struct SettingsReader<'a> {
    raw: &'a dyn Fn(&str) -> RawSetting,
    mistakes: Vec<SettingError>,
}

impl<'a> SettingsReader<'a> {
    fn new(raw: &'a dyn Fn(&str) -> RawSetting) -> Self {
        Self { raw, mistakes: Vec::new() }
    }

    // Out of line, as the next two: each setting calls them, and a Worker pays for its bytes.
    #[inline(never)]
    fn report(&mut self, name: &'static str, wrong: SettingProblem) -> Reported {
        self.mistakes.push(SettingError { name, wrong });
        Reported
    }

    /// A text without blanks and quotes around it; `None` when it is absent or blank.
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

    /// A text that `read` takes.
    #[inline(never)]
    fn parsed<T>(
        &mut self,
        name: &'static str,
        read: fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Reported> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(&text).map(Some).map_err(|said| self.report(name, SettingProblem::Other(said)))
    }

    /// A number, as a number or as a text.
    fn number(&mut self, count: &'static NumberSetting) -> Result<Option<i64>, Reported> {
        let text = match (self.raw)(count.name) {
            RawSetting::Absent => return Ok(None),
            RawSetting::Text(text) | RawSetting::Number(text) => text,
            RawSetting::List(_) | RawSetting::Other => {
                return Err(self.report(count.name, SettingProblem::NotANumber(count)));
            }
        };
        let text = trim_quotes(&text);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number| (count.min..=count.max).contains(number));
        number.map(Some).ok_or_else(|| self.report(count.name, SettingProblem::NotANumber(count)))
    }
}

/// `text` without blanks around it, and without one pair of quotes around all of it: they come
/// along where a line of a `.env` file is copied.
fn trim_quotes(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote).map(str::trim));
    quoted.unwrap_or(text)
}
