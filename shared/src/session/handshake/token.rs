//! Clerk's answer: cookies in a signed token.

use serde_json::Value;

use crate::session::cookies::SetCookie;
use crate::session::{self, SignatureStatus, TokenError, TokenPolicy, claims, split_jwt};
use crate::time::UnixMillis;

/// Bytes in an answer: two session cookies of 4 KB each, encoded once more, and their attributes.
const HANDSHAKE_BYTES_MAX: usize = 16_384;

/// An answer that was taken apart and not believed.
#[derive(Debug)]
pub struct UnverifiedHandshake<'a>(session::UnverifiedToken<'a>);

/// An answer whose signature is Clerk's. It is no session, and nothing makes one of it:
///
/// ```compile_fail,E0308
/// fn forge(answer: &shared::session::handshake::VerifiedHandshake, policy:
/// &shared::session::TokenPolicy) { let now = shared::time::UnixMillis(0);
///     let session = shared::session::validate_claims(answer, policy, now);
/// }
/// ```
#[derive(Debug)]
pub struct VerifiedHandshake {
    payload: Vec<u8>,
}

/// Takes an answer apart, as strictly as a session token, whose category it has (clerk/javascript,
/// `packages/backend/src/tokens/jwtCategories.ts`). Tokens of templates and machines are refused:
/// what users can write into those must not become a cookie. A session's token passes here, and is
/// refused by [`validate_handshake`] for the session that it names.
///
/// # Errors
/// Why it is not an RS256 token in compact form, whoever signed it.
pub fn parse_handshake(answer: &str) -> Result<UnverifiedHandshake<'_>, TokenError> {
    split_jwt(answer, HANDSHAKE_BYTES_MAX).map(UnverifiedHandshake)
}

impl<'a> UnverifiedHandshake<'a> {
    /// Its key id, signed bytes and signature.
    #[must_use]
    pub fn token(&self) -> &session::UnverifiedToken<'a> {
        &self.0
    }

    /// Believes the answer when `check` says that its signature is good.
    ///
    /// # Errors
    /// [`TokenError::BadSignature`] when the check was bad.
    pub fn verified(self, check: SignatureStatus) -> Result<VerifiedHandshake, TokenError> {
        self.0.with_signature(check).map(|token| VerifiedHandshake { payload: token.payload })
    }
}

/// The cookies that an answer sets. Those that are not Clerk's are left out.
///
/// Session tokens among them ([`SetCookie::session_token`]) are still to be verified themselves:
/// that bounds how long an answer is good for, since it need not say so.
///
/// # Errors
/// [`TokenError::BadHandshake`] when it sets none; otherwise what is wrong with its other claims.
pub fn validate_handshake(
    answer: &VerifiedHandshake,
    policy: &TokenPolicy,
    suffix: Option<&str>,
    now: UnixMillis,
) -> Result<Vec<SetCookie>, TokenError> {
    let claims = claims::parse_claims(&answer.payload)?;
    if claims.iss.as_deref().is_some_and(|iss| iss != policy.issuer()) {
        return Err(TokenError::WrongIssuer);
    }
    // An answer is about a browser. What names a session is a session's token, whose claims an
    // application may add to.
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
