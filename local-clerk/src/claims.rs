//! What this server signs of people: sessions, and the browsers that they signed in with.

use serde::{Deserialize, Serialize};

use crate::delivery::fresh_id;

/// The claims of a session token, version 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who issued it: this server's address.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// The origin that asked for it: the application's.
    pub azp: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Not valid before.
    pub nbf: i64,
    /// Not valid from here on.
    pub exp: i64,
    /// The version of this shape.
    pub v: u8,
    /// The session's status.
    pub sts: &'static str,
    /// The token's own id.
    pub jti: String,
    /// Minutes since the first and since the second factor; -1 without one.
    pub fva: [i32; 2],
    /// Who acts as the user, if somebody else does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// Somebody who acts as a user: <https://clerk.com/docs/guides/users/impersonation>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Where they are signed in themselves.
    pub iss: String,
    /// Who they are.
    pub sub: String,
}

impl Claims {
    /// The claims of a new session of `user_id`, from `now_s` for `ttl_s` seconds.
    #[must_use]
    pub fn new(issuer: &str, azp: &str, user_id: &str, now_s: i64, ttl_s: i64) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: user_id.to_owned(),
            sid: fresh_id("sess_"),
            azp: azp.to_owned(),
            iat: now_s,
            nbf: now_s.saturating_sub(10),
            exp: now_s.saturating_add(ttl_s),
            v: 2,
            sts: "active",
            jti: fresh_id(""),
            fva: [0, -1],
            act: None,
        }
    }
}

/// A browser that somebody has signed in with, as a signed text in a cookie of this server's: a
/// second start still knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// Since when, in seconds.
    pub iat: i64,
    /// Until when.
    pub exp: i64,
}
