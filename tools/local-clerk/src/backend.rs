//! The Backend API, as far as a backend reads users and roles from Clerk, for the SDK and for a
//! reconciliation. <https://state.com/docs/reference/backend-api>
//!
//! It shows the objects of the webhooks, from the same source. It takes requests with the secret
//! key alone, and can be switched to refuse every N-th for there being too many.

mod asked;
mod problem;

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use self::asked::Asked;
use self::problem::Problem;
use crate::api;
use crate::clock::now_ms;
use crate::resources::{ResourceKind, organization_id_of, text_at, user_id_of};
use crate::state::{ServerState, SharedState};

type Answer = Result<Json<Value>, Problem>;
type Pairs = Query<Vec<(String, String)>>;

/// What users may be asked for by.
const USERS: [&str; 6] = [
    "order_by",
    "starting_after",
    "user_id",
    "organization_id",
    "created_at_after",
    "created_at_before",
];

/// What organizations may be asked for by. Each has its `members_count`, asked for or not.
const ORGANIZATIONS: [&str; 4] =
    ["order_by", "user_id", "organization_id", "include_members_count"];

/// What an organization's memberships may be asked for by. The times are the user's.
const MEMBERS: [&str; 5] = ["order_by", "user_id", "role", "created_at_after", "created_at_before"];

/// The API's routes, behind its key.
pub(crate) fn routes(state: &SharedState) -> Router<SharedState> {
    Router::new()
        .route("/v1/users", get(users))
        .route("/v1/users/count", get(count))
        .route("/v1/users/{id}", get(user))
        .route("/v1/users/{id}/organization_memberships", get(memberships_of_user))
        .route("/v1/organizations", get(organizations))
        .route("/v1/organizations/{id}", get(organization))
        .route("/v1/organizations/{id}/memberships", get(memberships_of_organization))
        .route("/v1/organization_memberships", get(memberships))
        .route("/v1/organization_roles", get(roles))
        .route("/v1/organization_permissions", get(permissions))
        .route("/v1/clients/handshake_payload", get(handshake_payload))
        .layer(middleware::from_fn_with_state(Arc::clone(state), limit))
        // Clerk limits no request for the keys.
        .route("/v1/jwks", get(api::jwks))
        .layer(middleware::from_fn_with_state(Arc::clone(state), admit))
}

/// Lets in who has the secret key.
async fn admit(
    State(state): State<SharedState>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(Problem::no_key)?;
    if state.secret_key.is(key) { Ok(next.run(request).await) } else { Err(Problem::wrong_key()) }
}

/// Refuses every N-th request, as the switch says.
async fn limit(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let is_limited = state.fault_injector().limits_next_request();
    if is_limited { Err(Problem::too_many()) } else { Ok(next.run(request).await) }
}

async fn users(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    let asked = Asked::read(pairs, &USERS)?;
    let fields = ["created_at", "updated_at", "last_active_at", "last_sign_in_at"];
    Ok(Json(asked.page(chosen_users(&state, &asked)?, &fields)?.into()))
}

async fn count(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    let asked = Asked::read(pairs, &USERS)?;
    let total = chosen_users(&state, &asked)?.len();
    Ok(Json(json!({ "object": "total_count", "total_count": total })))
}

fn chosen_users(state: &ServerState, asked: &Asked) -> Result<Vec<Value>, Problem> {
    let (ids, organizations) = (asked.ids("user_id")?, asked.ids("organization_id")?);
    let memberships = state.list(ResourceKind::Membership);
    let is_member = |user: &str| {
        organizations.as_ref().is_none_or(|wanted| {
            memberships.iter().any(|it| {
                user_id_of(it) == Some(user)
                    && organization_id_of(it).is_some_and(|id| wanted.contains(&id))
            })
        })
    };
    let mut chosen = Vec::new();
    for user in state.list(ResourceKind::User) {
        let id = text_at(&user, "/id").unwrap_or_default();
        let is_wanted = ids.as_ref().is_none_or(|ids| ids.contains(&id)) && is_member(id);
        if is_wanted && asked.is_in_time(&user)? {
            chosen.push(user);
        }
    }
    Ok(chosen)
}

async fn user(State(state): State<SharedState>, Path(id): Path<String>) -> Answer {
    known(&state, ResourceKind::User, "user", &id).map(Json)
}

async fn organization(State(state): State<SharedState>, Path(id): Path<String>) -> Answer {
    known(&state, ResourceKind::Organization, "organization", &id).map(Json)
}

fn known(state: &ServerState, kind: ResourceKind, name: &str, id: &str) -> Result<Value, Problem> {
    state.resources().get(kind, id).ok_or_else(|| Problem::not_found(name, id))
}

async fn organizations(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    let asked = Asked::read(pairs, &ORGANIZATIONS)?;
    let (ids, users) = (asked.ids("organization_id")?, asked.ids("user_id")?);
    let memberships = state.list(ResourceKind::Membership);
    let has_member = |id: &str| {
        users.as_ref().is_none_or(|wanted| {
            memberships.iter().any(|it| {
                organization_id_of(it) == Some(id)
                    && user_id_of(it).is_some_and(|id| wanted.contains(&id))
            })
        })
    };
    let mut rows = state.list(ResourceKind::Organization);
    rows.retain(|row| {
        let id = text_at(row, "/id").unwrap_or_default();
        ids.as_ref().is_none_or(|ids| ids.contains(&id)) && has_member(id)
    });
    listed(&asked, rows)
}

async fn memberships(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    listed(&Asked::read(pairs, &["order_by"])?, state.list(ResourceKind::Membership))
}

async fn memberships_of_user(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    Query(pairs): Pairs,
) -> Answer {
    let asked = Asked::read(pairs, &[])?;
    known(&state, ResourceKind::User, "user", &id)?;
    let mut rows = state.list(ResourceKind::Membership);
    rows.retain(|row| user_id_of(row) == Some(&id));
    listed(&asked, rows)
}

async fn memberships_of_organization(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    Query(pairs): Pairs,
) -> Answer {
    let asked = Asked::read(pairs, &MEMBERS)?;
    known(&state, ResourceKind::Organization, "organization", &id)?;
    let (users, roles) = (asked.ids("user_id")?, asked.ids("role")?);
    let is_among = |wanted: &Option<Vec<&str>>, found: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| wanted.contains(&found)))
    };
    let mut rows = Vec::new();
    for row in state.list(ResourceKind::Membership) {
        let user = user_id_of(&row).unwrap_or_default();
        // A member who is not known has no time, and none is left out for it.
        let known = state.resources().get(ResourceKind::User, user);
        let is_in_time = known.map_or(Ok(true), |user| asked.is_in_time(&user))?;
        let is_wanted = is_among(&users, Some(user)) && is_among(&roles, text_at(&row, "/role"));
        if organization_id_of(&row) == Some(&id) && is_in_time && is_wanted {
            rows.push(row);
        }
    }
    listed(&asked, rows)
}

async fn roles(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    listed(&Asked::read(pairs, &["order_by"])?, state.list(ResourceKind::Role))
}

async fn permissions(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    listed(&Asked::read(pairs, &["order_by"])?, state.list(ResourceKind::Permission))
}

/// A page, and how many rows there are in all.
fn listed(asked: &Asked, rows: Vec<Value>) -> Answer {
    let total = rows.len();
    Ok(Json(json!({ "data": asked.page(rows, &["created_at"])?, "total_count": total })))
}

/// The cookies that a handshake has answered with a nonce: once.
async fn handshake_payload(State(state): State<SharedState>, Query(pairs): Pairs) -> Answer {
    let nonce = pairs.iter().find(|(name, _)| name == "nonce").map(|(_, nonce)| nonce.as_str());
    let nonce = nonce.ok_or_else(|| Problem::invalid("nonce", "must be given"))?;
    let directives = state.nonces().take(nonce, now_ms());
    let directives = directives.ok_or_else(|| Problem::not_found("handshake", nonce))?;
    Ok(Json(json!({ "directives": directives })))
}
