//! A browser's way to Clerk and back: two redirects, the cookie that ends a loop of them, and the
//! one by which a browser shows that it was sent away.

use std::borrow::Cow;

use url::form_urlencoded;

use super::Due;
use crate::session::cookies::{SetCookie, one};
use crate::session::redirect::local_path;
use crate::session::source::{COOKIE, Carrier, Found, Instance, Stage};
use crate::session::{Rejection, TOKEN_BYTES_MAX};

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
const ASKED: &str = "rolecall_asked";

/// The cookie's name where it can be had: no sibling domain can set one of this name (RFC 6265bis,
/// section 4.1.3.2).
const ASKED_COOKIE_SECURE: &str = "__Host-rolecall_asked";

/// Seconds within which an answer must come: no longer than the tokens in it live.
const ASKED_S: u8 = 60;

/// Bytes in the value of both.
const ASKED_BYTES_MAX: usize = 64;

/// Parameters that are added to an address on the way and that no page wants to see.
const PASSING_PARAMETERS: [&str; 6] =
    [HANDSHAKE, "__clerk_handshake_nonce", "__clerk_help", DEV_BROWSER, "__dev_session", ASKED];

/// The version of Clerk's interface that the answer is asked for in.
const API_VERSION: &str = "2026-05-12";

/// A browser's request for a page, as it came: one that can be sent away and will come back.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
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
pub(super) enum Place {
    Query,
    Cookie,
}

impl<'a> Visit<'a> {
    fn parameter(&self, wanted: &str) -> Option<Cow<'a, str>> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value)
    }

    pub(super) fn answer(&self) -> Option<(Cow<'a, str>, Place)> {
        if let Some(answer) = self.parameter(HANDSHAKE) {
            return Some((answer, Place::Query));
        }
        let answer = one(self.cookies, HANDSHAKE).ok()??;
        Some((Cow::Borrowed(answer), Place::Cookie))
    }

    /// Whether this browser was sent away for the answer that it brings.
    ///
    /// # Errors
    /// [`Rejection::Unasked`] when it was not: the answer may be anybody's, and whoever takes it is
    /// signed in as them.
    pub(super) fn check_asked(&self) -> Result<(), Rejection> {
        match (self.asked(), self.parameter(ASKED)) {
            (Some(sent), Some(back)) if sent == back => Ok(()),
            _ => Err(Rejection::Unasked),
        }
    }

    /// What this browser was sent away with, and still holds.
    fn asked(&self) -> Option<&'a str> {
        let is_plain = |value: &str| value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let value = one(self.cookies, self.asked_cookie()).ok()??;
        (value.len() <= ASKED_BYTES_MAX && is_plain(value)).then_some(value)
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    fn asked_cookie(&self) -> &'static str {
        if self.is_secure() { ASKED_COOKIE_SECURE } else { ASKED }
    }

    fn own_cookie(&self, name: &str, value: &str, seconds: u8) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; SameSite=Lax; HttpOnly; Max-Age={seconds}{secure}")
    }

    pub(super) fn names_browser(&self) -> bool {
        self.parameter(DEV_BROWSER).is_some()
    }

    /// Whether this browser has been sent away so often that once more will not help.
    pub(super) fn is_loop(&self) -> bool {
        REDIRECTS_MAX <= self.redirects()
    }

    /// How often this browser was sent away within seconds. What cannot be read is too often.
    fn redirects(&self) -> u8 {
        match one(self.cookies, REDIRECT_COUNT) {
            Ok(None) => 0,
            Ok(Some(count)) => count.parse().unwrap_or(REDIRECTS_MAX),
            Err(_) => REDIRECTS_MAX,
        }
    }

    fn count_cookie(&self) -> String {
        let count = self.redirects().saturating_add(1).to_string();
        self.own_cookie(REDIRECT_COUNT, &count, LOOP_S)
    }

    fn clean_path(&self) -> String {
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
pub struct Leave {
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
pub fn ask(
    due: Due,
    found: &Found<'_>,
    instance: &Instance<'_>,
    visit: &Visit<'_>,
    frontend: &str,
    chance: &str,
) -> Leave {
    let asked = visit.asked().unwrap_or(chance);
    let path = visit.clean_path();
    let separator = if path.contains('?') { '&' } else { '?' };
    let back = format!("{}{path}{separator}{ASKED}={asked}", visit.origin);
    let is_suffixed = if found.carrier == Carrier::Suffixed { "true" } else { "false" };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("redirect_url", &back)
        .append_pair("__clerk_api_version", API_VERSION)
        .append_pair("suffixed_cookies", is_suffixed)
        .append_pair("__clerk_hs_reason", due.reason());
    // Neither was read here, and a header of the answer has its limits.
    let is_short = |text: &str| text.len() <= TOKEN_BYTES_MAX;
    if let Some(token) = found.token.filter(|token| is_short(token)) {
        query.append_pair(COOKIE, token);
    }
    if instance.stage == Stage::Development
        && let Some(browser) = dev_browser(instance, visit).filter(|browser| is_short(browser))
    {
        query.append_pair(DEV_BROWSER, &browser);
    }
    let frontend = frontend.trim_end_matches('/');
    Leave {
        location: format!("{frontend}/v1/client/handshake?{}", query.finish()),
        cookies: vec![visit.own_cookie(visit.asked_cookie(), asked, ASKED_S), visit.count_cookie()],
    }
}

fn dev_browser<'a>(instance: &Instance<'_>, visit: &Visit<'a>) -> Option<Cow<'a, str>> {
    let cookie = |name: &str| one(visit.cookies, name).ok().flatten().map(Cow::Borrowed);
    let suffixed = |suffix: &str| cookie(&format!("{DEV_BROWSER}_{suffix}"));
    visit
        .parameter(DEV_BROWSER)
        .or_else(|| instance.suffix.and_then(suffixed))
        .or_else(|| cookie(DEV_BROWSER))
}

/// Sends a browser to its page again, with the cookies of an answer that was checked.
#[must_use]
pub fn come_back(cookies: &[SetCookie], visit: &Visit<'_>) -> Leave {
    let mut lines: Vec<String> = cookies.iter().map(|cookie| cookie.line().to_owned()).collect();
    lines.push(visit.own_cookie(visit.asked_cookie(), "", 0));
    if matches!(visit.answer(), Some((_, Place::Cookie))) {
        lines.push(format!("{HANDSHAKE}=; Path=/; Max-Age=0"));
        lines.push(visit.count_cookie());
    }
    Leave { location: visit.clean_path(), cookies: lines }
}
