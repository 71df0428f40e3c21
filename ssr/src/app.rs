//! From a request to its answer.

use std::cell::OnceCell;

use edge::{fault_point, metrics};
use serde::Serialize;
use shared::cache::isolate::UserRoles;
use shared::guard::{GuardAnswer, Permit};
use shared::metrics::table::{GUARD_ANSWERS, GUARD_SECONDS};
use shared::roles::Membership;
use shared::session::redirect::local_path;
use shared::settings::ssr::{NO_FRONTEND, SsrSettings};
use shared::time::UnixMillis;
use url::form_urlencoded;
use worker::{Env, Response, Result};

use crate::authorize::{AccessDenied, Authorization, authorize};
use crate::config;
use crate::denied::{self, render};
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::permitted_page::PermittedPage;
use crate::route::{self, Route};
use crate::{page, reply, sign_out};

/// Answers a request.
pub(crate) async fn answer(incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    let Some(route) = route::find_route(&incoming.path) else {
        return denied::not_found(incoming);
    };
    let (caller, arrived) = (OnceCell::new(), edge::clock::now());
    let authorization = authorize(&route, incoming, env, &caller).await;
    if let Some(answer) = authorization.guard_answer() {
        count(answer, arrived);
    }
    let is_write = incoming.method == RequestMethod::Other;
    match authorization {
        Authorization::Denied(denied) if is_write => denied::json_response(&denied),
        Authorization::Denied(denied) => serve_denied(&route, &denied, incoming, env),
        Authorization::Redirect(redirect) => reply::handshake_redirect(&redirect),
        // All routes are read-only: 405 after the access check.
        _ if is_write => denied::method_not_allowed(&route),
        Authorization::Public => serve_public(&route, incoming, env),
        Authorization::Page(page) => {
            fault_point!(env, "page-permitted", page.permit().session().user_id().as_str());
            serve_page(&page, incoming, env)
        }
        Authorization::Api(permit, roles) => match route {
            Route::Check => serve_check(true, roles),
            Route::Me => serve_me(&permit, roles),
            Route::Home | Route::SignIn | Route::Health | Route::Style | Route::Guarded(_) => {
                denied::not_found(incoming)
            }
        },
    }
}

fn count(answer: GuardAnswer, arrived: UnixMillis) {
    let outcome = answer.outcome();
    metrics::count(&GUARD_ANSWERS, &[outcome, answer.reason()], 1);
    metrics::observe(&GUARD_SECONDS, &[outcome], edge::clock::now().since(arrived));
}

fn serve_denied(
    route: &Route,
    denied: &AccessDenied<'_>,
    incoming: &IncomingRequest,
    env: &Env,
) -> Result<Response> {
    match (route, denied) {
        (Route::Check, AccessDenied::Forbidden(_, roles)) => serve_check(false, roles),
        (Route::Guarded(_), _) => denied::page_response(denied, incoming, &config::settings(env)),
        _ => denied::json_response_with_roles(denied),
    }
}

fn serve_public(route: &Route, incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    match route {
        Route::Home => reply::html(200, render(page::home())?, &[]),
        Route::Style => reply::stylesheet(page::STYLE),
        Route::Health => health(&config::settings(env)),
        Route::SignIn => sign_in(incoming, &config::settings(env)),
        Route::Guarded(_) | Route::Me | Route::Check => denied::not_found(incoming),
    }
}

fn serve_page(
    permitted: &PermittedPage<'_>,
    incoming: &IncomingRequest,
    env: &Env,
) -> Result<Response> {
    let sign_out = sign_out::sign_out_form(&config::settings(env), incoming);
    let page = render(page::guarded(permitted, sign_out.as_ref()))?;
    reply::html_with_form(sign_out.as_ref(), 200, page)
}

#[derive(Serialize)]
struct MeResponse {
    user_id: String,
    session_id: String,
    /// Who acts as the user (impersonation).
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<String>,
    /// The active organization; it grants nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_organization_id: Option<String>,
    roles: Vec<String>,
    organizations: Vec<Membership>,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

fn serve_me(permit: &Permit<'_>, roles: &UserRoles) -> Result<Response> {
    let (session, set) = (permit.session(), permit.set());
    let me = MeResponse {
        user_id: session.user_id().to_string(),
        session_id: session.id().to_string(),
        actor_id: session.actor().map(|actor| actor.as_str().to_owned()),
        active_organization_id: session.organization().map(|active| active.id().to_string()),
        roles: set.roles.clone(),
        organizations: set.organizations.clone(),
        version: roles.version(),
        source: roles.source.as_str(),
        age_ms: roles.age_ms,
    };
    reply::json(200, &me, &[])
}

#[derive(Serialize)]
struct CheckResponse {
    allowed: bool,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

fn serve_check(allowed: bool, roles: &UserRoles) -> Result<Response> {
    let answer = CheckResponse {
        allowed,
        version: roles.version(),
        source: roles.source.as_str(),
        age_ms: roles.age_ms,
    };
    reply::json(if allowed { 200 } else { 403 }, &answer, &[])
}

/// Healthy if all settings are valid.
fn health(settings: &SsrSettings) -> Result<Response> {
    let (status, health) = edge::settings::health(&settings.errors);
    let retry = (status != 200).then_some(reply::RETRY_AFTER);
    reply::json(status, &health, retry.as_slice())
}

/// A page with the link to Clerk's sign-in, which leads back to this site.
fn sign_in(incoming: &IncomingRequest, config: &SsrSettings) -> Result<Response> {
    let Some(clerk) = &config.clerk_sign_in else {
        edge::settings::log_errors(&[NO_FRONTEND]);
        return denied::unavailable();
    };
    let query = incoming.query.as_deref().unwrap_or_default();
    let back = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "redirect_url")
        .map_or_else(|| "/dashboard".to_owned(), |(_, raw)| local_path(&raw));
    let mut clerk = clerk.clone();
    let origin = match &config.sessions {
        Some(sessions) => sessions.site_origin(&incoming.origin),
        None => "",
    };
    clerk.query_pairs_mut().append_pair("redirect_url", &format!("{origin}{back}"));
    reply::html(200, render(page::sign_in(clerk.as_str(), &back))?, &[])
}
