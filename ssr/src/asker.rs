//! Who asks, and what they may do.

use shared::guard::{self, Denied, Need, Permit};
use shared::session::handshake::Leave;
use shared::session::{Actor, Session};
use worker::Env;

use crate::config;
use crate::identity::{self, NoSession};
use crate::incoming::Incoming;
use crate::roles::{self, Roles, Unknowable, Wish};
use crate::route::Route;

/// Somebody with a session.
pub(crate) struct Asker {
    /// Who they are.
    pub(crate) session: Session,
    route: &'static str,
    isolate_ms: i64,
}

/// Why somebody does not get what they asked for.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// They are not signed in.
    SignedOut,
    /// Their browser is to ask Clerk who they are, or comes from there.
    Leaving(Leave),
    /// They may not have it, whatever the reason.
    Forbidden,
    /// It cannot be known whether they may.
    Unknowable,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Cold | Denied::Stale => Self::Unknowable,
            Denied::Barred | Denied::Missing | Denied::Impersonated | Denied::Unproved => {
                Self::Forbidden
            }
        }
    }
}

/// The session of whoever sent the request.
pub(crate) async fn asker(route: &Route, incoming: &Incoming, env: &Env) -> Result<Asker, Refusal> {
    let config = config::of(env);
    // What is wrong was told when it was read.
    let (Some(sessions), Some(isolate_ms)) = (&config.sessions, config.isolate_ms) else {
        return Err(Refusal::Unknowable);
    };
    let visit = match route {
        Route::Guarded(_) => incoming.visit(sessions.own_origin(&incoming.origin)),
        // Nothing here is opened by sending a browser away and back.
        Route::Home | Route::SignIn | Route::Health | Route::Style | Route::Me | Route::Check => {
            None
        }
    };
    match identity::session(incoming, sessions, visit).await {
        Ok(session) => Ok(Asker { session, route: route.name(), isolate_ms }),
        Err(NoSession::Unknowable) => Err(Refusal::Unknowable),
        Err(NoSession::Absent) => Err(Refusal::SignedOut),
        Err(NoSession::Leaving(leave)) => Err(Refusal::Leaving(leave)),
        Err(NoSession::Rejected(rejection)) => {
            tracing::info!(route = route.name(), %rejection, "a token is refused");
            Err(Refusal::SignedOut)
        }
    }
}

impl Asker {
    /// What they may do, as far as the role cache knows.
    pub(crate) async fn roles(&self, env: &Env, wish: Wish) -> Result<Roles, Refusal> {
        let user = self.session.user_id();
        roles::of(env, user, wish, self.isolate_ms).await.map_err(|unknowable| {
            match unknowable {
                // A line for each question would make the log as busy as the database in trouble.
                Unknowable::Told(why) => tracing::debug!(why, "the roles are out of reach"),
                Unknowable::Unheard(why) => {
                    let route = self.route;
                    tracing::warn!(route, user.id = %user, why, "the roles are out of reach");
                }
            }
            Refusal::Unknowable
        })
    }

    /// The guard. What it refuses is logged, and whatever is done in another's name.
    pub(crate) fn permit<'a>(
        &'a self,
        roles: &'a Roles,
        need: &Need,
    ) -> Result<Permit<'a>, Refusal> {
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
