//! `PATCH /v1/users/{id}/metadata`: changes a user's metadata; the event follows the answer.
//! <https://clerk.com/docs/reference/backend/user/update-user-metadata>

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde_json::{Map, Value};

use super::JsonResult;
use super::error::BackendApiError;
use crate::clock::now_ms;
use crate::delivery::{DeliveryFaults, WebhookDelivery};
use crate::ids::new_svix_id;
use crate::payload::event_body;
use crate::resources::{ResourceKind, time_of};
use crate::state::SharedState;

const MEMBERS: [&str; 3] = ["public_metadata", "private_metadata", "unsafe_metadata"];

pub(super) async fn update_metadata(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> JsonResult {
    let Json(changes) = body.map_err(|_| BackendApiError::unreadable())?;
    for (name, change) in &changes {
        if !MEMBERS.contains(&name.as_str()) {
            return Err(BackendApiError::unknown(name));
        }
        if !change.is_object() {
            return Err(BackendApiError::invalid(name, "must be an object"));
        }
    }
    let user = state.resources().update(ResourceKind::User, &id, |user| {
        let before = time_of(user, "updated_at").unwrap_or_default();
        let Some(members) = user.as_object_mut() else { return };
        for (name, change) in changes {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
        members.insert("updated_at".to_owned(), now_ms().max(before.saturating_add(1)).into());
    });
    let user = user.ok_or_else(|| BackendApiError::not_found("user", &id))?;
    let instance_id = state.session_key.instance_id();
    let delivery = WebhookDelivery {
        svix_id: new_svix_id(),
        body: event_body(instance_id, "user.updated", &user, now_ms()),
        faults: DeliveryFaults::default(),
    };
    // Clerk answers without waiting for the receiver.
    let sender = Arc::clone(&state);
    tokio::spawn(async move { sender.deliver(delivery).await });
    Ok(Json(user))
}

/// As Clerk merges: objects member by member, `null` removes, anything else replaces.
fn merge(into: &mut Value, change: Value) {
    let Value::Object(changes) = change else {
        *into = change;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Some(members) = into.as_object_mut() else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::merge;

    #[track_caller]
    fn check(before: Value, change: Value, want: &Value) {
        let mut merged = before;
        merge(&mut merged, change);
        assert_eq!(&merged, want);
    }

    #[test]
    fn metadata_is_merged_deeply() {
        check(
            json!({ "a": { "b": 1, "c": 2 }, "roles": ["x", "y"], "gone": 1 }),
            json!({ "a": { "c": null, "d": { "e": null, "f": 3 } }, "roles": ["z"], "gone": null }),
            &json!({ "a": { "b": 1, "d": { "f": 3 } }, "roles": ["z"] }),
        );
        check(json!({ "a": 1 }), json!({}), &json!({ "a": 1 }));
        check(Value::Null, json!({ "a": {} }), &json!({ "a": {} }));
    }
}
