//! Variables and secrets of a Worker. A blank one counts as absent.

use std::fmt;
use std::str::FromStr;

use worker::Env;

/// A variable that is set, but not to something it can be.
#[derive(Debug)]
pub struct Invalid {
    name: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable {} cannot be read: set it to a number or remove it", self.name)
    }
}

impl std::error::Error for Invalid {}

/// A variable's or a secret's text.
#[must_use]
pub fn text(env: &Env, name: &str) -> Option<String> {
    let value = env.var(name).ok()?.to_string();
    (!value.trim().is_empty()).then_some(value)
}

/// A variable as a number, or `default` where it is absent.
///
/// # Errors
/// [`Invalid`] when it is there and is not such a number: a mistyped limit must not become another.
pub fn number<T: FromStr>(env: &Env, name: &'static str, default: T) -> Result<T, Invalid> {
    let Some(text) = text(env, name) else { return Ok(default) };
    text.trim().parse().map_err(|_| Invalid { name })
}
