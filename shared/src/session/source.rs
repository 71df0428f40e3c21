//! Which tokens of a request are judged, and which of them counts.

mod claimed;
mod pairs;

use self::claimed::Claimed;
use self::pairs::Cookies;
use super::Rejection;
use super::handshake::{Carried, is_due, is_live};
use crate::id::UserId;
use crate::time::UnixMillis;

/// Where Clerk's scripts put the token.
pub const COOKIE: &str = "__session";

/// Where Clerk says when the browser's sessions last changed, in seconds; 0 is "signed out".
pub const CLIENT_UAT: &str = "__client_uat";

/// The two headers in which a token can come, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
}

/// The Clerk instance, as far as its cookies tell it from others on the same domain.
#[derive(Clone, Copy, Debug)]
pub struct Instance<'a> {
    /// What it writes into `iss`.
    pub issuer: &'a str,
    /// [`super::publishable_key::PublishableKey::cookie_suffix`], where the key is known.
    pub suffix: Option<&'a str>,
    /// Whether it is one for production or for development.
    pub stage: Stage,
}

/// What an instance is for. Cookies of a development instance are set by scripts, less reliably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `pk_live_…`, or unknown.
    Production,
    /// `pk_test_…`.
    Development,
}

/// Where a token was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization`: a program, or a script.
    Header,
    /// `__session`.
    Plain,
    /// `__session_<suffix>`.
    Suffixed,
}

/// What a request carries to say who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The token to judge, if there is one.
    pub token: Option<&'a str>,
    /// Where it was found, or where it would have been.
    pub carrier: Carrier,
    /// When the browser's sessions last changed, if a cookie says so.
    pub client_uat: Option<ClientUat>,
}

/// The value of [`CLIENT_UAT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientUat {
    /// Nobody is signed in in this browser.
    SignedOut,
    /// Somebody is, since then.
    Since(UnixMillis),
}

impl ClientUat {
    /// As Clerk's SDK, what is not a number counts as 0.
    fn read(text: &str) -> Self {
        let seconds = text.parse::<u32>().unwrap_or(0);
        if seconds == 0 {
            return Self::SignedOut;
        }
        Self::Since(UnixMillis(i64::from(seconds).saturating_mul(1000)))
    }
}

/// Tokens of one request that are judged. A browser sends one or two; more than so many are there
/// to cost time.
pub const TOKENS_MAX: usize = 8;

/// Finds the tokens to judge, in the order in which they count. There is at least one place, and
/// the first may be one where no token stands.
///
/// `Authorization: Bearer …`, or a token alone in that header, comes before any cookie; other
/// schemes are somebody else's. Beside it come only the tokens in cookies that name another user.
///
/// Between `__session_<suffix>` and `__session` the rules of Clerk's SDK decide (clerk/javascript,
/// `packages/backend/src/tokens/authenticateContext.ts`). A cookie may come several times: another
/// instance, another framework or a sibling domain has set one of its name, and nothing in the
/// header says which is ours. So each of those that claim to be this instance's is judged, the
/// newest first, and after them those of the other pair.
///
/// # Errors
/// [`Rejection::Crowded`] when there are more than [`TOKENS_MAX`].
pub fn choose<'a>(
    presented: Presented<'a>,
    instance: &Instance<'_>,
    now: UnixMillis,
) -> Result<Vec<Found<'a>>, Rejection> {
    let cookies = Cookies::read(presented.cookie.unwrap_or_default(), instance);
    let mut found = cookies.in_order(instance, now);
    if let Some(bearer) = presented.authorization.and_then(bearer) {
        let user = |token| Claimed::read(token, instance.issuer).subject;
        let own = user(bearer);
        found.retain(|beside| beside.token.and_then(user).is_some_and(|user| Some(user) != own));
        let first = Found { token: Some(bearer), carrier: Carrier::Header, client_uat: None };
        found.insert(0, first);
    }
    if TOKENS_MAX < found.len() { Err(Rejection::Crowded) } else { Ok(found) }
}

/// The token in `Authorization`. Without a scheme it is one only if it has a token's form: then no
/// scheme stands there.
fn bearer(value: &str) -> Option<&str> {
    let is_token = !value.contains([' ', '\t']) && value.split('.').count() == 3;
    value.strip_prefix("Bearer ").or_else(|| is_token.then_some(value))
}

/// Settles which of the tokens counts, once each of them was judged: the first that is live.
///
/// Where none is, the one counts that Clerk may renew, so that a leftover keeps nobody out; then
/// the first. A token in `Authorization` counts whatever the others are.
///
/// # Errors
/// [`Rejection::Ambiguous`] when live ones name different users: guessing would serve one of them
/// the other's page.
pub fn settle(judged: Vec<(Found<'_>, Carried)>) -> Result<(Found<'_>, Carried), Rejection> {
    let users: Vec<_> = judged.iter().map(|(found, carried)| live_user(found, carried)).collect();
    let mut known = users.iter().flatten();
    if known.next().is_some_and(|first| known.any(|user| user != first)) {
        return Err(Rejection::Ambiguous);
    }
    let first_live = users.iter().position(Option::is_some);
    let is_renewable = |(found, carried): &(Found<'_>, Carried)| is_due(found, carried);
    let at = match judged.first() {
        Some((found, carried)) if is_final(found, carried) => 0,
        _ => first_live
            .or_else(|| judged.iter().position(is_renewable))
            .or_else(|| judged.iter().position(|(_, carried)| *carried != Carried::Nothing))
            .unwrap_or(0),
    };
    let nowhere = Found { token: None, carrier: Carrier::Plain, client_uat: None };
    Ok(judged.into_iter().nth(at).unwrap_or((nowhere, Carried::Nothing)))
}

fn live_user<'a>(found: &Found<'_>, carried: &'a Carried) -> Option<&'a UserId> {
    match carried {
        Carried::Session(session) if is_live(session, found) => Some(session.user_id()),
        Carried::Session(_) | Carried::Nothing | Carried::Rejected(_) => None,
    }
}

/// Whether nothing else is looked at: a program's header, and a pair that says of itself that
/// nobody is signed in, or that its session is not the browser's any more.
fn is_final(found: &Found<'_>, carried: &Carried) -> bool {
    if found.carrier == Carrier::Header {
        return true;
    }
    match carried {
        Carried::Nothing => found.client_uat == Some(ClientUat::SignedOut),
        Carried::Session(session) => !is_live(session, found),
        Carried::Rejected(_) => false,
    }
}
