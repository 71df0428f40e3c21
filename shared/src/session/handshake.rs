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
pub use super::candidate::CandidateOutcome;
use super::candidate::{ClientUat, InstanceType, TokenCandidate, TokenLocation};
pub use super::renewal::HandshakeReason;
use super::renewal::{client_uat_conflict, renewable_reason};
use super::{Session, TokenError};

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
