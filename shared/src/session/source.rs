//! Which token of a request counts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Rejection;
use super::cookies::one;
use crate::json::Object;
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

/// Finds the token to judge.
///
/// `Authorization: Bearer …`, or a token alone in that header, comes before any cookie; other
/// schemes are somebody else's. Between `__session_<suffix>` and `__session` the rules of Clerk's
/// SDK decide (clerk/javascript, `packages/backend/src/tokens/authenticateContext.ts`). In four
/// cases ours differ:
///
/// - two tokens of this instance for different users are refused;
/// - the cookies are read first, so that one with two values is refused even beside a good header:
///   somebody has put a second one there;
/// - where the rules name a cookie that is not there, the other one is taken;
/// - a cookie without a `__client_uat` beside it is served while its token is good. Clerk's SDK
///   asks by a handshake then, and a browser would be sent away for no better answer.
///
/// # Errors
/// [`Rejection::Ambiguous`] when one cookie has two values, or when two tokens name different
/// users: guessing would serve one of them the other's page.
pub fn choose<'a>(
    presented: Presented<'a>,
    instance: &Instance<'_>,
    now: UnixMillis,
) -> Result<Found<'a>, Rejection> {
    let cookies = Cookies::read(presented.cookie.unwrap_or_default(), instance)?;
    let found = cookies.choose(instance, now)?;
    let Some(bearer) = presented.authorization.and_then(bearer) else {
        return Ok(found);
    };
    let subject = |token| Claimed::read(token).subject;
    if differ(subject(bearer), found.token.and_then(subject)) {
        return Err(Rejection::Ambiguous);
    }
    Ok(Found { token: Some(bearer), carrier: Carrier::Header, client_uat: None })
}

/// The token in `Authorization`. Without a scheme it is one only if it has a token's form: then no
/// scheme stands there.
fn bearer(value: &str) -> Option<&str> {
    let is_token = !value.contains([' ', '\t']) && value.split('.').count() == 3;
    value.strip_prefix("Bearer ").or_else(|| is_token.then_some(value))
}

/// Clerk's two pairs of cookies.
struct Cookies<'a> {
    plain: Option<&'a str>,
    plain_uat: Option<&'a str>,
    suffixed: Option<&'a str>,
    suffixed_uat: Option<&'a str>,
}

/// How a cookie says that nobody is signed in.
const SIGNED_OUT: Option<&str> = Some("0");

impl<'a> Cookies<'a> {
    fn read(header: &'a str, instance: &Instance<'_>) -> Result<Self, Rejection> {
        let suffixed = |name: &str| match instance.suffix {
            Some(suffix) => one(header, &format!("{name}_{suffix}")),
            None => Ok(None),
        };
        Ok(Self {
            plain: one(header, COOKIE)?,
            plain_uat: one(header, CLIENT_UAT)?,
            suffixed: suffixed(COOKIE)?,
            suffixed_uat: suffixed(CLIENT_UAT)?,
        })
    }

    fn choose(&self, instance: &Instance<'_>, now: UnixMillis) -> Result<Found<'a>, Rejection> {
        let is_suffixed = self.is_suffixed(instance, now)?;
        let plain = (self.plain, self.plain_uat, Carrier::Plain);
        let suffixed = (self.suffixed, self.suffixed_uat, Carrier::Suffixed);
        let (token, uat, carrier) = if is_suffixed { suffixed } else { plain };
        let client_uat = uat.map(ClientUat::read);
        // A page whose scripts set only the suffixed token is signed in, unless a cookie says no.
        if token.is_none() && self.suffixed.is_some() && self.suffixed_uat.is_none() {
            return Ok(Found { token: self.suffixed, carrier: Carrier::Suffixed, client_uat });
        }
        Ok(Found { token, carrier, client_uat })
    }

    /// Whether the suffixed pair counts: the rules of Clerk's SDK in their order, but for the first
    /// one, which spares most requests the reading of a token: alone, the plain one is judged, and
    /// another instance's is refused for its issuer.
    fn is_suffixed(&self, instance: &Instance<'_>, now: UnixMillis) -> Result<bool, Rejection> {
        if self.suffixed.is_none() && self.suffixed_uat.is_none() {
            return Ok(false);
        }
        let plain = self.plain.map(Claimed::read).unwrap_or_default();
        if self.plain.is_some() {
            match plain.issuer.as_deref() {
                // No token of anybody's: signed out, rather than sent away to Clerk.
                None => return Ok(false),
                // Another instance on this domain wrote it.
                Some(issuer) if issuer != instance.issuer => return Ok(true),
                Some(_) => {}
            }
        }
        let suffixed = self.suffixed.map(Claimed::read).unwrap_or_default();
        let is_out = |uat: Option<&str>| uat == SIGNED_OUT;
        let (plain_out, suffixed_out) = (is_out(self.plain_uat), is_out(self.suffixed_uat));
        if !plain_out && !suffixed_out {
            if differ(plain.subject, suffixed.subject) {
                return Err(Rejection::Ambiguous);
            }
            if suffixed.issued_at < plain.issued_at {
                return Ok(false);
            }
        }
        if suffixed_out && !plain_out {
            return Ok(false);
        }
        // Scripts of an older version signed out, and did not know of the suffixed pair.
        let is_over = suffixed.expires_at.is_some_and(|at| at.saturating_mul(1000) <= now.0);
        if instance.stage == Stage::Development && plain_out && !suffixed_out && is_over {
            return Ok(false);
        }
        Ok(self.suffixed.is_none() || self.suffixed_uat.is_some())
    }
}

/// What a token claims before anything about it was checked. Good for comparing only.
#[derive(Default)]
struct Claimed {
    issuer: Option<String>,
    subject: Option<String>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
}

impl Claimed {
    fn read(token: &str) -> Self {
        let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let text = payload.as_deref().and_then(|payload| str::from_utf8(payload).ok());
        let claims = text.and_then(|text| Object::read(text, &["iss", "sub", "iat", "exp"]).ok());
        let Some(claims) = claims else { return Self::default() };
        let text = |name| claims.get::<String>(name).ok().flatten();
        let seconds = |name| claims.get::<i64>(name).ok().flatten();
        Self {
            issuer: text("iss").filter(|issuer| !issuer.is_empty()),
            subject: text("sub"),
            issued_at: seconds("iat"),
            expires_at: seconds("exp"),
        }
    }
}

fn differ(one: Option<String>, other: Option<String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}
