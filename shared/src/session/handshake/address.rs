//! A browser's way to Clerk and back: two redirects, and the cookie that ends a loop of them.

use std::borrow::Cow;

use url::form_urlencoded;

use super::Due;
use crate::session::cookies::{SetCookie, one};
use crate::session::redirect::local_path;
use crate::session::source::{COOKIE, Carrier, Found, Instance, Stage};

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

/// Parameters that Clerk adds to an address and that no page wants to see.
const CLERKS_PARAMETERS: [&str; 5] =
    [HANDSHAKE, "__clerk_handshake_nonce", "__clerk_help", DEV_BROWSER, "__dev_session"];

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
        let count = self.redirects().saturating_add(1);
        let secure = if self.origin.starts_with("https:") { "; Secure" } else { "" };
        format!(
            "{REDIRECT_COUNT}={count}; Path=/; SameSite=Lax; HttpOnly; Max-Age={LOOP_S}{secure}"
        )
    }

    /// The page's address on this site, without what Clerk has added to it.
    fn clean_path(&self) -> String {
        let is_clerks = |part: &&str| {
            let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name);
            name.is_some_and(|name| CLERKS_PARAMETERS.contains(&&*name))
        };
        let kept: Vec<&str> = self.query.split('&').filter(|part| !is_clerks(part)).collect();
        let query = kept.join("&");
        if query.is_empty() {
            local_path(self.path)
        } else {
            local_path(&format!("{}?{query}", self.path))
        }
    }
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
#[must_use]
pub fn ask(
    due: Due,
    found: &Found<'_>,
    instance: &Instance<'_>,
    visit: &Visit<'_>,
    frontend: &str,
) -> Leave {
    let back = format!("{}{}", visit.origin, visit.clean_path());
    let is_suffixed = if found.carrier == Carrier::Suffixed { "true" } else { "false" };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("redirect_url", &back)
        .append_pair("__clerk_api_version", API_VERSION)
        .append_pair("suffixed_cookies", is_suffixed)
        .append_pair("__clerk_hs_reason", due.reason());
    if let Some(token) = found.token {
        query.append_pair(COOKIE, token);
    }
    if instance.stage == Stage::Development
        && let Some(browser) = dev_browser(instance, visit)
    {
        query.append_pair(DEV_BROWSER, &browser);
    }
    let frontend = frontend.trim_end_matches('/');
    Leave {
        location: format!("{frontend}/v1/client/handshake?{}", query.finish()),
        cookies: vec![visit.count_cookie()],
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
    if matches!(visit.answer(), Some((_, Place::Cookie))) {
        lines.push(format!("{HANDSHAKE}=; Path=/; Max-Age=0"));
        lines.push(visit.count_cookie());
    }
    Leave { location: visit.clean_path(), cookies: lines }
}
