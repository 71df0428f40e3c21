//! The change that a run asks Clerk's Backend API for, and what its answer means.
//! <https://clerk.com/docs/reference/backend-api/tag/users/patch/users/%7Buser_id%7D/metadata>

use serde_json::json;
use url::Url;

use super::{CANARY_ROLES, CanaryRun};
use crate::json::JsonObject;
use crate::time::UnixMillis;

/// The version of the API.
pub const API_VERSION: &str = "2026-05-12";

/// Our limit: bytes of the answer, a user with all its metadata (8 KB each).
pub const ANSWER_BYTES_MAX: usize = 262_144;

/// The member of the metadata that makes each change a new one for Clerk, even if it has the role
/// already: a change that changes nothing might have no delivery.
const RUN_MEMBER: &str = "rolecall_canary";

/// Where to send `PATCH` to. `None` if the user's id cannot be part of a path.
#[must_use]
pub fn change_url(api: &Url, user_id: &str) -> Option<Url> {
    let mut url = api.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(["users", user_id, "metadata"]);
    Some(url)
}

/// The body. Clerk merges it into the metadata of the user, and replaces arrays.
#[must_use]
pub fn change_body(run: &CanaryRun) -> String {
    json!({ "public_metadata": { "roles": [run.role], RUN_MEMBER: run.began_at } }).to_string()
}

/// Whether a user has app roles that are neither the canary's nor `default_role`: a change would
/// replace them, so the id is that of somebody else. Any role counts if the default is not known.
#[must_use]
pub fn has_own_roles(shown: &[String], default_role: Option<&str>) -> bool {
    let is_own = |role: &str| Some(role) != default_role && !CANARY_ROLES.contains(&role);
    shown.iter().any(|role| is_own(role))
}

/// What Clerk's answer means: the `updated_at` of the changed user.
///
/// # Errors
/// What `canary_runs.problem` and the log say: never a text of Clerk's, which may name a person.
pub fn read_answer(status: u16, body: &str) -> Result<UnixMillis, String> {
    match status {
        200 => {}
        401 | 403 => return Err(format!("refused with status {status}: check CLERK_SECRET_KEY")),
        404 => return Err("status 404, no such user: check CANARY_USER_ID".to_owned()),
        _ => return Err(format!("status {status}")),
    }
    let updated_at = JsonObject::parse(body, &["updated_at"])
        .ok()
        .and_then(|user| user.scalar::<i64>("updated_at").ok()?)
        .and_then(UnixMillis::from_clerk);
    updated_at.ok_or_else(|| "an answer without updated_at".to_owned())
}

/// Whether somebody must act: the next minute will not help.
#[must_use]
pub fn needs_operator(status: u16) -> bool {
    matches!(status, 400..=499) && status != 429
}
