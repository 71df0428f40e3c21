//! Clerk's handshake: a person whose token has lapsed is sent to Clerk, which knows them by a
//! cookie of its own, and comes back with new cookies in a signed token. Nobody is asked to sign in
//! who is signed in.
//!
//! ```text
//!  carried token, cookies ─next→ Serve | Refuse | Ask ──307──▶ Clerk ──307──▶ Take
//!  Take ─read→ Unverified ══WebCrypto══▶ Verified ─check→ [SetCookie] ──307──▶ the clean address
//! ```
//!
//! This is the form that needs no secret key: the answer travels in the address or in a cookie,
//! and is believed for its signature alone. The rules are those of Clerk's SDK (clerk/javascript,
//! `packages/backend/src/tokens/{request,handshake}.ts`), with two more, so that a link cannot turn
//! one user into another: an answer never replaces a session that is good, and it is taken only
//! from a browser that was sent away for it. That one brings back, in a cookie and in the address,
//! a number that nobody else can know.

mod redirect;
mod token;

use std::borrow::Cow;

pub use self::redirect::{
    HandshakeRedirect, PageRequest, clean_path, redirect_back, redirect_to_clerk,
};
pub use self::token::{
    UnverifiedHandshake, VerifiedHandshake, parse_handshake, validate_handshake,
};
use super::candidates::{ClientUat, InstanceType, TokenCandidate, TokenLocation};
use super::{Session, TokenError};

/// What judging the carried token has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOutcome {
    /// There was none.
    NoToken,
    /// It is a session.
    Session(Session),
    /// It is none.
    Rejected(TokenError),
}

/// What to do for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionDecision<'a> {
    /// The session is good.
    Serve(Session),
    /// There is none.
    Unauthenticated(Unauthenticated),
    /// Clerk has answered.
    ApplyHandshake {
        /// The answer, to be read and verified, or why it is not even to be read.
        answer: Result<Cow<'a, str>, TokenError>,
        /// What to do if it is not to be believed.
        otherwise: Unauthenticated,
    },
}

/// What to do for somebody without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// Nobody is signed in; with the reason, if anything was carried.
    Refuse(Option<TokenError>),
    /// Clerk may know better: send the browser there.
    StartHandshake(HandshakeReason),
}

/// Why Clerk may know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeReason {
    /// The token has lapsed; tokens live for a minute.
    Expired,
    /// By our clock the token's time has not come.
    Early,
    /// By our clock the token was made in the future.
    Future,
    /// The browser's sessions have changed since the token was made.
    Outdated,
    /// There is a token, but the browser is said to be signed out.
    SignedOut,
    /// The browser is said to be signed in, but there is no token.
    NoToken,
    /// A development instance tells which browser this is.
    DevBrowser,
}

impl HandshakeReason {
    /// Clerk's word for it (clerk/javascript, `packages/backend/src/tokens/authStatus.ts`).
    fn reason(self) -> &'static str {
        match self {
            Self::Expired => "session-token-expired",
            Self::Early => "session-token-nbf",
            Self::Future => "session-token-iat-in-the-future",
            Self::Outdated => "session-token-iat-before-client-uat",
            Self::SignedOut => "session-token-but-no-client-uat",
            Self::NoToken => "client-uat-but-no-session-token",
            Self::DevBrowser => "dev-browser-sync",
        }
    }
}

/// Decides. `visit` is there where somebody may be sent away: a browser that asks for a page by
/// `GET`. Everybody else is told that they are signed out.
#[must_use]
pub fn decide<'a>(
    carried: CandidateOutcome,
    found: &TokenCandidate<'_>,
    stage: InstanceType,
    visit: Option<&PageRequest<'a>>,
) -> SessionDecision<'a> {
    let (due, rejection) = match candidate_state(carried, found) {
        CandidateState::Good(session) => return SessionDecision::Serve(session),
        CandidateState::Out { due, rejection } => (due, rejection),
    };
    // Who sends a header runs a program of their own, and mends it there.
    let Some(visit) = visit.filter(|_| found.carrier != TokenLocation::AuthorizationHeader) else {
        return SessionDecision::Unauthenticated(Unauthenticated::Refuse(rejection));
    };
    let is_told = stage == InstanceType::Development && visit.has_dev_browser();
    let is_loop = visit.is_loop();
    let otherwise = match due.or(is_told.then_some(HandshakeReason::DevBrowser)) {
        Some(due) if !is_loop => Unauthenticated::StartHandshake(due),
        Some(_) | None => Unauthenticated::Refuse(rejection),
    };
    match visit.answer() {
        // An answer in the address is gone with the next address; one in a cookie may come again.
        Some((answer, place)) if place == redirect::HandshakeTokenLocation::Query || !is_loop => {
            SessionDecision::ApplyHandshake {
                answer: visit.check_state().map(|()| answer),
                otherwise,
            }
        }
        Some(_) | None => SessionDecision::Unauthenticated(otherwise),
    }
}

enum CandidateState {
    Good(Session),
    Out { due: Option<HandshakeReason>, rejection: Option<TokenError> },
}

fn candidate_state(carried: CandidateOutcome, found: &TokenCandidate<'_>) -> CandidateState {
    let out = |due, rejection| CandidateState::Out { due, rejection };
    match carried {
        CandidateOutcome::NoToken => match found.client_uat {
            Some(ClientUat::Since(_)) => out(Some(HandshakeReason::NoToken), None),
            Some(ClientUat::SignedOut) | None => out(None, None),
        },
        CandidateOutcome::Rejected(rejection) => out(renewable_reason(rejection), Some(rejection)),
        CandidateOutcome::Session(session) => match client_uat_conflict(&session, found) {
            Some((due, rejection)) => out(Some(due), Some(rejection)),
            None => CandidateState::Good(session),
        },
    }
}

/// What the browser's cookie says against a session whose token is good.
fn client_uat_conflict(
    session: &Session,
    found: &TokenCandidate<'_>,
) -> Option<(HandshakeReason, TokenError)> {
    match found.client_uat {
        Some(ClientUat::SignedOut) => Some((HandshakeReason::SignedOut, TokenError::SignedOut)),
        Some(ClientUat::Since(at)) if session.issued_at().is_some_and(|made| made < at) => {
            Some((HandshakeReason::Outdated, TokenError::OlderThanClientUat))
        }
        Some(ClientUat::Since(_)) | None => None,
    }
}

/// Whether a session counts where it was found.
pub(super) fn is_current(session: &Session, found: &TokenCandidate<'_>) -> bool {
    client_uat_conflict(session, found).is_none()
}

/// Whether Clerk may know better than what was found.
pub(super) fn may_be_renewed(found: &TokenCandidate<'_>, carried: &CandidateOutcome) -> bool {
    match carried {
        CandidateOutcome::NoToken => matches!(found.client_uat, Some(ClientUat::Since(_))),
        CandidateOutcome::Rejected(rejection) => renewable_reason(*rejection).is_some(),
        CandidateOutcome::Session(session) => client_uat_conflict(session, found).is_some(),
    }
}

/// Whether a new token would help: only where nothing but time is wrong with this one.
fn renewable_reason(rejection: TokenError) -> Option<HandshakeReason> {
    match rejection {
        TokenError::Expired => Some(HandshakeReason::Expired),
        TokenError::NotYetValid => Some(HandshakeReason::Early),
        TokenError::IssuedInFuture => Some(HandshakeReason::Future),
        TokenError::ConflictingTokens
        | TokenError::TooManyTokens
        | TokenError::TooLong
        | TokenError::Malformed
        | TokenError::BadHeader
        | TokenError::WrongAlgorithm
        | TokenError::WrongType
        | TokenError::WrongCategory
        | TokenError::UnsupportedExtension
        | TokenError::MissingKeyId
        | TokenError::UnknownKey
        | TokenError::BadSignature
        | TokenError::BadClaims
        | TokenError::WrongIssuer
        | TokenError::BadSubject
        | TokenError::MissingSessionId
        | TokenError::MissingAzp
        | TokenError::WrongAzp
        | TokenError::MissingExpiry
        | TokenError::PendingSession
        | TokenError::SignedOut
        | TokenError::OlderThanClientUat
        | TokenError::BadHandshake
        | TokenError::UnrequestedHandshake => None,
    }
}
