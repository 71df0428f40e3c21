//! The part of the Backend API that reads users and roles, and changes metadata: for the SDK, a
//! reconciliation and the canary.
//! <https://clerk.com/docs/reference/backend-api>
//!
//! It shows the resources of the webhooks. Requests need the secret key. Fault switches make it
//! answer every N-th request with 429, and late.

mod list_query;
mod metadata;
mod error;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::error::BackendApiError;
use self::list_query::ListQuery;
use crate::api;
use crate::clock::now_ms;
use crate::resources::{ResourceKind, organization_id_of, text_at, user_id_of};
use crate::state::{ServerState, SharedState};

type JsonResult = Result<Json<Value>, BackendApiError>;
type QueryPairs = Query<Vec<(String, String)>>;

/// The parameters of the list of users.
const USER_PARAMS: [&str; 6] = [
    "order_by",
    "starting_after",
    "user_id",
    "organization_id",
    "created_at_after",
    "created_at_before",
];

/// The parameters of the list of organizations. `members_count` is always included.
const ORGANIZATION_PARAMS: [&str; 4] =
    ["order_by", "user_id", "organization_id", "include_members_count"];

/// The parameters of the list of an organization's memberships. The times are those of the users.
const MEMBER_PARAMS: [&str; 5] =
    ["order_by", "user_id", "role", "created_at_after", "created_at_before"];

/// The routes of the API. They need the secret key.
pub(crate) fn routes(state: &SharedState) -> Router<SharedState> {
    Router::new()
        .route("/v1/users", get(users))
        .route("/v1/users/count", get(count_users))
        .route("/v1/users/{id}", get(user))
        .route("/v1/users/{id}/metadata", patch(metadata::update_metadata))
        .route("/v1/users/{id}/organization_memberships", get(memberships_of_user))
        .route("/v1/organizations", get(organizations))
        .route("/v1/organizations/{id}", get(organization))
        .route("/v1/organizations/{id}/memberships", get(memberships_of_organization))
        .route("/v1/organization_memberships", get(memberships))
        .route("/v1/organization_roles", get(roles))
        .route("/v1/organization_permissions", get(permissions))
        .route("/v1/clients/handshake_payload", get(handshake_payload))
        .layer(middleware::from_fn_with_state(Arc::clone(state), limit_rate))
        // Clerk does not limit requests for the keys.
        .route("/v1/jwks", get(api::jwks))
        .layer(middleware::from_fn_with_state(Arc::clone(state), require_secret_key))
}

/// Refuses requests without the secret key.
async fn require_secret_key(
    State(state): State<SharedState>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, BackendApiError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(BackendApiError::no_key)?;
    if state.secret_key.matches(key) {
        Ok(next.run(request).await)
    } else {
        Err(BackendApiError::wrong_key())
    }
}

/// Waits, and refuses every N-th request, as the switches say.
async fn limit_rate(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Result<Response, BackendApiError> {
    let (wait_ms, is_limited) = {
        let mut faults = state.fault_injector();
        (faults.switches().answer_delay_ms, faults.limits_next_request())
    };
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    if is_limited { Err(BackendApiError::too_many()) } else { Ok(next.run(request).await) }
}

async fn users(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    let query = ListQuery::parse(pairs, &USER_PARAMS)?;
    let fields = ["created_at", "updated_at", "last_active_at", "last_sign_in_at"];
    Ok(Json(query.page(matching_users(&state, &query)?, &fields)?.into()))
}

async fn count_users(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    let query = ListQuery::parse(pairs, &USER_PARAMS)?;
    let total = matching_users(&state, &query)?.len();
    Ok(Json(json!({ "object": "total_count", "total_count": total })))
}

fn matching_users(state: &ServerState, query: &ListQuery) -> Result<Vec<Value>, BackendApiError> {
    let (ids, organizations) = (query.ids("user_id")?, query.ids("organization_id")?);
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
        if is_wanted && query.is_in_time(&user)? {
            chosen.push(user);
        }
    }
    Ok(chosen)
}

async fn user(State(state): State<SharedState>, Path(id): Path<String>) -> JsonResult {
    find(&state, ResourceKind::User, "user", &id).map(Json)
}

async fn organization(State(state): State<SharedState>, Path(id): Path<String>) -> JsonResult {
    find(&state, ResourceKind::Organization, "organization", &id).map(Json)
}

fn find(
    state: &ServerState,
    kind: ResourceKind,
    name: &str,
    id: &str,
) -> Result<Value, BackendApiError> {
    state.resources().get(kind, id).ok_or_else(|| BackendApiError::not_found(name, id))
}

async fn organizations(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    let query = ListQuery::parse(pairs, &ORGANIZATION_PARAMS)?;
    let (ids, users) = (query.ids("organization_id")?, query.ids("user_id")?);
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
    list_response(&query, rows)
}

async fn memberships(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    list_response(&ListQuery::parse(pairs, &["order_by"])?, state.list(ResourceKind::Membership))
}

async fn memberships_of_user(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    Query(pairs): QueryPairs,
) -> JsonResult {
    let query = ListQuery::parse(pairs, &[])?;
    find(&state, ResourceKind::User, "user", &id)?;
    let mut rows = state.list(ResourceKind::Membership);
    rows.retain(|row| user_id_of(row) == Some(&id));
    list_response(&query, rows)
}

async fn memberships_of_organization(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    Query(pairs): QueryPairs,
) -> JsonResult {
    let query = ListQuery::parse(pairs, &MEMBER_PARAMS)?;
    find(&state, ResourceKind::Organization, "organization", &id)?;
    let (users, roles) = (query.ids("user_id")?, query.ids("role")?);
    let is_among = |wanted: &Option<Vec<&str>>, found: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| wanted.contains(&found)))
    };
    let mut rows = Vec::new();
    for row in state.list(ResourceKind::Membership) {
        let user = user_id_of(&row).unwrap_or_default();
        // A member who is not known has no time; the membership stays in the list.
        let known = state.resources().get(ResourceKind::User, user);
        let is_in_time = known.map_or(Ok(true), |user| query.is_in_time(&user))?;
        let is_wanted = is_among(&users, Some(user)) && is_among(&roles, text_at(&row, "/role"));
        if organization_id_of(&row) == Some(&id) && is_in_time && is_wanted {
            rows.push(row);
        }
    }
    list_response(&query, rows)
}

async fn roles(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    list_response(&ListQuery::parse(pairs, &["order_by"])?, state.list(ResourceKind::Role))
}

async fn permissions(State(state): State<SharedState>, Query(pairs): QueryPairs) -> JsonResult {
    list_response(&ListQuery::parse(pairs, &["order_by"])?, state.list(ResourceKind::Permission))
}

/// A page of rows, and the total number of rows.
fn list_response(query: &ListQuery, rows: Vec<Value>) -> JsonResult {
    let total = rows.len();
    Ok(Json(json!({ "data": query.page(rows, &["created_at"])?, "total_count": total })))
}

/// The cookies of a handshake, by their nonce: once.
async fn handshake_payload(
    State(state): State<SharedState>,
    Query(pairs): QueryPairs,
) -> JsonResult {
    let nonce = pairs.iter().find(|(name, _)| name == "nonce").map(|(_, nonce)| nonce.as_str());
    let nonce = nonce.ok_or_else(|| BackendApiError::invalid("nonce", "must be given"))?;
    let directives = state.nonces().take(nonce, now_ms());
    let directives = directives.ok_or_else(|| BackendApiError::not_found("handshake", nonce))?;
    Ok(Json(json!({ "directives": directives })))
}
