//! Requests and answers of the console's JSON API, `/api/v1`. The console writes what the program
//! `rolecall` reads, so both use these types; `console/openapi.json` describes them.
//!
//! Members are only ever added. Times are milliseconds since 1970 in UTC. A list ends with `next`,
//! the cursor of the next page, or `null`.

pub mod explain;
pub mod letters;
pub mod overview;
pub mod replays;
pub mod roles;

use serde::{Deserialize, Serialize};

use super::audit::{AuditEntry, AuditHead};
use crate::json::serde_struct_from_object;

/// The path before every route of the API.
pub const PREFIX: &str = "/api/v1";

/// The header with which a repeated `POST` is recognized.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ApiError {
    /// For programs, `plan-changed` for example.
    pub error: String,
    /// What is wrong, for people.
    pub message: String,
    /// What to do next.
    pub next: String,
}

/// `GET /whoami`: who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Whoami {
    /// As in the audit trail.
    pub actor: String,
    /// The name for people: an e-mail address, or that of the token.
    pub name: String,
    /// Whether they may change things.
    pub may_change: bool,
    /// The console's version.
    pub version: String,
}

/// `GET /audit`: entries, the newest first, or in the order of the chain with `after=SEQ`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Names of the actors in them, where they are known: pairs of actor and name.
    pub names: Vec<ActorName>,
    /// The head of the trail.
    pub head: AuditHead,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// The name of an actor, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ActorName {
    /// As in the audit trail.
    pub actor: String,
    /// Their e-mail address.
    pub name: String,
}

serde_struct_from_object!(ApiError, Whoami, AuditPage, ActorName);
