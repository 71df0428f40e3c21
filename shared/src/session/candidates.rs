//! Finds the session tokens of a request and picks the one that counts.

mod unverified_claims;
mod session_cookies;

use self::session_cookies::SessionCookies;
use self::unverified_claims::UnverifiedClaims;
use super::renewal::{is_current, may_be_renewed};
use super::{CANDIDATES_MAX, TokenError};
use crate::id::UserId;
use crate::time::UnixMillis;

pub use super::candidate::{
    CandidateOutcome, ClerkInstance, ClientUat, InstanceType, TokenCandidate, TokenLocation,
};

/// The two headers that can carry a token, unparsed.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialHeaders<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
}

/// Finds the tokens to verify, in the order in which they count. Returns at least one candidate;
/// the first may have no token.
///
/// `Authorization: Bearer …`, or a token alone in that header, comes before any cookie; other
/// schemes are ignored. After it, of the cookie tokens only those of another user are returned.
///
/// Between `__session_<suffix>` and `__session` the rules of Clerk's SDK decide (clerk/javascript,
/// `packages/backend/src/tokens/authenticateContext.ts`). A cookie may come several times: another
/// instance, another framework or a sibling domain may have set one of that name, and the header
/// does not say which is ours. So each token that claims this instance's issuer is verified, the
/// newest first, and after them those of the other pair.
///
/// # Errors
/// [`TokenError::TooManyTokens`] when there are more than [`CANDIDATES_MAX`].
pub fn find_candidates<'a>(
    headers: CredentialHeaders<'a>,
    instance: &ClerkInstance<'_>,
    now: UnixMillis,
) -> Result<Vec<TokenCandidate<'a>>, TokenError> {
    let cookies = SessionCookies::parse(headers.cookie.unwrap_or_default(), instance);
    let mut candidates = cookies.candidates(instance, now);
    if let Some(bearer) = headers.authorization.and_then(bearer) {
        let user = |token| UnverifiedClaims::parse(token, instance.issuer).subject;
        let own = user(bearer);
        candidates.retain(|other| other.token.and_then(user).is_some_and(|user| Some(user) != own));
        let first = TokenCandidate {
            token: Some(bearer),
            location: TokenLocation::AuthorizationHeader,
            client_uat: None,
        };
        candidates.insert(0, first);
    }
    if CANDIDATES_MAX < candidates.len() { Err(TokenError::TooManyTokens) } else { Ok(candidates) }
}

/// The token in `Authorization`. A value without a scheme is a token only if it has three parts
/// separated by dots.
fn bearer(value: &str) -> Option<&str> {
    let is_token = !value.contains([' ', '\t']) && value.split('.').count() == 3;
    value.strip_prefix("Bearer ").or_else(|| is_token.then_some(value))
}

/// Picks the candidate that counts, once each is verified: the first one if it decides alone
/// (`is_decisive`), else the first valid one.
///
/// If none is valid: the first that a handshake can renew, so that a stale cookie does not block
/// sign-in; then the first that has a token.
///
/// # Errors
/// [`TokenError::ConflictingTokens`] if valid ones name different users: a guess could serve one
/// user the other's page.
pub fn pick_candidate(
    verified: Vec<(TokenCandidate<'_>, CandidateOutcome)>,
) -> Result<(TokenCandidate<'_>, CandidateOutcome), TokenError> {
    let users: Vec<_> =
        verified.iter().map(|(candidate, outcome)| valid_user(candidate, outcome)).collect();
    let mut valid_users = users.iter().flatten();
    if valid_users.next().is_some_and(|first| valid_users.any(|user| user != first)) {
        return Err(TokenError::ConflictingTokens);
    }
    let first_valid = users.iter().position(Option::is_some);
    let is_renewable = |(candidate, outcome): &(TokenCandidate<'_>, CandidateOutcome)| {
        may_be_renewed(candidate, outcome)
    };
    let at = match verified.first() {
        Some((candidate, outcome)) if is_decisive(candidate, outcome) => 0,
        _ => first_valid
            .or_else(|| verified.iter().position(is_renewable))
            .or_else(|| {
                verified.iter().position(|(_, outcome)| *outcome != CandidateOutcome::NoToken)
            })
            .unwrap_or(0),
    };
    let no_token =
        TokenCandidate { token: None, location: TokenLocation::Cookie, client_uat: None };
    Ok(verified.into_iter().nth(at).unwrap_or((no_token, CandidateOutcome::NoToken)))
}

fn valid_user<'a>(
    candidate: &TokenCandidate<'_>,
    outcome: &'a CandidateOutcome,
) -> Option<&'a UserId> {
    match outcome {
        CandidateOutcome::Session(session) if is_current(session, candidate) => {
            Some(session.user_id())
        }
        CandidateOutcome::Session(_)
        | CandidateOutcome::NoToken
        | CandidateOutcome::Rejected(_) => None,
    }
}

/// Whether this candidate decides alone: an `Authorization` header, or a cookie pair that says
/// "signed out" or whose session is no longer the browser's.
fn is_decisive(candidate: &TokenCandidate<'_>, outcome: &CandidateOutcome) -> bool {
    if candidate.location == TokenLocation::AuthorizationHeader {
        return true;
    }
    match outcome {
        CandidateOutcome::NoToken => candidate.client_uat == Some(ClientUat::SignedOut),
        CandidateOutcome::Session(session) => !is_current(session, candidate),
        CandidateOutcome::Rejected(_) => false,
    }
}
