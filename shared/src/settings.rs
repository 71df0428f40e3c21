//! What the Workers can be set to: one reading for the Workers, for a deployment and for the docs.
//!
//! [`table::TABLE`] has a row for each variable and each secret; a module for each Worker reads
//! its own rows into what the Worker works with. A spelling whose meaning is plain is taken. What
//! is set to anything else is a [`Mistake`] and never counts as absent: it closes what depends on
//! it, and a deployment refuses it. No mistake shows a value, for some of them are secrets.

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
pub enum Raw {
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

impl fmt::Debug for Raw {
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
pub struct Mistake {
    /// The variable or the secret.
    pub name: &'static str,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl Mistake {
    /// Whether it is not there, and has to be. It may still come: a deployment goes on and says so.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.wrong, Wrong::Missing(_))
    }
}

/// What is wrong, as the rest of the sentence after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is absent or blank, and has no default.
    #[error("{0}")]
    Missing(&'static str),
    /// It is of another type than text.
    #[error("is not a text: put it between quotes")]
    NotText,
    /// It is not a number of the right size.
    #[error(
        "is not a whole number of {} from {} to {}: write one in digits, or remove the variable",
        .0.unit, .0.min, .0.max
    )]
    Count(&'static Count),
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
    Said(&'static str),
}

/// A setting that is a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Count {
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
struct Noted;

/// Reads settings one by one, and keeps what is wrong with them.
struct Reader<'a> {
    raw: &'a dyn Fn(&str) -> Raw,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn new(raw: &'a dyn Fn(&str) -> Raw) -> Self {
        Self { raw, mistakes: Vec::new() }
    }

    // Out of line, as the next two: each setting calls them, and a Worker pays for its bytes.
    #[inline(never)]
    fn note(&mut self, name: &'static str, wrong: Wrong) -> Noted {
        self.mistakes.push(Mistake { name, wrong });
        Noted
    }

    /// A text without blanks and quotes around it; `None` when it is absent or blank.
    #[inline(never)]
    fn text(&mut self, name: &'static str) -> Result<Option<String>, Noted> {
        match (self.raw)(name) {
            Raw::Absent => Ok(None),
            Raw::Text(text) => Ok(Some(bare(&text).to_owned()).filter(|text| !text.is_empty())),
            Raw::Number(_) | Raw::List(_) | Raw::Other => Err(self.note(name, Wrong::NotText)),
        }
    }

    /// A text that `read` takes.
    #[inline(never)]
    fn read<T>(
        &mut self,
        name: &'static str,
        read: fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Noted> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(&text).map(Some).map_err(|said| self.note(name, Wrong::Said(said)))
    }

    /// A number, as a number or as a text.
    fn count(&mut self, count: &'static Count) -> Result<Option<i64>, Noted> {
        let text = match (self.raw)(count.name) {
            Raw::Absent => return Ok(None),
            Raw::Text(text) | Raw::Number(text) => text,
            Raw::List(_) | Raw::Other => return Err(self.note(count.name, Wrong::Count(count))),
        };
        let text = bare(&text);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number| (count.min..=count.max).contains(number));
        number.map(Some).ok_or_else(|| self.note(count.name, Wrong::Count(count)))
    }
}

/// `text` without blanks around it, and without one pair of quotes around all of it: they come
/// along where a line of a `.env` file is copied.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote).map(str::trim));
    quoted.unwrap_or(text)
}
