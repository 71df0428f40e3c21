//! Validates the claims of a verified token.

use super::candidate::TokenLocation;
use super::{Session, TokenError, TokenPolicy, VerifiedToken, claims};
use crate::id::{EntityId, UserId};
use crate::time::UnixMillis;

/// Validates the claims of a verified token.
///
/// # Errors
/// Why the claims are not those of a valid session at `now`.
pub fn validate_claims(
    token: &VerifiedToken,
    policy: &TokenPolicy,
    now: UnixMillis,
) -> Result<Session, TokenError> {
    validate_claims_at(TokenLocation::AuthorizationHeader, token, policy, now)
}

/// The same with the token's location, which matters only for tokens without `azp`.
///
/// # Errors
/// As [`validate_claims`].
pub fn validate_claims_at(
    location: TokenLocation,
    token: &VerifiedToken,
    policy: &TokenPolicy,
    now: UnixMillis,
) -> Result<Session, TokenError> {
    let claims = claims::parse_claims(&token.payload)?;
    if claims.iss.as_deref() != Some(policy.issuer()) {
        return Err(TokenError::WrongIssuer);
    }
    let user_id = claims.sub.as_deref().ok_or(TokenError::BadSubject)?;
    let user_id = UserId::parse(user_id).map_err(|_| TokenError::BadSubject)?;
    let id = claims.sid.as_deref().ok_or(TokenError::MissingSessionId)?;
    let id = EntityId::parse(id).map_err(|_| TokenError::MissingSessionId)?;
    policy.check_azp(claims.azp.as_deref(), location)?;
    let expires_at = claims.exp.ok_or(TokenError::MissingExpiry)?;
    claims.check_times(now)?;
    match claims.sts.as_deref() {
        None | Some("active") => {}
        // `pending` is the only other one that Clerk documents; unknown ones are rejected too.
        Some(_) => return Err(TokenError::PendingSession),
    }
    Ok(Session {
        user_id,
        id,
        issued_at: claims.iat,
        expires_at,
        organization: claims.organization(),
        factors: claims.factors(),
        actor: claims.act,
    })
}
