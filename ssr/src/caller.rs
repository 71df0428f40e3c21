//! Who asks, and what they may do.

use shared::guard::{self, Denied, Need, Permit};
use shared::session::handshake::HandshakeRedirect;
use shared::session::{Actor, Session};
use worker::Env;

use crate::config;
use crate::find_session::{self, NoSession};
use crate::incoming::IncomingRequest;
use crate::roles::{self, Freshness, RolesUnavailable, UserRoles};
use crate::route::Route;

/// Somebody with a session.
pub(crate) struct Caller {
    /// Who they are.
    pub(crate) session: Session,
    route: &'static str,
    isolate_ms: i64,
}

/// Why somebody does not get what they asked for.
#[derive(Clone, Debug)]
pub(crate) enum AccessDenied {
    /// They are not signed in.
    SignedOut,
    /// Their browser is to ask Clerk who they are, or comes from there.
    Redirect(HandshakeRedirect),
    /// They may not have it, whatever the reason.
    Forbidden,
    /// It cannot be known whether they may.
    Unavailable,
}

impl From<Denied> for AccessDenied {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NoRoleSet | Denied::RoleSetTooOld => Self::Unavailable,
            Denied::UserBlocked
            | Denied::NotGranted
            | Denied::Impersonated
            | Denied::NotReverified => Self::Forbidden,
        }
    }
}

/// The session of whoever sent the request.
pub(crate) async fn authenticate(
    route: &Route,
    incoming: &IncomingRequest,
    env: &Env,
) -> Result<Caller, AccessDenied> {
    let config = config::settings(env);
    // What is wrong was told when it was read.
    let (Some(sessions), Some(isolate_ms)) = (&config.sessions, config.isolate_ms) else {
        return Err(AccessDenied::Unavailable);
    };
    let visit = match route {
        Route::Guarded(_) => incoming.page_request(sessions.site_origin(&incoming.origin)),
        // Nothing here is opened by sending a browser away and back.
        Route::Home | Route::SignIn | Route::Health | Route::Style | Route::Me | Route::Check => {
            None
        }
    };
    match find_session::find_session(incoming, sessions, visit).await {
        Ok(session) => Ok(Caller { session, route: route.name(), isolate_ms }),
        Err(NoSession::Unavailable) => Err(AccessDenied::Unavailable),
        Err(NoSession::NoToken) => Err(AccessDenied::SignedOut),
        Err(NoSession::Redirect(leave)) => Err(AccessDenied::Redirect(leave)),
        Err(NoSession::InvalidToken(rejection)) => {
            tracing::info!(route = route.name(), %rejection, "a token is refused");
            Err(AccessDenied::SignedOut)
        }
    }
}

impl Caller {
    /// What they may do, as far as the role cache knows.
    pub(crate) async fn roles(
        &self,
        env: &Env,
        wish: Freshness,
    ) -> Result<UserRoles, AccessDenied> {
        let user = self.session.user_id();
        roles::load_roles(env, user, wish, self.isolate_ms).await.map_err(|unknowable| {
            match unknowable {
                // A line for each question would make the log as busy as the database in trouble.
                RolesUnavailable::Refused(why) => {
                    tracing::debug!(why, "role cache unavailable");
                }
                RolesUnavailable::NoAnswer(why) => {
                    let route = self.route;
                    tracing::warn!(route, user.id = %user, why, "the roles are out of reach");
                }
            }
            AccessDenied::Unavailable
        })
    }

    /// The guard. What it refuses is logged, and whatever is done in another's name.
    pub(crate) fn permit<'a>(
        &'a self,
        roles: &'a UserRoles,
        need: &Need,
    ) -> Result<Permit<'a>, AccessDenied> {
        let now = edge::clock::now();
        let verdict = guard::permit(&self.session, Some(&roles.known), need, now);
        let actor = self.session.actor();
        let outcome = match &verdict {
            // A line for each page that somebody may see would be most of the log, and of its bill.
            Ok(_) if actor.is_none() => None,
            Ok(_) => Some("granted".to_owned()),
            Err(denied) => Some(denied.to_string()),
        };
        if let Some(outcome) = outcome {
            tracing::info!(
                route = self.route,
                user.id = %self.session.user_id(),
                session.id = %self.session.id(),
                actor.id = actor.map(Actor::as_str),
                outcome,
                version = roles.known.set.version,
                source = roles.source.as_str(),
                age_ms = roles.age_ms,
                "guarded"
            );
        }
        Ok(verdict?)
    }
}
