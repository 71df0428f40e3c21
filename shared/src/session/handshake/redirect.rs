//! A browser's way to Clerk and back: two redirects, the cookie that ends a loop of them, and the
//! one by which a browser shows that it was sent away.

use std::borrow::Cow;

use url::form_urlencoded;

use super::HandshakeReason;
use crate::session::candidate::{ClerkInstance, InstanceType, TokenCandidate, TokenLocation};
use crate::session::cookies::{SESSION_COOKIE, SetCookie, single_value};
use crate::session::redirect::local_path;
use crate::session::{TOKEN_BYTES_MAX, TokenError};

/// The cookie, and the parameter, in which Clerk's answer comes.
const HANDSHAKE: &str = "__clerk_handshake";

/// The cookie that counts the redirects of one browser, and dies by itself.
const REDIRECT_COUNT: &str = "__clerk_redirect_count";

/// The cookie, and the parameter, by which a development instance knows a browser.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// After so many redirects without a session there will be none: Clerk's own bound.
const REDIRECTS_MAX: u8 = 3;

/// Seconds in which that many redirects are a loop, likewise.
const LOOP_S: u8 = 2;

/// The parameter, and the cookie, that tie an answer to the browser that was sent for it: who makes
/// a link with an answer of their own can write the one and not the other.
const STATE: &str = "rolecall_asked";

/// The cookie's name where it can be had: no sibling domain can set one of this name (RFC 6265bis,
/// section 4.1.3.2).
const STATE_COOKIE_SECURE: &str = "__Host-rolecall_asked";

/// Seconds within which an answer must come: no longer than the tokens in it live.
const STATE_S: u8 = 60;

/// Bytes in the value of both.
const STATE_BYTES_MAX: usize = 64;

/// Parameters that are added to an address on the way and that no page wants to see.
const PASSING_PARAMETERS: [&str; 6] =
    [HANDSHAKE, "__clerk_handshake_nonce", "__clerk_help", DEV_BROWSER, "__dev_session", STATE];

/// The version of Clerk's interface that the answer is asked for in.
const API_VERSION: &str = "2026-05-12";

/// A browser's request for a page, as it came: one that can be sent away and will come back.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// This site's origin.
    pub origin: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query without its `?`.
    pub query: &'a str,
    /// The `Cookie` header.
    pub cookies: &'a str,
}

/// Where an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeTokenLocation {
    Query,
    Cookie,
}

impl<'a> PageRequest<'a> {
    fn parameter(&self, wanted: &str) -> Option<Cow<'a, str>> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value)
    }

    pub(super) fn answer(&self) -> Option<(Cow<'a, str>, HandshakeTokenLocation)> {
        if let Some(answer) = self.parameter(HANDSHAKE) {
            return Some((answer, HandshakeTokenLocation::Query));
        }
        let answer = single_value(self.cookies, HANDSHAKE).ok()??;
        Some((Cow::Borrowed(answer), HandshakeTokenLocation::Cookie))
    }

    /// Whether this browser was sent away for the answer that it brings.
    ///
    /// # Errors
    /// [`TokenError::UnrequestedHandshake`] when it was not: the answer may be anybody's, and
    /// whoever takes it is signed in as them.
    pub(super) fn check_state(&self) -> Result<(), TokenError> {
        match (self.state_cookie(), self.parameter(STATE)) {
            (Some(sent), Some(back)) if sent == back => Ok(()),
            _ => Err(TokenError::UnrequestedHandshake),
        }
    }

    /// What this browser was sent away with, and still holds.
    fn state_cookie(&self) -> Option<&'a str> {
        let is_plain = |value: &str| value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let value = single_value(self.cookies, self.state_cookie_name()).ok()??;
        (value.len() <= STATE_BYTES_MAX && is_plain(value)).then_some(value)
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    fn state_cookie_name(&self) -> &'static str {
        if self.is_secure() { STATE_COOKIE_SECURE } else { STATE }
    }

    fn format_cookie(&self, name: &str, value: &str, seconds: u8) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; SameSite=Lax; HttpOnly; Max-Age={seconds}{secure}")
    }

    pub(super) fn has_dev_browser(&self) -> bool {
        self.parameter(DEV_BROWSER).is_some()
    }

    /// Whether this browser has been sent away so often that once more will not help.
    pub(super) fn is_loop(&self) -> bool {
        REDIRECTS_MAX <= self.redirect_count()
    }

    /// How often this browser was sent away within seconds. What cannot be read is too often.
    fn redirect_count(&self) -> u8 {
        match single_value(self.cookies, REDIRECT_COUNT) {
            Ok(None) => 0,
            Ok(Some(count)) => count.parse().unwrap_or(REDIRECTS_MAX),
            Err(_) => REDIRECTS_MAX,
        }
    }

    fn count_cookie(&self) -> String {
        let count = self.redirect_count().saturating_add(1).to_string();
        self.format_cookie(REDIRECT_COUNT, &count, LOOP_S)
    }

    fn path_without_handshake(&self) -> String {
        clean_path(self.path, self.query)
    }
}

/// A page's address on this site, without what the way to Clerk and back has added to it: an
/// answer that was refused is not handed on either, for there are sessions in it.
#[must_use]
pub fn clean_path(path: &str, query: &str) -> String {
    let is_passing = |part: &&str| {
        let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| PASSING_PARAMETERS.contains(&&*name))
    };
    let kept: Vec<&str> = query.split('&').filter(|part| !is_passing(part)).collect();
    let query = kept.join("&");
    let whole = local_path(&format!("{path}?{query}"));
    // What cannot be kept whole is kept without its query: an answer must come back to a page that
    // takes it, and `/` takes none.
    if query.is_empty() || whole == "/" { local_path(path) } else { whole }
}

/// A redirect, 307, that nobody may store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRedirect {
    /// Where to.
    pub location: String,
    /// The lines of `Set-Cookie`.
    pub cookies: Vec<String>,
}

/// Sends a browser to Clerk's Frontend API at `frontend`, from where it comes back to the same
/// page. The host is the configuration's; nothing of the request decides it.
///
/// `chance` is a text of letters, digits and `-` that nobody can guess. A browser that has been
/// sent away a moment ago keeps what it got then: otherwise two tabs at once would each spoil the
/// other's answer.
#[must_use]
pub fn redirect_to_clerk(
    due: HandshakeReason,
    found: &TokenCandidate<'_>,
    instance: &ClerkInstance<'_>,
    visit: &PageRequest<'_>,
    frontend: &str,
    chance: &str,
) -> HandshakeRedirect {
    let asked = visit.state_cookie().unwrap_or(chance);
    let path = visit.path_without_handshake();
    let separator = if path.contains('?') { '&' } else { '?' };
    let back = format!("{}{path}{separator}{STATE}={asked}", visit.origin);
    let is_suffixed = if found.carrier == TokenLocation::SuffixedCookie { "true" } else { "false" };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("redirect_url", &back)
        .append_pair("__clerk_api_version", API_VERSION)
        .append_pair("suffixed_cookies", is_suffixed)
        .append_pair("__clerk_hs_reason", due.reason());
    // Neither was read here, and a header of the answer has its limits.
    let is_short = |text: &str| text.len() <= TOKEN_BYTES_MAX;
    if let Some(token) = found.token.filter(|token| is_short(token)) {
        query.append_pair(SESSION_COOKIE, token);
    }
    if instance.stage == InstanceType::Development
        && let Some(browser) = dev_browser(instance, visit).filter(|browser| is_short(browser))
    {
        query.append_pair(DEV_BROWSER, &browser);
    }
    let frontend = frontend.trim_end_matches('/');
    HandshakeRedirect {
        location: format!("{frontend}/v1/client/handshake?{}", query.finish()),
        cookies: vec![
            visit.format_cookie(visit.state_cookie_name(), asked, STATE_S),
            visit.count_cookie(),
        ],
    }
}

fn dev_browser<'a>(instance: &ClerkInstance<'_>, visit: &PageRequest<'a>) -> Option<Cow<'a, str>> {
    let cookie = |name: &str| single_value(visit.cookies, name).ok().flatten().map(Cow::Borrowed);
    let suffixed = |suffix: &str| cookie(&format!("{DEV_BROWSER}_{suffix}"));
    visit
        .parameter(DEV_BROWSER)
        .or_else(|| instance.suffix.and_then(suffixed))
        .or_else(|| cookie(DEV_BROWSER))
}

/// Sends a browser to its page again, with the cookies of an answer that was checked.
#[must_use]
pub fn redirect_back(cookies: &[SetCookie], visit: &PageRequest<'_>) -> HandshakeRedirect {
    let mut lines: Vec<String> = cookies.iter().map(|cookie| cookie.line().to_owned()).collect();
    lines.push(visit.format_cookie(visit.state_cookie_name(), "", 0));
    if matches!(visit.answer(), Some((_, HandshakeTokenLocation::Cookie))) {
        lines.push(format!("{HANDSHAKE}=; Path=/; Max-Age=0"));
        lines.push(visit.count_cookie());
    }
    HandshakeRedirect { location: visit.path_without_handshake(), cookies: lines }
}
