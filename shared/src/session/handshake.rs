//! Clerk's handshake: a browser with an expired token is redirected to Clerk, which has a cookie of
//! its own, and comes back with new cookies in a signed token. The user need not sign in again.
//!
//! ```text
//!  candidate ─decide→ Serve | Refuse | StartHandshake ──307──▶ Clerk ──307──▶ ApplyHandshake
//!  ApplyHandshake ─parse_handshake→ UnverifiedHandshake ══WebCrypto══▶ VerifiedHandshake
//!                 ─validate_handshake→ [SetCookie] ──307──▶ the page
//! ```
//!
//! This is the form that needs no secret key: the handshake token comes in the URL or in a cookie,
//! and is trusted only because of its signature. The rules are those of Clerk's SDK
//! (clerk/javascript, `packages/backend/src/tokens/{request,handshake}.ts`), with two more against
//! login CSRF: a handshake never replaces a valid session, and it is accepted only from the browser
//! that requested it. That browser must return the random state in the cookie and in the URL.

mod redirect;
mod token;

use std::borrow::Cow;

pub use self::redirect::{
    HandshakeRedirect, PageRequest, clean_path, redirect_back, redirect_to_clerk,
};
pub use self::token::{
    UnverifiedHandshake, VerifiedHandshake, parse_handshake, validate_handshake,
};
pub use super::candidate::CandidateOutcome;
pub use super::renewal::HandshakeReason;

use super::candidate::{ClientUat, InstanceType, TokenCandidate, TokenLocation};
use super::renewal::{client_uat_conflict, renewable_reason};
use super::{Session, TokenError};

/// What to do for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionDecision<'a> {
    /// Valid session.
    Serve(Session),
    /// No valid session.
    Unauthenticated(Unauthenticated),
    /// A handshake token was received.
    ApplyHandshake {
        /// The handshake token, to be verified, or why it is not accepted.
        token: Result<Cow<'a, str>, TokenError>,
        /// What to do if the token is invalid.
        otherwise: Unauthenticated,
    },
}

/// What to do without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// Signed out; with the error, if there was a token.
    Refuse(Option<TokenError>),
    /// A handshake can help: redirect the browser to Clerk.
    StartHandshake(HandshakeReason),
}

/// Decides what to do for a request. `request` is set for a browser that opens a page by `GET`,
/// which can be redirected. Others get 401.
#[must_use]
pub fn decide<'a>(
    outcome: CandidateOutcome,
    candidate: &TokenCandidate<'_>,
    instance_type: InstanceType,
    request: Option<&PageRequest<'a>>,
) -> SessionDecision<'a> {
    let (reason, error) = match candidate_state(outcome, candidate) {
        CandidateState::Valid(session) => return SessionDecision::Serve(session),
        CandidateState::Invalid { reason, error } => (reason, error),
    };
    // API clients renew their own tokens.
    let Some(request) =
        request.filter(|_| candidate.location != TokenLocation::AuthorizationHeader)
    else {
        return SessionDecision::Unauthenticated(Unauthenticated::Refuse(error));
    };
    let is_dev_browser = instance_type == InstanceType::Development && request.has_dev_browser();
    let is_loop = request.is_loop();
    let otherwise = match reason.or(is_dev_browser.then_some(HandshakeReason::DevBrowser)) {
        Some(reason) if !is_loop => Unauthenticated::StartHandshake(reason),
        Some(_) | None => Unauthenticated::Refuse(error),
    };
    match request.handshake_token() {
        // A token in the query disappears with the redirect; a cookie may be sent again (loop).
        Some((token, place)) if place == redirect::HandshakeTokenLocation::Query || !is_loop => {
            SessionDecision::ApplyHandshake {
                token: request.check_state().map(|()| token),
                otherwise,
            }
        }
        Some(_) | None => SessionDecision::Unauthenticated(otherwise),
    }
}

enum CandidateState {
    Valid(Session),
    Invalid { reason: Option<HandshakeReason>, error: Option<TokenError> },
}

fn candidate_state(outcome: CandidateOutcome, candidate: &TokenCandidate<'_>) -> CandidateState {
    let invalid = |reason, error| CandidateState::Invalid { reason, error };
    match outcome {
        CandidateOutcome::NoToken => match candidate.client_uat {
            Some(ClientUat::Since(_)) => invalid(Some(HandshakeReason::NoToken), None),
            Some(ClientUat::SignedOut) | None => invalid(None, None),
        },
        CandidateOutcome::Rejected(error) => invalid(renewable_reason(error), Some(error)),
        CandidateOutcome::Session(session) => match client_uat_conflict(&session, candidate) {
            Some((reason, error)) => invalid(Some(reason), Some(error)),
            None => CandidateState::Valid(session),
        },
    }
}
