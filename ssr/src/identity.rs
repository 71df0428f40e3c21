//! Who asks: the request's token, judged, and Clerk asked where it may know better.

use std::borrow::Cow;

use shared::session::cookies::SetCookie;
use shared::session::handshake::{self, Carried, Leave, Next, Out, Visit};
use shared::session::source::{self, Carrier};
use shared::session::{self, Rejection, Session};
use shared::settings::ssr::{NO_FRONTEND, Sessions};

use crate::incoming::Incoming;
use crate::keys::{self, Trouble};

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// The request carries no token.
    Absent,
    /// It carries one that is not a session of ours.
    Rejected(Rejection),
    /// The browser is to go to Clerk, or back to where it came from.
    Leaving(Leave),
    /// The keys are out of reach: nobody can be judged now.
    Unknowable,
}

impl From<Rejection> for NoSession {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// The session of whoever asks. `visit` is there where a browser asks for a page.
pub(crate) async fn session(
    incoming: &Incoming,
    sessions: &Sessions,
    visit: Option<Visit<'_>>,
) -> Result<Session, NoSession> {
    let instance = sessions.instance();
    let mut judged = Vec::new();
    for found in source::choose(incoming.presented(), &instance, edge::clock::now())? {
        let carried = match found.token {
            None => Carried::Nothing,
            Some(token) => match judge(token, found.carrier, sessions).await {
                Ok(session) => Carried::Session(session),
                Err(Unjudged::Rejected(rejection)) => Carried::Rejected(rejection),
                Err(Unjudged::Unknowable) => return Err(NoSession::Unknowable),
            },
        };
        judged.push((found, carried));
    }
    let (found, carried) = source::settle(judged)?;
    let out = match handshake::next(carried, &found, instance.stage, visit.as_ref()) {
        Next::Serve(session) => return Ok(session),
        Next::Out(out) => out,
        Next::Take { answer, otherwise } => match take(answer, sessions).await {
            Ok(cookies) => return Err(came_back(&cookies, visit.as_ref())),
            Err(Unjudged::Unknowable) => return Err(NoSession::Unknowable),
            Err(Unjudged::Rejected(rejection)) => {
                tracing::info!(%rejection, "a handshake is refused");
                otherwise
            }
        },
    };
    match (out, visit, &sessions.frontend) {
        (Out::Refuse(Some(rejection)), ..) => Err(rejection.into()),
        (Out::Ask(due), Some(visit), Some(frontend)) => {
            let chance = edge::chance::secret().map_err(|error| {
                tracing::error!(?error, "the platform gave no random number");
                NoSession::Unknowable
            })?;
            tracing::info!(?due, "a browser is sent to Clerk");
            let leave = handshake::ask(due, &found, &instance, &visit, frontend.as_str(), &chance);
            Err(NoSession::Leaving(leave))
        }
        (Out::Ask(_), _, None) => {
            edge::settings::tell(&[NO_FRONTEND]);
            Err(NoSession::Absent)
        }
        (Out::Refuse(None), ..) | (Out::Ask(_), None, Some(_)) => Err(NoSession::Absent),
    }
}

fn came_back(cookies: &[SetCookie], visit: Option<&Visit<'_>>) -> NoSession {
    tracing::info!("a handshake is taken");
    visit
        .map_or(NoSession::Absent, |visit| NoSession::Leaving(handshake::come_back(cookies, visit)))
}

/// Why a token was not found good.
enum Unjudged {
    Rejected(Rejection),
    Unknowable,
}

impl From<Rejection> for Unjudged {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Trouble> for Unjudged {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoKeyId => Self::Rejected(Rejection::NoKeyId),
            Trouble::UnknownKey => Self::Rejected(Rejection::UnknownKey),
            Trouble::Unavailable => Self::Unknowable,
        }
    }
}

async fn judge(token: &str, carrier: Carrier, sessions: &Sessions) -> Result<Session, Unjudged> {
    let unverified = session::read(token)?;
    let check = keys::check(&unverified, &sessions.keys).await?;
    let verified = unverified.verified(check)?;
    Ok(session::check_from(carrier, &verified, &sessions.policy, edge::clock::now())?)
}

/// The cookies of a handshake, once it and every session in it was found good.
async fn take(
    answer: Result<Cow<'_, str>, Rejection>,
    sessions: &Sessions,
) -> Result<Vec<SetCookie>, Unjudged> {
    let answer = answer?;
    let unverified = handshake::read(&answer)?;
    let check = keys::check(unverified.token(), &sessions.keys).await?;
    let verified = unverified.verified(check)?;
    let suffix = sessions.cookie_suffix.as_deref();
    let now = edge::clock::now();
    let cookies = handshake::check(&verified, &sessions.policy, suffix, now)?;
    for token in cookies.iter().filter_map(SetCookie::session_token) {
        judge(token, Carrier::Plain, sessions).await?;
    }
    Ok(cookies)
}
