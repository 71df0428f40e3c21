//! The access check of every route: session, then roles, then permit, each once per request.

use std::cell::OnceCell;

use edge::metrics;
use shared::cache::isolate::{Freshness, UserRoles};
use shared::check_query::{self, CheckQuery, QueryError};
use shared::guard::{Denied, GuardAnswer, Need, Permit};
use shared::id::UserId;
use shared::metrics::table::{CACHE_AGE_SECONDS, CACHE_ANSWERS};
use shared::session::Session;
use shared::session::handshake::HandshakeRedirect;
use shared::settings::ssr::SessionSettings;
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
    /// The caller lacks what is needed.
    Forbidden(Denied, &'a UserRoles),
    /// It is unknown whether the caller has it, and why. With the roles if they are too old.
    Unavailable(GuardAnswer, Option<&'a UserRoles>),
}

impl Authorization<'_> {
    /// The answer as it is counted, unless nothing was guarded.
    pub(crate) fn guard_answer(&self) -> Option<GuardAnswer> {
        Some(match self {
            Self::Public => return None,
            Self::Page(_) | Self::Api(..) => GuardAnswer::Granted,
            Self::Redirect(_) => GuardAnswer::Handshake,
            Self::Denied(AccessDenied::SignedOut) => GuardAnswer::SignedOut,
            Self::Denied(AccessDenied::BadQuery(_)) => GuardAnswer::BadQuery,
            Self::Denied(AccessDenied::Forbidden(denied, _)) => GuardAnswer::Denied(*denied),
            Self::Denied(AccessDenied::Unavailable(answer, _)) => *answer,
        })
    }
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
    let unavailable = |answer| Authorization::Denied(AccessDenied::Unavailable(answer, None));
    // Settings errors are logged when they are read.
    let (Some(isolate_ms), Some(sessions)) = (settings.isolate_ms, &settings.sessions) else {
        return unavailable(GuardAnswer::Misconfigured);
    };
    let session = match authenticate(route, incoming, sessions).await {
        SessionOutcome::SignedIn(session) => session,
        SessionOutcome::Redirect(redirect) => return Authorization::Redirect(redirect),
        SessionOutcome::SignedOut => return Authorization::Denied(AccessDenied::SignedOut),
        SessionOutcome::Unavailable => return unavailable(GuardAnswer::NoKeys),
    };
    let CheckQuery { need, freshness } = match parse_requirement(route, incoming) {
        Ok(query) => query,
        Err(error) => return Authorization::Denied(AccessDenied::BadQuery(error)),
    };
    let route_name = route.name();
    let roles = match load_roles(env, &session, route_name, freshness, isolate_ms).await {
        Ok(roles) => roles,
        Err(answer) => return unavailable(answer),
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
    sessions: &SessionSettings,
) -> SessionOutcome {
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
) -> Result<UserRoles, GuardAnswer> {
    let user = session.user_id();
    match roles::load_roles(env, user, freshness, isolate_ms).await {
        Ok(roles) => {
            let source = [roles.source.as_str()];
            metrics::count(&CACHE_ANSWERS, &source, 1);
            metrics::observe(&CACHE_AGE_SECONDS, &source, roles.age_ms);
            Ok(roles)
        }
        Err(unavailable) => {
            metrics::count(&CACHE_ANSWERS, &["none"], 1);
            Err(log_unavailable(unavailable, user, route))
        }
    }
}

fn log_unavailable(
    unavailable: RolesUnavailable,
    user: &UserId,
    route: &'static str,
) -> GuardAnswer {
    match unavailable {
        // The object logs the cause once for all waiting queries; a line per request would flood
        // the log.
        RolesUnavailable::Refused(why) => {
            tracing::debug!(cause = why, "role cache unavailable");
            GuardAnswer::CacheRefused
        }
        RolesUnavailable::NoAnswer(why) => {
            tracing::warn!(route, user_id = %user, cause = why, "role cache unavailable");
            GuardAnswer::NoAnswer
        }
    }
}

fn access_denied(denied: Denied, roles: &UserRoles) -> AccessDenied<'_> {
    if denied.is_unknown() {
        AccessDenied::Unavailable(GuardAnswer::Denied(denied), Some(roles))
    } else {
        AccessDenied::Forbidden(denied, roles)
    }
}
