//! From claims that are Clerk's to a session that is ours.

use super::source::Carrier;
use super::{Policy, Rejection, Session, Verified, claims};
use crate::id::{ObjectId, UserId};
use crate::time::UnixMillis;

/// Reads the claims of a token whose signature is good.
///
/// # Errors
/// Why they are not those of a session that is ours and valid at `now`.
pub fn check(token: &Verified, policy: &Policy, now: UnixMillis) -> Result<Session, Rejection> {
    check_from(Carrier::Header, token, policy, now)
}

/// The same, for a token that was found there: only the policy on tokens without a party asks.
///
/// # Errors
/// As [`check`].
pub fn check_from(
    carrier: Carrier,
    token: &Verified,
    policy: &Policy,
    now: UnixMillis,
) -> Result<Session, Rejection> {
    let claims = claims::read(&token.payload)?;
    if claims.iss.as_deref() != Some(policy.issuer()) {
        return Err(Rejection::Issuer);
    }
    let user_id = claims.sub.as_deref().ok_or(Rejection::Subject)?;
    let user_id = UserId::parse(user_id).map_err(|_| Rejection::Subject)?;
    let id = claims.sid.as_deref().ok_or(Rejection::SessionId)?;
    let id = ObjectId::parse(id).map_err(|_| Rejection::SessionId)?;
    policy.check_party(claims.azp.as_deref(), carrier)?;
    let expires_at = claims.exp.ok_or(Rejection::NoExpiry)?;
    claims.check_times(now)?;
    match claims.sts.as_deref() {
        None | Some("active") => {}
        // `pending` is the only other one that Clerk documents; what is unknown is signed out too.
        Some(_) => return Err(Rejection::Pending),
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
