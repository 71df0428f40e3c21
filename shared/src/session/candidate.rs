//! A possible session token of a request, and the result of verifying it.

use super::{Session, TokenError};
use crate::time::UnixMillis;

/// What distinguishes the Clerk instance's cookies from others' on the same domain.
#[derive(Clone, Copy, Debug)]
pub struct ClerkInstance<'a> {
    /// Its issuer (`iss`).
    pub issuer: &'a str,
    /// [`super::publishable_key::PublishableKey::cookie_suffix`], where the key is known.
    pub suffix: Option<&'a str>,
    /// Production or development.
    pub instance_type: InstanceType,
}

/// Production or development. Cookies of a development instance are set by scripts, less reliably.
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
    /// The `Authorization` header.
    AuthorizationHeader,
    /// `__session`.
    Cookie,
    /// `__session_<suffix>`.
    SuffixedCookie,
}

/// A possible session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCandidate<'a> {
    /// The token, if there is one.
    pub token: Option<&'a str>,
    /// Where it was found, or was looked for.
    pub location: TokenLocation,
    /// When the browser's sessions last changed, if a cookie says so.
    pub client_uat: Option<ClientUat>,
}

/// The value of [`super::cookies::CLIENT_UAT_COOKIE`]; "uat" is "updated at".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientUat {
    /// 0: signed out.
    SignedOut,
    /// The browser's sessions last changed at this time.
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

/// The result of verifying a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOutcome {
    /// There is no token.
    NoToken,
    /// A valid session.
    Session(Session),
    /// The token is invalid.
    Rejected(TokenError),
}
