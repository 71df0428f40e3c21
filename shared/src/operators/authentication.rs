//! Who asks, what they may do, and why something is refused. Fail closed: whatever is not clear is
//! refused.
//!
//! A credential is one of three, in this order: a token in `Authorization`, an assertion of
//! Cloudflare Access in its header, the cookie of `/sign-in`. The first that is there decides
//! alone. Nothing of Clerk's is read.

use subtle::ConstantTimeEq as _;

pub use super::refusal::Refusal;

use super::access::AccessUser;
use super::bearer::{BearerToken, BearerTokens};
use super::sign_in_cookie::{self, SIGN_IN_COOKIE};
use crate::session::cookies::single_value;
use crate::settings::console::ConsoleSettings;
use crate::time::UnixMillis;

/// The cookie that a page's form token is compared with.
pub const FORM_COOKIE: &str = "__Host-rolecall-form";

/// The name of the form token in a form.
pub const FORM_FIELD: &str = "form_token";

/// Letters of a form token: a UUID.
const FORM_TOKEN_BYTES: usize = 36;

/// The headers of a request that say who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialHeaders<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Cf-Access-Jwt-Assertion`.
    pub assertion: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
}

/// The headers of a request that say where it comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct OriginHeaders<'a> {
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
}

/// How a caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token in `Authorization`: no browser sends it by itself.
    Bearer,
    /// Cloudflare Access.
    Access,
    /// The cookie of `/sign-in`.
    Cookie,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As in the audit trail: `access:<sub>` or `token:<first digits of its hash>`.
    pub actor: String,
    /// The name for people: an e-mail address, or that of the token.
    pub name: String,
    /// Whether they may change things.
    pub may_change: bool,
    /// How they proved it.
    pub credential: Credential,
}

/// What the headers have.
#[derive(Debug, PartialEq, Eq)]
pub enum FoundCredential<'a> {
    /// A caller.
    Caller(Caller),
    /// An assertion whose signature must be checked.
    Assertion(&'a str),
}

/// Finds the credential that decides.
///
/// # Errors
/// Why there is none that is valid.
pub fn find_credential<'a>(
    headers: CredentialHeaders<'a>,
    settings: &ConsoleSettings,
    now: UnixMillis,
) -> Result<FoundCredential<'a>, Refusal> {
    if settings.access.is_none() && settings.operator_tokens.is_empty() {
        return Err(Refusal::NotConfigured);
    }
    if let Some(token) = headers.authorization.and_then(bearer_token) {
        let token = settings.operator_tokens.find(token).ok_or(Refusal::InvalidToken)?;
        return Ok(FoundCredential::Caller(token_caller(token, Credential::Bearer)));
    }
    if let Some(assertion) = headers.assertion.filter(|_| settings.access.is_some()) {
        return Ok(FoundCredential::Assertion(assertion));
    }
    let cookie = single_value(headers.cookie.unwrap_or_default(), SIGN_IN_COOKIE);
    match cookie.map_err(|_| Refusal::InvalidToken)? {
        Some(value) => {
            let token = sign_in_cookie::find(&settings.operator_tokens, value, now);
            let token = token.ok_or(Refusal::InvalidToken)?;
            Ok(FoundCredential::Caller(token_caller(token, Credential::Cookie)))
        }
        None => Err(Refusal::SignedOut),
    }
}

/// Whether the headers open `/metrics`: only a token of `METRICS_TOKEN` does.
#[must_use]
pub fn may_read_metrics(authorization: Option<&str>, tokens: &BearerTokens) -> bool {
    authorization.and_then(bearer_token).is_some_and(|token| tokens.find(token).is_some())
}

/// The token of `Authorization: Bearer …`. Another scheme is no credential of ours.
fn bearer_token(header: &str) -> Option<&str> {
    let header = header.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn token_caller(token: &BearerToken, credential: Credential) -> Caller {
    let name = token.name();
    Caller {
        actor: format!("token:{name}"),
        name: format!("token {name}"),
        may_change: true,
        credential,
    }
}

/// The caller for a person that Access let in.
#[must_use]
pub fn access_caller(user: AccessUser, settings: &ConsoleSettings) -> Caller {
    Caller {
        actor: format!("access:{}", user.sub),
        may_change: settings.operators.contains(&user.email),
        name: user.email,
        credential: Credential::Access,
    }
}

/// Whether `caller` may change something by a request with these headers to `own_origin`.
///
/// # Errors
/// [`Refusal::MayNotChange`] or [`Refusal::CrossSite`].
pub fn permit_change(
    caller: &Caller,
    headers: OriginHeaders<'_>,
    own_origin: &str,
) -> Result<(), Refusal> {
    check_origin(Some(caller.credential), headers, own_origin)?;
    if caller.may_change { Ok(()) } else { Err(Refusal::MayNotChange) }
}

/// Whether a `POST` comes from this site. Programs with a token do not send the two headers.
///
/// # Errors
/// [`Refusal::CrossSite`].
pub fn check_origin(
    credential: Option<Credential>,
    headers: OriginHeaders<'_>,
    own_origin: &str,
) -> Result<(), Refusal> {
    let may_be_absent = credential == Some(Credential::Bearer);
    let site = headers.fetch_site.map_or(may_be_absent, |site| site == "same-origin");
    let origin =
        headers.origin.map_or(may_be_absent, |origin| origin.eq_ignore_ascii_case(own_origin));
    if site && origin { Ok(()) } else { Err(Refusal::CrossSite) }
}

/// Whether the form token is that of the page: the cookie has the same one.
///
/// # Errors
/// [`Refusal::FormToken`].
pub fn check_form_token(cookie: Option<&str>, field: Option<&str>) -> Result<(), Refusal> {
    let expected = form_token(cookie).ok_or(Refusal::FormToken)?;
    let is_it = field.is_some_and(|field| field.as_bytes().ct_eq(expected.as_bytes()).into());
    if is_it { Ok(()) } else { Err(Refusal::FormToken) }
}

/// The form token in a `Cookie` header, if the browser has one.
#[must_use]
pub fn form_token(cookie: Option<&str>) -> Option<&str> {
    let value = single_value(cookie?, FORM_COOKIE).ok().flatten()?;
    let is_one = value.len() == FORM_TOKEN_BYTES
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_one.then_some(value)
}

/// The line of `Set-Cookie` that gives a browser its form token, a random UUID.
#[must_use]
pub fn set_form_token(token: &str) -> String {
    format!("{FORM_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests;
