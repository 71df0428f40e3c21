//! The signed-in caller and the guard.

use shared::cache::isolate::UserRoles;
use shared::guard::{self, Denied, Need, Permit};
use shared::session::{Actor, Session};

/// The signed-in caller and their roles: what a permit borrows from.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The session.
    pub(crate) session: Session,
    /// The roles.
    pub(crate) roles: UserRoles,
    /// The route's name, for the log.
    pub(crate) route: &'static str,
}

impl Caller {
    /// Asks the guard. Denials and impersonated access are logged.
    pub(crate) fn permit(&self, need: &Need) -> Result<Permit<'_>, Denied> {
        let now = edge::clock::now();
        let decision = guard::permit(&self.session, Some(&self.roles.snapshot), need, now);
        let actor = self.session.actor();
        let outcome = match &decision {
            // One line for each granted page would be most of the log.
            Ok(_) if actor.is_none() => None,
            Ok(_) => Some("granted".to_owned()),
            Err(denied) => Some(denied.to_string()),
        };
        if let Some(outcome) = outcome {
            tracing::info!(
                route = self.route,
                user_id = %self.session.user_id(),
                session_id = %self.session.id(),
                actor = actor.map(Actor::log_name),
                outcome,
                version = self.roles.snapshot.set.version,
                source = self.roles.source.as_str(),
                age_ms = self.roles.age_ms,
                "access decision"
            );
        }
        decision
    }
}
