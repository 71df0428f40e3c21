//! Which token of a request counts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use serde::Deserialize;

use super::Rejection;

/// Where Clerk's scripts put the token.
pub const COOKIE: &str = "__session";

/// The two headers in which a token can come, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
}

/// The token to judge, or `None` when the request carries none.
///
/// `Authorization: Bearer …` comes before any cookie; other schemes are somebody else's.
/// `__session_<suffix>` comes before `__session`, which another instance on the same domain may
/// have written. The suffix is [`super::publishable_key::PublishableKey::cookie_suffix`].
///
/// # Errors
/// [`Rejection::Ambiguous`] when one cookie has two values, or when the header's token and the
/// cookie's name different users: guessing would serve one of them the other's page.
pub fn choose<'a>(
    presented: Presented<'a>,
    suffix: Option<&str>,
) -> Result<Option<&'a str>, Rejection> {
    let cookie = from_cookies(presented.cookie.unwrap_or_default(), suffix)?;
    let Some(bearer) = presented.authorization.and_then(|value| value.strip_prefix("Bearer "))
    else {
        return Ok(cookie);
    };
    match (claimed_subject(bearer), cookie.and_then(claimed_subject)) {
        (Some(header), Some(cookie)) if header != cookie => Err(Rejection::Ambiguous),
        _ => Ok(Some(bearer)),
    }
}

fn from_cookies<'a>(header: &'a str, suffix: Option<&str>) -> Result<Option<&'a str>, Rejection> {
    let suffixed = match suffix {
        Some(suffix) => one(header, &format!("{COOKIE}_{suffix}"))?,
        None => None,
    };
    Ok(suffixed.or(one(header, COOKIE)?))
}

/// The value of the cookie `name`. An empty one is what signing out leaves behind: none.
fn one<'a>(header: &'a str, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut found = None;
    for cookie in Cookie::split_parse(header).flatten().filter(|cookie| cookie.name() == name) {
        let Some(value) = cookie.value_raw().filter(|value| !value.is_empty()) else {
            continue;
        };
        match found {
            Some(first) if first != value => return Err(Rejection::Ambiguous),
            _ => found = Some(value),
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Subject {
    sub: Option<String>,
}

/// Whom a token claims to be of, before anything about it was checked. Good for comparing only.
fn claimed_subject(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Subject>(&payload).ok()?.sub
}
