//! From a request to its answer.

use edge::fault_point;
use serde::Serialize;
use shared::guard::Need;
use shared::roles::Membership;
use shared::session::redirect::local_path;
use shared::settings::ssr::{NO_FRONTEND, Ssr};
use url::form_urlencoded;
use worker::{Env, Response, Result};

use crate::asker::{Refusal, asker};
use crate::config;
use crate::incoming::{Incoming, Method};
use crate::refuse::{self, rendered};
use crate::roles::Wish;
use crate::route::{self, Guarded, Route};
use crate::{opened, page, question, reply, sign_out};

/// Answers a request.
pub(crate) async fn answer(incoming: &Incoming, env: &Env) -> Result<Response> {
    let Some(route) = route::find(&incoming.path) else {
        return refuse::not_found(incoming);
    };
    match incoming.method {
        Method::Get | Method::Head => reading(&route, incoming, env).await,
        Method::Other => writing(&route, incoming, env).await,
    }
}

/// Nothing here is written to. Whether somebody may be here at all is said first.
async fn writing(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    match admitted(route, incoming, env).await {
        Ok(()) => refuse::not_allowed(route),
        Err(refusal) => refuse::data(&refusal),
    }
}

/// Whether whoever asks may have what is here, by the guard that stands before reading it.
async fn admitted(
    route: &Route,
    incoming: &Incoming,
    env: &Env,
) -> std::result::Result<(), Refusal> {
    let need = match route {
        Route::Guarded(wanted) => wanted.need(),
        Route::Me | Route::Check => Need::Session,
        Route::Home | Route::SignIn | Route::Health | Route::Style => return Ok(()),
    };
    let asker = asker(route, incoming, env).await?;
    let roles = asker.roles(env, Wish::default()).await?;
    asker.permit(&roles, &need).map(drop)
}

async fn reading(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    match route {
        Route::Home => reply::html(200, rendered(page::home())?, &[]),
        Route::Style => reply::style(page::STYLE),
        Route::Health => health(&config::of(env)),
        Route::SignIn => sign_in(incoming, &config::of(env)),
        Route::Guarded(wanted) => match guarded(route, wanted, incoming, env).await {
            Ok(answer) => answer,
            Err(refusal) => refuse::page(refusal, incoming, &config::of(env)),
        },
        Route::Me => me(route, incoming, env).await,
        Route::Check => check(route, incoming, env).await,
    }
}

/// A page under a guard: session, roles, permit, and only then the page.
async fn guarded(
    route: &Route,
    wanted: &Guarded,
    incoming: &Incoming,
    env: &Env,
) -> std::result::Result<Result<Response>, Refusal> {
    let asker = asker(route, incoming, env).await?;
    let roles = asker.roles(env, Wish::default()).await?;
    let opened = opened::open(wanted, &asker, &roles)?;
    fault_point!(env, "page-permitted", asker.session.user_id().as_str());
    let sign_out = sign_out::of(&config::of(env), incoming);
    let page = rendered(page::guarded(&opened, sign_out.as_ref()));
    Ok(page.and_then(|page| reply::html_with(sign_out.as_ref(), 200, page)))
}

#[derive(Serialize)]
struct Me {
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

async fn me(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    let asker = match asker(route, incoming, env).await {
        Ok(asker) => asker,
        Err(refusal) => return refuse::data(&refusal),
    };
    let wish = match question::wish(incoming.query.as_deref().unwrap_or_default()) {
        Ok(wish) => wish,
        Err(bad) => return reply::trouble(400, &bad.to_string(), &[]),
    };
    let roles = match asker.roles(env, wish).await {
        Ok(roles) => roles,
        Err(refusal) => return refuse::data(&refusal),
    };
    let permit = match asker.permit(&roles, &Need::Session) {
        Ok(permit) => permit,
        Err(refusal) => return refuse::data_with(&refusal, &roles),
    };
    let (session, set) = (permit.session(), permit.set());
    let me = Me {
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
struct Verdict {
    allowed: bool,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

async fn check(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    let asker = match asker(route, incoming, env).await {
        Ok(asker) => asker,
        Err(refusal) => return refuse::data(&refusal),
    };
    let question = match question::read(incoming.query.as_deref().unwrap_or_default()) {
        Ok(question) => question,
        Err(bad) => return reply::trouble(400, &bad.to_string(), &[]),
    };
    let roles = match asker.roles(env, question.wish).await {
        Ok(roles) => roles,
        Err(refusal) => return refuse::data(&refusal),
    };
    let allowed = match asker.permit(&roles, &question.need) {
        Ok(_) => true,
        Err(Refusal::Forbidden) => false,
        Err(refusal) => return refuse::data_with(&refusal, &roles),
    };
    let verdict = Verdict {
        allowed,
        version: roles.version(),
        source: roles.source.as_str(),
        age_ms: roles.age_ms,
    };
    reply::json(if allowed { 200 } else { 403 }, &verdict, &[])
}

/// Healthy is an application whose settings are what they can be.
fn health(settings: &Ssr) -> Result<Response> {
    let (status, health) = edge::settings::health(&settings.mistakes);
    let retry = (status != 200).then_some(reply::RETRY_AFTER);
    reply::json(status, &health, retry.as_slice())
}

/// Sends people on to Clerk, and tells Clerk where on this site they want to go.
fn sign_in(incoming: &Incoming, config: &Ssr) -> Result<Response> {
    let Some(clerk) = &config.clerk_sign_in else {
        edge::settings::tell(&[NO_FRONTEND]);
        return refuse::unavailable();
    };
    let query = incoming.query.as_deref().unwrap_or_default();
    let back = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "redirect_url")
        .map_or_else(|| "/dashboard".to_owned(), |(_, raw)| local_path(&raw));
    let mut clerk = clerk.clone();
    let origin = match &config.sessions {
        Some(sessions) => sessions.own_origin(&incoming.origin),
        None => "",
    };
    clerk.query_pairs_mut().append_pair("redirect_url", &format!("{origin}{back}"));
    reply::html(200, rendered(page::sign_in(clerk.as_str(), &back))?, &[])
}
