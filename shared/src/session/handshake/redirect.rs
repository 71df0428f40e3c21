//! The redirects to Clerk and back, the cookie that stops a redirect loop, and the state cookie.

use std::borrow::Cow;

use url::form_urlencoded;

use super::HandshakeReason;
use crate::session::candidate::{ClerkInstance, InstanceType, TokenCandidate, TokenLocation};
use crate::session::cookies::{SESSION_COOKIE, SetCookie, single_value};
use crate::session::redirect::local_path;
use crate::session::{TOKEN_BYTES_MAX, TokenError};

/// The cookie and the query parameter of the handshake token.
const HANDSHAKE: &str = "__clerk_handshake";

/// The short-lived cookie that counts a browser's redirects.
const REDIRECT_COUNT: &str = "__clerk_redirect_count";

/// The cookie and the query parameter of a development instance's dev-browser token.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// After this many redirects without a session we give up: Clerk's limit.
const REDIRECTS_MAX: u8 = 3;

/// Seconds in which that many redirects are a loop: Clerk's limit too.
const LOOP_S: u8 = 2;

/// The query parameter and the cookie of the state (as in OAuth). They tie a handshake token to the
/// browser that requested it: an attacker can set the parameter but not the cookie.
const STATE: &str = "rolecall_asked";

/// The cookie's name on https: a sibling domain cannot set this one (RFC 6265bis, section
/// 4.1.3.2).
const STATE_COOKIE_SECURE: &str = "__Host-rolecall_asked";

/// Seconds within which the handshake must end: as long as its tokens are valid.
const STATE_S: u8 = 60;

/// The most bytes of a state.
const STATE_BYTES_MAX: usize = 64;

/// Parameters that are removed from a URL before it is reused.
const HANDSHAKE_PARAMETERS: [&str; 6] =
    [HANDSHAKE, "__clerk_handshake_nonce", "__clerk_help", DEV_BROWSER, "__dev_session", STATE];

/// The version of Clerk's API that is requested.
const API_VERSION: &str = "2026-05-12";

/// A browser's navigation to a page, which can be redirected to Clerk and back.
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

/// Where a handshake token was found.
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

    pub(super) fn handshake_token(&self) -> Option<(Cow<'a, str>, HandshakeTokenLocation)> {
        if let Some(token) = self.parameter(HANDSHAKE) {
            return Some((token, HandshakeTokenLocation::Query));
        }
        let token = single_value(self.cookies, HANDSHAKE).ok()??;
        Some((Cow::Borrowed(token), HandshakeTokenLocation::Cookie))
    }

    /// Checks that this browser requested the handshake.
    ///
    /// # Errors
    /// [`TokenError::UnrequestedHandshake`] if it did not: accepting the token could sign the user
    /// in as an attacker (login CSRF).
    pub(super) fn check_state(&self) -> Result<(), TokenError> {
        match (self.state_cookie(), self.parameter(STATE)) {
            (Some(sent), Some(back)) if sent == back => Ok(()),
            _ => Err(TokenError::UnrequestedHandshake),
        }
    }

    /// The state that this browser got and still has.
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

    /// Whether this is a redirect loop.
    pub(super) fn is_loop(&self) -> bool {
        REDIRECTS_MAX <= self.redirect_count()
    }

    /// The recent redirects of this browser. An invalid count means a loop.
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

/// A page's path and query, without the parameters of a handshake: a rejected handshake token is
/// removed too, because it contains session tokens.
#[must_use]
pub fn clean_path(path: &str, query: &str) -> String {
    let is_handshake_part = |part: &&str| {
        let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| HANDSHAKE_PARAMETERS.contains(&&*name))
    };
    let kept: Vec<&str> = query.split('&').filter(|part| !is_handshake_part(part)).collect();
    let query = kept.join("&");
    let whole = local_path(&format!("{path}?{query}"));
    // If the whole is not a valid path, drop the query: the handshake must come back to this page,
    // since `/` does not accept one.
    if query.is_empty() || whole == "/" { local_path(path) } else { whole }
}

/// An uncacheable redirect, 307.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRedirect {
    /// The target.
    pub location: String,
    /// The values of `Set-Cookie`.
    pub cookies: Vec<String>,
}

/// Redirects a browser to Clerk's Frontend API at `frontend`, which redirects it back to the page.
/// The host comes only from the configuration.
///
/// `state` is a random string of letters, digits and `-`. A browser that was redirected a moment
/// ago keeps its state, so that parallel tabs do not invalidate each other's handshake.
#[must_use]
pub fn redirect_to_clerk(
    reason: HandshakeReason,
    candidate: &TokenCandidate<'_>,
    instance: &ClerkInstance<'_>,
    request: &PageRequest<'_>,
    frontend: &str,
    state: &str,
) -> HandshakeRedirect {
    let state = request.state_cookie().unwrap_or(state);
    let path = request.path_without_handshake();
    let separator = if path.contains('?') { '&' } else { '?' };
    let back = format!("{}{path}{separator}{STATE}={state}", request.origin);
    let is_suffixed =
        if candidate.location == TokenLocation::SuffixedCookie { "true" } else { "false" };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("redirect_url", &back)
        .append_pair("__clerk_api_version", API_VERSION)
        .append_pair("suffixed_cookies", is_suffixed)
        .append_pair("__clerk_hs_reason", reason.clerk_reason());
    // Both are unvalidated: limit their length in the URL.
    let is_short = |text: &str| text.len() <= TOKEN_BYTES_MAX;
    if let Some(token) = candidate.token.filter(|token| is_short(token)) {
        query.append_pair(SESSION_COOKIE, token);
    }
    if instance.instance_type == InstanceType::Development
        && let Some(browser) = dev_browser(instance, request).filter(|browser| is_short(browser))
    {
        query.append_pair(DEV_BROWSER, &browser);
    }
    let frontend = frontend.trim_end_matches('/');
    HandshakeRedirect {
        location: format!("{frontend}/v1/client/handshake?{}", query.finish()),
        cookies: vec![
            request.format_cookie(request.state_cookie_name(), state, STATE_S),
            request.count_cookie(),
        ],
    }
}

fn dev_browser<'a>(
    instance: &ClerkInstance<'_>,
    request: &PageRequest<'a>,
) -> Option<Cow<'a, str>> {
    let cookie = |name: &str| single_value(request.cookies, name).ok().flatten().map(Cow::Borrowed);
    let suffixed = |suffix: &str| cookie(&format!("{DEV_BROWSER}_{suffix}"));
    request
        .parameter(DEV_BROWSER)
        .or_else(|| instance.suffix.and_then(suffixed))
        .or_else(|| cookie(DEV_BROWSER))
}

/// Redirects a browser to its page again, with the cookies of a verified handshake.
#[must_use]
pub fn redirect_back(cookies: &[SetCookie], request: &PageRequest<'_>) -> HandshakeRedirect {
    let mut lines: Vec<String> = cookies.iter().map(|cookie| cookie.line().to_owned()).collect();
    lines.push(request.format_cookie(request.state_cookie_name(), "", 0));
    if matches!(request.handshake_token(), Some((_, HandshakeTokenLocation::Cookie))) {
        lines.push(format!("{HANDSHAKE}=; Path=/; Max-Age=0"));
        lines.push(request.count_cookie());
    }
    HandshakeRedirect { location: request.path_without_handshake(), cookies: lines }
}
