//! The bodies that Clerk delivers, with the fields that matter here.

use serde_json::{Value, json};

/// An event of this kind at this time.
#[must_use]
pub fn event_at(kind: &str, timestamp: i64, data: &Value) -> Value {
    json!({
        "object": "event", "type": kind, "timestamp": timestamp, "data": data,
        "instance_id": "ins_2vU3fBhx47yeddqKhd5taTbaaaa", "event_attributes": {},
    })
}

/// An event whose envelope has no time.
#[must_use]
pub fn event_without_time(kind: &str, data: &Value) -> Value {
    json!({ "object": "event", "type": kind, "data": data })
}

/// A user, with more fields or others in place of these.
#[must_use]
pub fn user(id: &str, updated_at: i64, more: &Value) -> Value {
    let name = id.trim_start_matches("user_");
    let common = json!({
        "object": "user", "id": id, "primary_email_address_id": "idn_1", "banned": false,
        "email_addresses": [{ "id": "idn_1", "email_address": format!("{name}@example.com") }],
        "public_metadata": {}, "private_metadata": { "note": "stays at the door" },
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    });
    merged(common, more)
}

/// A user with these app roles.
#[must_use]
pub fn user_with(id: &str, updated_at: i64, roles: &[&str]) -> Value {
    user(id, updated_at, &json!({ "public_metadata": { "roles": roles } }))
}

/// A user who is banned.
#[must_use]
pub fn banned(id: &str, updated_at: i64) -> Value {
    user(id, updated_at, &json!({ "banned": true, "public_metadata": { "role": "editor" } }))
}

/// An organization.
#[must_use]
pub fn organization(id: &str, updated_at: i64, name: &str) -> Value {
    json!({
        "object": "organization", "id": id, "name": name, "slug": name.to_lowercase(),
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// A membership: id, organization, user and role, with the permissions that it lists itself.
#[must_use]
pub fn membership(
    [id, org, user, role]: [&str; 4],
    updated_at: i64,
    permissions: &[&str],
) -> Value {
    json!({
        "object": "organization_membership", "id": id, "role": role, "permissions": permissions,
        "organization": organization(org, 1_700_000_000_000, "Nested"),
        "public_user_data": { "user_id": user, "identifier": "x@example.com" },
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// A role with its permissions, each an id and a key.
#[must_use]
pub fn role(id: &str, key: &str, updated_at: i64, permissions: &[(&str, &str)]) -> Value {
    let permission = |(id, key): &(&str, &str)| permission(id, key, updated_at);
    let permissions: Vec<_> = permissions.iter().map(permission).collect();
    json!({
        "object": "role", "id": id, "key": key, "name": key, "permissions": permissions,
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// A permission.
#[must_use]
pub fn permission(id: &str, key: &str, updated_at: i64) -> Value {
    json!({
        "object": "permission", "id": id, "key": key, "type": "custom",
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// What a deletion says.
#[must_use]
pub fn deleted(object: &str, id: &str) -> Value {
    json!({ "object": object, "id": id, "deleted": true })
}

fn merged(mut common: Value, more: &Value) -> Value {
    if let (Some(fields), Some(more)) = (common.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    common
}
