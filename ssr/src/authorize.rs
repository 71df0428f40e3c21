//! The access check of every route: session, then roles, then permit, each once per request.

use std::cell::OnceCell;

use shared::cache::isolate::{Freshness, UserRoles};
use shared::check_query::{self, CheckQuery, QueryError};
use shared::guard::{Denied, Need, Permit};
use shared::session::Session;
use shared::session::handshake::HandshakeRedirect;
use shared::settings::ssr::SsrSettings;
use worker::Env;

use crate::caller::Caller;
use crate::config;
use crate::find_session::{SessionOutcome, find_session};
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::permitted_page::{PermittedPage, permit_page};
use crate::roles::{self, RolesUnavailable};
use crate::route::Route;

/// What a request gets.
#[derive(Debug)]
pub(crate) enum Authorization<'a> {
    /// The route is open to everybody.
    Public,
    /// A guarded page, with its permit.
    Page(PermittedPage<'a>),
    /// An API route, with its permit and the roles that it is based on.
    Api(Permit<'a>, &'a UserRoles),
    /// The browser is sent to Clerk, or back to its page after a handshake.
    Redirect(HandshakeRedirect),
    /// Access is denied.
    Denied(AccessDenied<'a>),
}

/// Why access is denied.
#[derive(Debug)]
pub(crate) enum AccessDenied<'a> {
    /// The caller is not signed in.
    SignedOut,
    /// The query is invalid.
    BadQuery(QueryError),
    /// The caller lacks what is needed, for any reason.
    Forbidden(&'a UserRoles),
    /// The keys or the roles are unavailable. With the roles if they are too old.
    Unavailable(Option<&'a UserRoles>),
}

/// Decides what the request gets. `slot` is empty; it receives the caller, which the permit borrows
/// from.
pub(crate) async fn authorize<'a>(
    route: &'a Route,
    incoming: &IncomingRequest,
    env: &Env,
    slot: &'a OnceCell<Caller>,
) -> Authorization<'a> {
    if !route.needs_session() {
        return Authorization::Public;
    }
    let settings = config::settings(env);
    // Settings errors are logged when they are read.
    let Some(isolate_ms) = settings.isolate_ms else {
        return Authorization::Denied(AccessDenied::Unavailable(None));
    };
    let session = match authenticate(route, incoming, &settings).await {
        SessionOutcome::SignedIn(session) => session,
        SessionOutcome::Redirect(redirect) => return Authorization::Redirect(redirect),
        SessionOutcome::SignedOut => return Authorization::Denied(AccessDenied::SignedOut),
        SessionOutcome::Unavailable => {
            return Authorization::Denied(AccessDenied::Unavailable(None));
        }
    };
    let CheckQuery { need, freshness } = match parse_requirement(route, incoming) {
        Ok(query) => query,
        Err(error) => return Authorization::Denied(AccessDenied::BadQuery(error)),
    };
    let route_name = route.name();
    let Some(roles) = load_roles(env, &session, route_name, freshness, isolate_ms).await else {
        return Authorization::Denied(AccessDenied::Unavailable(None));
    };
    let caller = slot.get_or_init(|| Caller { session, roles, route: route_name });
    let access = match route {
        Route::Guarded(page) => permit_page(page, caller).map(Authorization::Page),
        Route::Me | Route::Check | Route::Home | Route::SignIn | Route::Health | Route::Style => {
            caller.permit(&need).map(|permit| Authorization::Api(permit, &caller.roles))
        }
    };
    access.unwrap_or_else(|denied| Authorization::Denied(access_denied(denied, &caller.roles)))
}

/// The caller's session. A browser is sent to Clerk only for a page.
async fn authenticate(
    route: &Route,
    incoming: &IncomingRequest,
    settings: &SsrSettings,
) -> SessionOutcome {
    let Some(sessions) = &settings.sessions else { return SessionOutcome::Unavailable };
    let page_request = match route {
        Route::Guarded(_) => incoming.page_request(sessions.site_origin(&incoming.origin)),
        Route::Home | Route::SignIn | Route::Health | Route::Style | Route::Me | Route::Check => {
            None
        }
    };
    find_session(incoming, sessions, page_request, route.name()).await
}

/// What the route requires of the caller, and how fresh the roles must be. The need is for API
/// routes only: [`permit_page`] takes that of a page from the page itself.
fn parse_requirement(route: &Route, incoming: &IncomingRequest) -> Result<CheckQuery, QueryError> {
    let query = incoming.query.as_deref().unwrap_or_default();
    let any_age = |need| Ok(CheckQuery { need, freshness: Freshness::default() });
    match route {
        Route::Guarded(page) => any_age(page.need()),
        // A write is refused anyway: its query is not read.
        _ if incoming.method == RequestMethod::Other => any_age(Need::Session),
        Route::Check => check_query::parse_check_query(query),
        Route::Me | Route::Home | Route::SignIn | Route::Health | Route::Style => {
            let freshness = check_query::parse_freshness(query)?;
            Ok(CheckQuery { need: Need::Session, freshness })
        }
    }
}

async fn load_roles(
    env: &Env,
    session: &Session,
    route: &'static str,
    freshness: Freshness,
    isolate_ms: i64,
) -> Option<UserRoles> {
    let user = session.user_id();
    match roles::load_roles(env, user, freshness, isolate_ms).await {
        Ok(roles) => return Some(roles),
        // The object logs the cause once for all waiting queries; a line per request would flood
        // the log.
        Err(RolesUnavailable::Refused(why)) => {
            tracing::debug!(cause = why, "role cache unavailable");
        }
        Err(RolesUnavailable::NoAnswer(why)) => {
            tracing::warn!(route, user_id = %user, cause = why, "role cache unavailable");
        }
    }
    None
}

fn access_denied(denied: Denied, roles: &UserRoles) -> AccessDenied<'_> {
    match denied {
        Denied::NoRoleSet | Denied::RoleSetTooOld => AccessDenied::Unavailable(Some(roles)),
        Denied::UserBlocked | Denied::NotGranted | Denied::Impersonated | Denied::NotReverified => {
            AccessDenied::Forbidden(roles)
        }
    }
}
