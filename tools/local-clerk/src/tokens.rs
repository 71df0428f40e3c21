//! Tokens by the JSON interface: as Clerk mints them, and wrong in a form that is asked for.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Refusal;
use crate::claims::{Active, Actor, Claims, Version};
use crate::clock::now_ms;
use crate::state::{SESSION_TTL_S, SharedState};
use crate::wrong::{TABLE, Wrong, find};

/// A token's longest life, and how far in the past one may have ended.
const TTL_S_MAX: i64 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    user_id: String,
    ttl_s: Option<i64>,
    /// Who acts as the user: any text, as in Clerk.
    actor_id: Option<String>,
    /// Where the user is working.
    organization: Option<Active>,
    /// The version of the claims, 1 or 2.
    version: Option<u8>,
    /// The name of a form in which it is wrong.
    wrong: Option<String>,
}

impl Asked {
    fn version(&self) -> Result<Version, Refusal> {
        let active = self.organization.clone();
        match self.version {
            Some(1) => Ok(Version::first(active)),
            None | Some(2) => Ok(Version::second(active)),
            Some(_) => Err(Refusal::bad("version must be 1 or 2")),
        }
    }

    fn wrong(&self) -> Result<Option<Wrong>, Refusal> {
        let named = self.wrong.as_deref().map(|name| {
            find(name).ok_or_else(|| {
                let names: Vec<&str> = TABLE.iter().map(|wrong| wrong.name).collect();
                Refusal::bad(format!("wrong must be one of {}", names.join(", ")))
            })
        });
        named.transpose()
    }
}

/// Whether it is shaped as a user's id.
fn is_user(id: &str) -> bool {
    let tail = id.strip_prefix("user_").unwrap_or_default();
    !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The wrong forms that can be asked for.
pub(crate) async fn wrong() -> Json<Value> {
    Json(json!(TABLE))
}

pub(crate) async fn token(
    State(state): State<SharedState>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Json(asked) = asked?;
    if !is_user(&asked.user_id) || asked.actor_id.as_deref() == Some("") {
        return Err(Refusal::bad(
            "user_id must be `user_` and letters or digits, and actor_id must not be empty",
        ));
    }
    let ttl_s = asked.ttl_s.unwrap_or(SESSION_TTL_S);
    if !(-TTL_S_MAX..=TTL_S_MAX).contains(&ttl_s) {
        return Err(Refusal::bad("ttl_s must lie between -86400 and 86400"));
    }
    let (version, wrong) = (asked.version()?, asked.wrong()?);
    let now_s = now_ms() / 1000;
    let mut claims =
        Claims::new(&state.issuer, &state.apps.first().origin(), &asked.user_id, now_s, ttl_s);
    claims.version = version;
    claims.act = asked.actor_id.map(|sub| Actor { iss: state.issuer.clone(), sub });
    let token = match wrong {
        Some(wrong) => state.forger.forge(&state.keys, wrong, &claims).map_err(Refusal::broken)?,
        None => state.keys.sign(&claims).map_err(Refusal::broken)?,
    };
    Ok(Json(json!({ "token": token })))
}
