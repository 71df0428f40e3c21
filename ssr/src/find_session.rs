//! Who asks: the request's token, judged, and Clerk asked where it may know better.

use std::borrow::Cow;

use shared::session::candidates::{self, TokenLocation};
use shared::session::cookies::SetCookie;
use shared::session::handshake::{
    self, CandidateOutcome, HandshakeRedirect, PageRequest, SessionDecision, Unauthenticated,
};
use shared::session::{self, Session, TokenError};
use shared::settings::ssr::{NO_FRONTEND, SessionSettings};

use crate::incoming::IncomingRequest;
use crate::keys::{self, KeyLookupError};

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// The request carries no token.
    NoToken,
    /// It carries one that is not a session of ours.
    InvalidToken(TokenError),
    /// The browser is to go to Clerk, or back to where it came from.
    Redirect(HandshakeRedirect),
    /// The keys are out of reach: nobody can be judged now.
    Unavailable,
}

impl From<TokenError> for NoSession {
    fn from(rejection: TokenError) -> Self {
        Self::InvalidToken(rejection)
    }
}

/// The session of whoever asks. `visit` is there where a browser asks for a page.
pub(crate) async fn find_session(
    incoming: &IncomingRequest,
    sessions: &SessionSettings,
    visit: Option<PageRequest<'_>>,
) -> Result<Session, NoSession> {
    let instance = sessions.clerk_instance();
    let mut judged = Vec::new();
    for found in
        candidates::find_candidates(incoming.credential_headers(), &instance, edge::clock::now())?
    {
        let carried = match found.token {
            None => CandidateOutcome::NoToken,
            Some(token) => match verify_token(token, found.carrier, sessions).await {
                Ok(session) => CandidateOutcome::Session(session),
                Err(TokenCheckError::Invalid(rejection)) => CandidateOutcome::Rejected(rejection),
                Err(TokenCheckError::Unavailable) => return Err(NoSession::Unavailable),
            },
        };
        judged.push((found, carried));
    }
    let (found, carried) = candidates::pick_candidate(judged)?;
    let out = match handshake::decide(carried, &found, instance.stage, visit.as_ref()) {
        SessionDecision::Serve(session) => return Ok(session),
        SessionDecision::Unauthenticated(out) => out,
        SessionDecision::ApplyHandshake { answer, otherwise } => {
            match verify_handshake(answer, sessions).await {
                Ok(cookies) => return Err(handshake_done(&cookies, visit.as_ref())),
                Err(TokenCheckError::Unavailable) => return Err(NoSession::Unavailable),
                Err(TokenCheckError::Invalid(rejection)) => {
                    tracing::info!(%rejection, "a handshake is refused");
                    otherwise
                }
            }
        }
    };
    match (out, visit, &sessions.frontend) {
        (Unauthenticated::Refuse(Some(rejection)), ..) => Err(rejection.into()),
        (Unauthenticated::StartHandshake(due), Some(visit), Some(frontend)) => {
            let chance = edge::random::uuid().map_err(|error| {
                tracing::error!(?error, "the platform gave no random number");
                NoSession::Unavailable
            })?;
            tracing::info!(?due, "a browser is sent to Clerk");
            let leave = handshake::redirect_to_clerk(
                due,
                &found,
                &instance,
                &visit,
                frontend.as_str(),
                &chance,
            );
            Err(NoSession::Redirect(leave))
        }
        (Unauthenticated::StartHandshake(_), _, None) => {
            edge::settings::log_errors(&[NO_FRONTEND]);
            Err(NoSession::NoToken)
        }
        (Unauthenticated::Refuse(None), ..)
        | (Unauthenticated::StartHandshake(_), None, Some(_)) => Err(NoSession::NoToken),
    }
}

fn handshake_done(cookies: &[SetCookie], visit: Option<&PageRequest<'_>>) -> NoSession {
    tracing::info!("a handshake is taken");
    visit.map_or(NoSession::NoToken, |visit| {
        NoSession::Redirect(handshake::redirect_back(cookies, visit))
    })
}

/// Why a token was not found good.
enum TokenCheckError {
    Invalid(TokenError),
    Unavailable,
}

impl From<TokenError> for TokenCheckError {
    fn from(rejection: TokenError) -> Self {
        Self::Invalid(rejection)
    }
}

impl From<KeyLookupError> for TokenCheckError {
    fn from(trouble: KeyLookupError) -> Self {
        match trouble {
            KeyLookupError::NoKeyId => Self::Invalid(TokenError::MissingKeyId),
            KeyLookupError::UnknownKey => Self::Invalid(TokenError::UnknownKey),
            KeyLookupError::Unavailable => Self::Unavailable,
        }
    }
}

async fn verify_token(
    token: &str,
    carrier: TokenLocation,
    sessions: &SessionSettings,
) -> Result<Session, TokenCheckError> {
    let unverified = session::parse_token(token)?;
    let check = keys::check_signature(&unverified, &sessions.keys).await?;
    let verified = unverified.with_signature(check)?;
    Ok(session::validate_claims_at(carrier, &verified, &sessions.policy, edge::clock::now())?)
}

/// The cookies of a handshake, once it and every session in it was found good.
async fn verify_handshake(
    answer: Result<Cow<'_, str>, TokenError>,
    sessions: &SessionSettings,
) -> Result<Vec<SetCookie>, TokenCheckError> {
    let answer = answer?;
    let unverified = handshake::parse_handshake(&answer)?;
    let check = keys::check_signature(unverified.token(), &sessions.keys).await?;
    let verified = unverified.verified(check)?;
    let suffix = sessions.cookie_suffix.as_deref();
    let now = edge::clock::now();
    let cookies = handshake::validate_handshake(&verified, &sessions.policy, suffix, now)?;
    for token in cookies.iter().filter_map(SetCookie::session_token) {
        verify_token(token, TokenLocation::Cookie, sessions).await?;
    }
    Ok(cookies)
}
