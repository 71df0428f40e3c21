//! Who asks: the request's token, judged.

use shared::session::{self, Rejection, Session, source};

use crate::config::Sessions;
use crate::incoming::Incoming;
use crate::keys::{self, Trouble};

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// The request carries no token.
    Absent,
    /// It carries one that is not a session of ours.
    Rejected(Rejection),
    /// The keys are out of reach: nobody can be judged now.
    Unknowable,
}

impl From<Rejection> for NoSession {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// The session of whoever asks.
pub(crate) async fn session(
    incoming: &Incoming,
    sessions: &Sessions,
) -> Result<Session, NoSession> {
    let token = source::choose(incoming.presented(), sessions.cookie_suffix.as_deref())?;
    let unverified = session::read(token.ok_or(NoSession::Absent)?)?;
    let check = match keys::check(&unverified, &sessions.keys).await {
        Ok(check) => check,
        Err(Trouble::UnknownKey) => return Err(Rejection::UnknownKey.into()),
        Err(Trouble::Unavailable) => return Err(NoSession::Unknowable),
    };
    let verified = unverified.verified(check)?;
    Ok(session::check(&verified, &sessions.policy, edge::clock::now())?)
}
