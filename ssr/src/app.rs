//! From a request to its answer.

use serde::Serialize;
use shared::guard::Need;
use shared::id::ObjectId;
use shared::roles::Membership;
use shared::session::redirect::local_path;
use url::form_urlencoded;
use worker::{Env, Response, Result};

use crate::asker::{Refusal, asker};
use crate::config::{self, Config};
use crate::incoming::{Incoming, Method};
use crate::refuse::{self, rendered};
use crate::roles::Wish;
use crate::route::{self, Guarded, Route};
use crate::{page, question, reply};

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

/// Nothing here is written to. Where a session is needed, that is said first.
async fn writing(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    match route {
        Route::Guarded(_) | Route::Me | Route::Check => match asker(route, incoming, env).await {
            Ok(_) => refuse::not_allowed(route),
            Err(refusal) => refuse::data(&refusal),
        },
        Route::Home | Route::SignIn | Route::Health | Route::Style => refuse::not_allowed(route),
    }
}

async fn reading(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    match route {
        Route::Home => reply::html(200, rendered(page::home())?, &[]),
        Route::Style => reply::style(page::STYLE),
        Route::Health => reply::json(200, &Health { status: "ok" }, &[]),
        Route::SignIn => sign_in(incoming, &config::of(env)),
        Route::Guarded(wanted) => match guarded(route, wanted, incoming, env).await {
            Ok(page) => reply::html(200, rendered(page)?, &[]),
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
) -> std::result::Result<askama::Result<String>, Refusal> {
    let asker = asker(route, incoming, env).await?;
    let roles = asker.roles(env, Wish::default()).await?;
    let permit = asker.permit(&roles, &wanted.need())?;
    Ok(page::guarded(wanted, &permit))
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

/// `/api/me` of a user who is deleted or banned.
#[derive(Serialize)]
struct Barred {
    error: &'static str,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

async fn me(route: &Route, incoming: &Incoming, env: &Env) -> Result<Response> {
    let asker = match asker(route, incoming, env).await {
        Ok(asker) => asker,
        Err(refusal) => return refuse::data(&refusal),
    };
    let roles = match asker.roles(env, Wish::default()).await {
        Ok(roles) => roles,
        Err(refusal) => return refuse::data(&refusal),
    };
    let (version, source, age_ms) = (roles.version(), roles.source.as_str(), roles.age_ms);
    let permit = match asker.permit(&roles, &Need::Session) {
        Ok(permit) => permit,
        Err(Refusal::Forbidden) => {
            let barred = Barred { error: "forbidden", version, source, age_ms };
            return reply::json(403, &barred, &[]);
        }
        Err(refusal) => return refuse::data(&refusal),
    };
    let (session, set) = (permit.session(), permit.set());
    let me = Me {
        user_id: session.user_id().to_string(),
        session_id: session.id().to_string(),
        actor_id: session.actor().map(ObjectId::to_string),
        active_organization_id: session.organization().map(|active| active.id().to_string()),
        roles: set.roles.clone(),
        organizations: set.organizations.clone(),
        version,
        source,
        age_ms,
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
    let wish = Wish { fresh: question.fresh, min_version: question.min_version };
    let roles = match asker.roles(env, wish).await {
        Ok(roles) => roles,
        Err(refusal) => return refuse::data(&refusal),
    };
    let allowed = match asker.permit(&roles, &question.need) {
        Ok(_) => true,
        Err(Refusal::Forbidden) => false,
        Err(refusal) => return refuse::data(&refusal),
    };
    let verdict = Verdict {
        allowed,
        version: roles.version(),
        source: roles.source.as_str(),
        age_ms: roles.age_ms,
    };
    reply::json(if allowed { 200 } else { 403 }, &verdict, &[])
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Sends people on to Clerk, and tells Clerk where on this site they want to go.
fn sign_in(incoming: &Incoming, config: &Config) -> Result<Response> {
    let clerk = match &config.clerk_sign_in {
        Ok(clerk) => clerk,
        Err(mistake) => {
            tracing::error!(%mistake, "sign-in is not configured");
            return refuse::unavailable();
        }
    };
    let query = incoming.query.as_deref().unwrap_or_default();
    let back = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "redirect_url")
        .map_or_else(|| "/dashboard".to_owned(), |(_, raw)| local_path(&raw));
    let mut clerk = clerk.clone();
    let origin = match &config.sessions {
        Ok(sessions) => sessions.own_origin(&incoming.origin),
        Err(_) => "",
    };
    clerk.query_pairs_mut().append_pair("redirect_url", &format!("{origin}{back}"));
    reply::html(200, rendered(page::sign_in(clerk.as_str(), &back))?, &[])
}
