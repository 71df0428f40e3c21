//! From a request to its answer.

use edge::fault_point;
use serde::Serialize;
use shared::guard::Need;
use shared::roles::Membership;
use shared::session::redirect::local_path;
use shared::settings::ssr::{NO_FRONTEND, SsrSettings};
use url::form_urlencoded;
use worker::{Env, Response, Result};

use crate::caller::{AccessDenied, authenticate};
use crate::config;
use crate::denied::{self, render};
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::roles::Freshness;
use crate::route::{self, GuardedPage, Route};
use crate::{check_query, page, permitted_page, reply, sign_out};

/// Answers a request.
pub(crate) async fn answer(incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    let Some(route) = route::find_route(&incoming.path) else {
        return denied::not_found(incoming);
    };
    match incoming.method {
        RequestMethod::Get | RequestMethod::Head => serve(&route, incoming, env).await,
        RequestMethod::Other => refuse_write(&route, incoming, env).await,
    }
}

/// Nothing here is written to. Whether somebody may be here at all is said first.
async fn refuse_write(route: &Route, incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    match check_access(route, incoming, env).await {
        Ok(()) => denied::not_allowed(route),
        Err(refusal) => denied::json_response(&refusal),
    }
}

/// Whether whoever asks may have what is here, by the guard that stands before reading it.
async fn check_access(
    route: &Route,
    incoming: &IncomingRequest,
    env: &Env,
) -> std::result::Result<(), AccessDenied> {
    let need = match route {
        Route::Guarded(wanted) => wanted.need(),
        Route::Me | Route::Check => Need::Session,
        Route::Home | Route::SignIn | Route::Health | Route::Style => return Ok(()),
    };
    let asker = authenticate(route, incoming, env).await?;
    let roles = asker.roles(env, Freshness::default()).await?;
    asker.permit(&roles, &need).map(drop)
}

async fn serve(route: &Route, incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    match route {
        Route::Home => reply::html(200, render(page::home())?, &[]),
        Route::Style => reply::stylesheet(page::STYLE),
        Route::Health => health(&config::settings(env)),
        Route::SignIn => sign_in(incoming, &config::settings(env)),
        Route::Guarded(wanted) => match guarded_page(route, wanted, incoming, env).await {
            Ok(answer) => answer,
            Err(refusal) => denied::page_response(refusal, incoming, &config::settings(env)),
        },
        Route::Me => get_me(route, incoming, env).await,
        Route::Check => get_check(route, incoming, env).await,
    }
}

/// A page under a guard: session, roles, permit, and only then the page.
async fn guarded_page(
    route: &Route,
    wanted: &GuardedPage,
    incoming: &IncomingRequest,
    env: &Env,
) -> std::result::Result<Result<Response>, AccessDenied> {
    let asker = authenticate(route, incoming, env).await?;
    let roles = asker.roles(env, Freshness::default()).await?;
    let opened = permitted_page::permit_page(wanted, &asker, &roles)?;
    fault_point!(env, "page-permitted", asker.session.user_id().as_str());
    let sign_out = sign_out::sign_out_form(&config::settings(env), incoming);
    let page = render(page::guarded(&opened, sign_out.as_ref()));
    Ok(page.and_then(|page| reply::html_with_form(sign_out.as_ref(), 200, page)))
}

#[derive(Serialize)]
struct MeResponse {
    user_id: String,
    session_id: String,
    /// Who acts as the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<String>,
    /// Where the user says to be working; it grants nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_organization_id: Option<String>,
    roles: Vec<String>,
    organizations: Vec<Membership>,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

async fn get_me(route: &Route, incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    let asker = match authenticate(route, incoming, env).await {
        Ok(asker) => asker,
        Err(refusal) => return denied::json_response(&refusal),
    };
    let wish = match check_query::wish(incoming.query.as_deref().unwrap_or_default()) {
        Ok(wish) => wish,
        Err(bad) => return reply::error_json(400, &bad.to_string(), &[]),
    };
    let roles = match asker.roles(env, wish).await {
        Ok(roles) => roles,
        Err(refusal) => return denied::json_response(&refusal),
    };
    let permit = match asker.permit(&roles, &Need::Session) {
        Ok(permit) => permit,
        Err(refusal) => return denied::json_response_with_roles(&refusal, &roles),
    };
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

async fn get_check(route: &Route, incoming: &IncomingRequest, env: &Env) -> Result<Response> {
    let asker = match authenticate(route, incoming, env).await {
        Ok(asker) => asker,
        Err(refusal) => return denied::json_response(&refusal),
    };
    let question =
        match check_query::parse_check_query(incoming.query.as_deref().unwrap_or_default()) {
            Ok(question) => question,
            Err(bad) => return reply::error_json(400, &bad.to_string(), &[]),
        };
    let roles = match asker.roles(env, question.wish).await {
        Ok(roles) => roles,
        Err(refusal) => return denied::json_response(&refusal),
    };
    let allowed = match asker.permit(&roles, &question.need) {
        Ok(_) => true,
        Err(AccessDenied::Forbidden) => false,
        Err(refusal) => return denied::json_response_with_roles(&refusal, &roles),
    };
    let verdict = CheckResponse {
        allowed,
        version: roles.version(),
        source: roles.source.as_str(),
        age_ms: roles.age_ms,
    };
    reply::json(if allowed { 200 } else { 403 }, &verdict, &[])
}

/// Healthy is an application whose settings are what they can be.
fn health(settings: &SsrSettings) -> Result<Response> {
    let (status, health) = edge::settings::health(&settings.mistakes);
    let retry = (status != 200).then_some(reply::RETRY_AFTER);
    reply::json(status, &health, retry.as_slice())
}

/// Sends people on to Clerk, and tells Clerk where on this site they want to go.
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
