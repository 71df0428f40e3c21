//! Session tokens on request: valid as those of Clerk, or invalid in a requested way.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::claims::{ActorClaim, ClaimsVersion, OrganizationParams, SessionClaims};
use crate::clock::now_ms;
use crate::invalid_tokens::{INVALID_TOKENS, InvalidToken, find};
use crate::state::{SESSION_TTL_S, SharedState};

/// The longest lifetime of a token, and how long ago one may have expired.
const TTL_S_MAX: i64 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    user_id: String,
    ttl_s: Option<i64>,
    /// The id of an actor who impersonates the user: any text, as at Clerk.
    actor_id: Option<String>,
    /// The active organization.
    organization: Option<OrganizationParams>,
    /// The version of the claims: 1 or 2.
    version: Option<u8>,
    /// The name of an invalid token.
    #[serde(rename = "wrong")]
    invalid: Option<String>,
}

impl TokenRequest {
    fn claims_version(&self) -> Result<ClaimsVersion, ApiError> {
        let active = self.organization.clone();
        match self.version {
            Some(1) => Ok(ClaimsVersion::v1(active)),
            None | Some(2) => Ok(ClaimsVersion::v2(active)),
            Some(_) => Err(ApiError::bad_request("version must be 1 or 2: leave it out for 2")),
        }
    }

    fn invalid_token(&self) -> Result<Option<InvalidToken>, ApiError> {
        let named = self.invalid.as_deref().map(|name| {
            find(name).ok_or_else(|| {
                let names: Vec<&str> = INVALID_TOKENS.iter().map(|invalid| invalid.name).collect();
                ApiError::bad_request(format!("wrong must be one of {}", names.join(", ")))
            })
        });
        named.transpose()
    }
}

/// Whether the id has the form of a user id.
fn is_user_id(id: &str) -> bool {
    let tail = id.strip_prefix("user_").unwrap_or_default();
    !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The invalid tokens that a request may name.
pub(crate) async fn list_invalid_tokens() -> Json<Value> {
    Json(json!(INVALID_TOKENS))
}

/// Makes a token.
pub(crate) async fn create_token(
    State(state): State<SharedState>,
    request: Result<Json<TokenRequest>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(request) = request?;
    if !is_user_id(&request.user_id) || request.actor_id.as_deref() == Some("") {
        return Err(ApiError::bad_request(
            "user_id must be `user_` and letters or digits, and actor_id must not be empty",
        ));
    }
    let ttl_s = request.ttl_s.unwrap_or(SESSION_TTL_S);
    if !(-TTL_S_MAX..=TTL_S_MAX).contains(&ttl_s) {
        return Err(ApiError::bad_request("ttl_s must lie between -86400 and 86400"));
    }
    let (version, invalid) = (request.claims_version()?, request.invalid_token()?);
    let now_s = now_ms() / 1000;
    let mut claims = SessionClaims::new(
        &state.issuer,
        &state.apps.first().origin(),
        &request.user_id,
        now_s,
        ttl_s,
    );
    claims.version = version;
    claims.act = request.actor_id.map(|sub| ActorClaim { iss: state.issuer.clone(), sub });
    let token = match invalid {
        Some(invalid) => {
            state.forger.forge(&state.session_key, invalid, &claims).map_err(ApiError::internal)?
        }
        None => state.session_key.sign_session(&claims).map_err(ApiError::internal)?,
    };
    Ok(Json(json!({ "token": token })))
}
