//! Finds the session of a request, and starts a handshake where that may help.

use std::borrow::Cow;

use edge::keys::{self, KeyLookupError};
use edge::metrics;
use shared::metrics::table::{HANDSHAKES, SESSION_REFUSALS};
use shared::session::candidates::{self, TokenCandidate, TokenLocation};
use shared::session::cookies::SetCookie;
use shared::session::handshake::{
    self, CandidateOutcome, HandshakeReason, HandshakeRedirect, PageRequest, SessionDecision,
    Unauthenticated,
};
use shared::session::{self, Session, TokenError};
use shared::settings::ssr::{NO_FRONTEND, SessionSettings};

use crate::incoming::IncomingRequest;

/// The result of looking for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionOutcome {
    /// A user with a valid session.
    SignedIn(Session),
    /// No user is signed in. An invalid token is logged.
    SignedOut,
    /// The browser must go to Clerk, or back to its page after a handshake.
    Redirect(HandshakeRedirect),
    /// The keys are unavailable: no token can be verified now.
    Unavailable,
}

/// Finds the caller's session. `page_request` is set for the navigation of a browser, which can be
/// sent to Clerk; `route` is for the log.
pub(crate) async fn find_session(
    incoming: &IncomingRequest,
    sessions: &SessionSettings,
    page_request: Option<PageRequest<'_>>,
    route: &'static str,
) -> SessionOutcome {
    let (candidate, outcome) = match verify_candidates(incoming, sessions).await {
        Ok(picked) => picked,
        Err(TokenCheckError::Invalid(error)) => return rejected(error, route),
        Err(TokenCheckError::Unavailable) => return SessionOutcome::Unavailable,
    };
    let instance_type = sessions.clerk_instance().instance_type;
    let decision = handshake::decide(outcome, &candidate, instance_type, page_request.as_ref());
    let unauthenticated = match decision {
        SessionDecision::Serve(session) => return SessionOutcome::SignedIn(session),
        SessionDecision::Unauthenticated(unauthenticated) => unauthenticated,
        SessionDecision::ApplyHandshake { token, otherwise } => {
            match verify_handshake(token, sessions).await {
                Ok(cookies) => return handshake_done(&cookies, page_request.as_ref()),
                Err(TokenCheckError::Unavailable) => return SessionOutcome::Unavailable,
                Err(TokenCheckError::Invalid(rejection)) => {
                    let reason = rejection.label();
                    tracing::info!(reason, detail = %rejection, "handshake rejected");
                    metrics::count(&HANDSHAKES, &["rejected"], 1);
                    metrics::count(&SESSION_REFUSALS, &[reason], 1);
                    otherwise
                }
            }
        }
    };
    match (unauthenticated, page_request) {
        (Unauthenticated::Refuse(Some(error)), _) => rejected(error, route),
        (Unauthenticated::StartHandshake(reason), Some(page_request)) => {
            start_handshake(reason, &candidate, &page_request, sessions)
        }
        (Unauthenticated::Refuse(None), _) | (Unauthenticated::StartHandshake(_), None) => {
            SessionOutcome::SignedOut
        }
    }
}

/// Verifies every candidate and picks the one that counts.
async fn verify_candidates<'a>(
    incoming: &'a IncomingRequest,
    sessions: &SessionSettings,
) -> Result<(TokenCandidate<'a>, CandidateOutcome), TokenCheckError> {
    let (instance, now) = (sessions.clerk_instance(), edge::clock::now());
    let mut verified = Vec::new();
    for candidate in candidates::find_candidates(incoming.credential_headers(), &instance, now)? {
        let outcome = match candidate.token {
            None => CandidateOutcome::NoToken,
            Some(token) => match verify_token(token, candidate.location, sessions).await {
                Ok(session) => CandidateOutcome::Session(session),
                Err(TokenCheckError::Invalid(error)) => CandidateOutcome::Rejected(error),
                Err(TokenCheckError::Unavailable) => return Err(TokenCheckError::Unavailable),
            },
        };
        verified.push((candidate, outcome));
    }
    Ok(candidates::pick_candidate(verified)?)
}

fn rejected(rejection: TokenError, route: &'static str) -> SessionOutcome {
    let reason = rejection.label();
    tracing::info!(route, reason, detail = %rejection, "session token rejected");
    metrics::count(&SESSION_REFUSALS, &[reason], 1);
    SessionOutcome::SignedOut
}

fn start_handshake(
    reason: HandshakeReason,
    candidate: &TokenCandidate<'_>,
    page_request: &PageRequest<'_>,
    sessions: &SessionSettings,
) -> SessionOutcome {
    let Some(frontend) = &sessions.frontend else {
        edge::settings::log_errors(&[NO_FRONTEND]);
        return SessionOutcome::SignedOut;
    };
    let state = match edge::random::uuid() {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(cause = ?error, "random number generation failed");
            return SessionOutcome::Unavailable;
        }
    };
    tracing::info!(reason = reason.clerk_reason(), "redirecting to Clerk for a handshake");
    metrics::count(&HANDSHAKES, &["started"], 1);
    let (instance, frontend) = (sessions.clerk_instance(), frontend.as_str());
    SessionOutcome::Redirect(handshake::redirect_to_clerk(
        reason,
        candidate,
        &instance,
        page_request,
        frontend,
        &state,
    ))
}

fn handshake_done(cookies: &[SetCookie], page_request: Option<&PageRequest<'_>>) -> SessionOutcome {
    tracing::info!("handshake completed");
    metrics::count(&HANDSHAKES, &["completed"], 1);
    page_request.map_or(SessionOutcome::SignedOut, |page_request| {
        SessionOutcome::Redirect(handshake::redirect_back(cookies, page_request))
    })
}

/// Why a token was not accepted.
enum TokenCheckError {
    Invalid(TokenError),
    Unavailable,
}

impl From<TokenError> for TokenCheckError {
    fn from(error: TokenError) -> Self {
        Self::Invalid(error)
    }
}

impl From<KeyLookupError> for TokenCheckError {
    fn from(error: KeyLookupError) -> Self {
        match error {
            KeyLookupError::NoKeyId => Self::Invalid(TokenError::MissingKeyId),
            KeyLookupError::UnknownKey => Self::Invalid(TokenError::UnknownKey),
            KeyLookupError::Unavailable => Self::Unavailable,
        }
    }
}

async fn verify_token(
    token: &str,
    location: TokenLocation,
    sessions: &SessionSettings,
) -> Result<Session, TokenCheckError> {
    let unverified = session::parse_token(token)?;
    let status = keys::check_signature(&unverified, &sessions.keys).await?;
    let verified = unverified.with_signature(status)?;
    Ok(session::validate_claims_at(location, &verified, &sessions.policy, edge::clock::now())?)
}

/// Verifies a handshake token and every session token in it; returns its cookies.
async fn verify_handshake(
    token: Result<Cow<'_, str>, TokenError>,
    sessions: &SessionSettings,
) -> Result<Vec<SetCookie>, TokenCheckError> {
    let token = token?;
    let unverified = handshake::parse_handshake(&token)?;
    let status = keys::check_signature(unverified.token(), &sessions.keys).await?;
    let verified = unverified.with_signature(status)?;
    let suffix = sessions.cookie_suffix.as_deref();
    let now = edge::clock::now();
    let cookies = handshake::validate_handshake(&verified, &sessions.policy, suffix, now)?;
    for token in cookies.iter().filter_map(SetCookie::session_token) {
        verify_token(token, TokenLocation::Cookie, sessions).await?;
    }
    Ok(cookies)
}
