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

mod address;
mod answer;

use std::borrow::Cow;

pub use self::address::{Leave, Visit, ask, clean_path, come_back};
pub use self::answer::{Unverified, Verified, check, read};
use super::source::{Carrier, ClientUat, Found, Stage};
use super::{Rejection, Session};

/// What judging the carried token has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// There was none.
    Nothing,
    /// It is a session.
    Session(Session),
    /// It is none.
    Rejected(Rejection),
}

/// What to do for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// The session is good.
    Serve(Session),
    /// There is none.
    Out(Out),
    /// Clerk has answered.
    Take {
        /// The answer, to be read and verified, or why it is not even to be read.
        answer: Result<Cow<'a, str>, Rejection>,
        /// What to do if it is not to be believed.
        otherwise: Out,
    },
}

/// What to do for somebody without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// Nobody is signed in; with the reason, if anything was carried.
    Refuse(Option<Rejection>),
    /// Clerk may know better: send the browser there.
    Ask(Due),
}

/// Why Clerk may know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
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

impl Due {
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
pub fn next<'a>(
    carried: Carried,
    found: &Found<'_>,
    stage: Stage,
    visit: Option<&Visit<'a>>,
) -> Next<'a> {
    let (due, rejection) = match standing(carried, found) {
        Standing::Good(session) => return Next::Serve(session),
        Standing::Out { due, rejection } => (due, rejection),
    };
    // Who sends a header runs a program of their own, and mends it there.
    let Some(visit) = visit.filter(|_| found.carrier != Carrier::Header) else {
        return Next::Out(Out::Refuse(rejection));
    };
    let is_told = stage == Stage::Development && visit.names_browser();
    let is_loop = visit.is_loop();
    let otherwise = match due.or(is_told.then_some(Due::DevBrowser)) {
        Some(due) if !is_loop => Out::Ask(due),
        Some(_) | None => Out::Refuse(rejection),
    };
    match visit.answer() {
        // An answer in the address is gone with the next address; one in a cookie may come again.
        Some((answer, place)) if place == address::Place::Query || !is_loop => {
            Next::Take { answer: visit.check_asked().map(|()| answer), otherwise }
        }
        Some(_) | None => Next::Out(otherwise),
    }
}

enum Standing {
    Good(Session),
    Out { due: Option<Due>, rejection: Option<Rejection> },
}

fn standing(carried: Carried, found: &Found<'_>) -> Standing {
    let out = |due, rejection| Standing::Out { due, rejection };
    match carried {
        Carried::Nothing => match found.client_uat {
            Some(ClientUat::Since(_)) => out(Some(Due::NoToken), None),
            Some(ClientUat::SignedOut) | None => out(None, None),
        },
        Carried::Rejected(rejection) => out(lapsed(rejection), Some(rejection)),
        Carried::Session(session) => match objection(&session, found) {
            Some((due, rejection)) => out(Some(due), Some(rejection)),
            None => Standing::Good(session),
        },
    }
}

/// What the browser's cookie says against a session whose token is good.
fn objection(session: &Session, found: &Found<'_>) -> Option<(Due, Rejection)> {
    match found.client_uat {
        Some(ClientUat::SignedOut) => Some((Due::SignedOut, Rejection::SignedOut)),
        Some(ClientUat::Since(at)) if session.issued_at().is_some_and(|made| made < at) => {
            Some((Due::Outdated, Rejection::Outdated))
        }
        Some(ClientUat::Since(_)) | None => None,
    }
}

/// Whether a session counts where it was found.
pub(super) fn is_live(session: &Session, found: &Found<'_>) -> bool {
    objection(session, found).is_none()
}

/// Whether Clerk may know better than what was found.
pub(super) fn is_due(found: &Found<'_>, carried: &Carried) -> bool {
    match carried {
        Carried::Nothing => matches!(found.client_uat, Some(ClientUat::Since(_))),
        Carried::Rejected(rejection) => lapsed(*rejection).is_some(),
        Carried::Session(session) => objection(session, found).is_some(),
    }
}

/// Whether a new token would help: only where nothing but time is wrong with this one.
fn lapsed(rejection: Rejection) -> Option<Due> {
    match rejection {
        Rejection::Expired => Some(Due::Expired),
        Rejection::Early => Some(Due::Early),
        Rejection::Future => Some(Due::Future),
        Rejection::Ambiguous
        | Rejection::Crowded
        | Rejection::Long
        | Rejection::Form
        | Rejection::Header
        | Rejection::Algorithm
        | Rejection::Type
        | Rejection::Category
        | Rejection::Critical
        | Rejection::NoKeyId
        | Rejection::UnknownKey
        | Rejection::Signature
        | Rejection::Claims
        | Rejection::Issuer
        | Rejection::Subject
        | Rejection::SessionId
        | Rejection::NoParty
        | Rejection::Party
        | Rejection::NoExpiry
        | Rejection::Pending
        | Rejection::SignedOut
        | Rejection::Outdated
        | Rejection::Handshake
        | Rejection::Unasked => None,
    }
}
