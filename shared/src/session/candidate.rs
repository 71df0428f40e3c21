//! A possible session token of a request, and the result of verifying it.

use super::{Session, TokenError};
use crate::time::UnixMillis;

/// The Clerk instance, as far as its cookies tell it from others on the same domain.
#[derive(Clone, Copy, Debug)]
pub struct ClerkInstance<'a> {
    /// What it writes into `iss`.
    pub issuer: &'a str,
    /// [`super::publishable_key::PublishableKey::cookie_suffix`], where the key is known.
    pub suffix: Option<&'a str>,
    /// Whether it is one for production or for development.
    pub stage: InstanceType,
}

/// What an instance is for. Cookies of a development instance are set by scripts, less reliably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceType {
    /// `pk_live_…`, or unknown.
    Production,
    /// `pk_test_…`.
    Development,
}

/// Where a token was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLocation {
    /// `Authorization`: a program, or a script.
    AuthorizationHeader,
    /// `__session`.
    Cookie,
    /// `__session_<suffix>`.
    SuffixedCookie,
}

/// What a request carries to say who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCandidate<'a> {
    /// The token to judge, if there is one.
    pub token: Option<&'a str>,
    /// Where it was found, or where it would have been.
    pub carrier: TokenLocation,
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
    /// As in Clerk's SDK, what is not a number counts as 0.
    pub(super) fn parse(text: &str) -> Self {
        let seconds = text.parse::<u32>().unwrap_or(0);
        if seconds == 0 {
            return Self::SignedOut;
        }
        Self::Since(UnixMillis(i64::from(seconds).saturating_mul(1000)))
    }
}

/// What judging the carried token has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOutcome {
    /// There was none.
    NoToken,
    /// It is a session.
    Session(Session),
    /// It is none.
    Rejected(TokenError),
}
