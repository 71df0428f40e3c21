//! The handshake token: cookies in a signed token.

use serde_json::Value;

use crate::session::cookies::SetCookie;
use crate::session::{self, SignatureStatus, TokenError, TokenPolicy, claims, split_jwt};
use crate::time::UnixMillis;

/// Bytes in a handshake token: two session cookies of 4 KB each, encoded once more, and their
/// attributes.
const HANDSHAKE_BYTES_MAX: usize = 16_384;

/// A parsed, unverified handshake token.
#[derive(Debug)]
pub struct UnverifiedHandshake<'a>(session::UnverifiedToken<'a>);

/// A handshake token whose signature is verified. It cannot be used as a session:
///
/// ```compile_fail,E0308
/// fn forge(token: &shared::session::handshake::VerifiedHandshake, policy:
/// &shared::session::TokenPolicy) { let now = shared::time::UnixMillis(0);
///     let session = shared::session::validate_claims(token, policy, now);
/// }
/// ```
#[derive(Debug)]
pub struct VerifiedHandshake {
    payload: Vec<u8>,
}

/// Parses a handshake token as strictly as a session token, whose category it has
/// (clerk/javascript, `packages/backend/src/tokens/jwtCategories.ts`). Tokens of templates and
/// machines are rejected: users can write into those, and that must not become a cookie. A session
/// token is accepted here and rejected by [`validate_handshake`], because it has a `sid`.
///
/// # Errors
/// Why it is not an RS256 token in compact form.
pub fn parse_handshake(token: &str) -> Result<UnverifiedHandshake<'_>, TokenError> {
    split_jwt(token, HANDSHAKE_BYTES_MAX).map(UnverifiedHandshake)
}

impl<'a> UnverifiedHandshake<'a> {
    /// Its key id, signed bytes and signature.
    #[must_use]
    pub fn token(&self) -> &session::UnverifiedToken<'a> {
        &self.0
    }

    /// Accepts the handshake token if its signature is valid.
    ///
    /// # Errors
    /// [`TokenError::BadSignature`] if it is invalid.
    pub fn with_signature(self, status: SignatureStatus) -> Result<VerifiedHandshake, TokenError> {
        self.0.with_signature(status).map(|token| VerifiedHandshake { payload: token.payload })
    }
}

/// The cookies that a handshake sets. Cookies that are not Clerk's are dropped.
///
/// The caller must verify the session tokens in them ([`SetCookie::session_token`]). Their expiry
/// limits the handshake's, which may have no `exp`.
///
/// # Errors
/// [`TokenError::BadHandshake`] if it sets no cookie; otherwise the error of its other claims.
pub fn validate_handshake(
    token: &VerifiedHandshake,
    policy: &TokenPolicy,
    suffix: Option<&str>,
    now: UnixMillis,
) -> Result<Vec<SetCookie>, TokenError> {
    let claims = claims::parse_claims(&token.payload)?;
    if claims.iss.as_deref().is_some_and(|iss| iss != policy.issuer()) {
        return Err(TokenError::WrongIssuer);
    }
    // A token with `sid` is a session token, whose claims an application may extend.
    if claims.sid.is_some() {
        return Err(TokenError::WrongCategory);
    }
    claims.check_times(now)?;
    let handshake = claims.handshake();
    let lines = handshake.as_ref().and_then(Value::as_array).ok_or(TokenError::BadHandshake)?;
    let cookies: Vec<SetCookie> = lines
        .iter()
        .map(|line| line.as_str().ok_or(TokenError::BadHandshake))
        .filter_map(|line| line.map(|line| SetCookie::parse(line, suffix)).transpose())
        .collect::<Result<_, _>>()?;
    if cookies.is_empty() { Err(TokenError::BadHandshake) } else { Ok(cookies) }
}
