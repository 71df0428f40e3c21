//! The bodies of Clerk's webhooks, field for field: the event and the resource in it.
//!
//! The shapes are those of Clerk's OpenAPI description of its webhooks (2025-04-15,
//! <https://github.com/clerk/openapi-specs>) and of a captured delivery, with
//! `private_metadata`: tests must notice when a receiver stores it.

use serde_json::{Value, json};

use crate::sample_users::{ACME_ID, ADA, SamplePermission, SampleRole, SampleUser};

/// The time from a change to its event: 18 ms in the captured delivery.
pub const EVENT_AFTER_MS: i64 = 18;

/// The body of an event as Clerk sends it: minified, with its keys in alphabetical order.
#[must_use]
pub fn event_body(instance_id: &str, event_type: &str, data: &Value, timestamp_ms: i64) -> String {
    let mut event = json!({
        "object": "event",
        "type": event_type,
        "data": data,
        "timestamp": timestamp_ms,
        "instance_id": instance_id,
        "event_attributes": {
            "http_request": { "client_ip": "203.0.113.51", "user_agent": "local-clerk" },
        },
    });
    event.sort_all_objects();
    event.to_string()
}

/// When a resource was created and last updated, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// `created_at`.
    pub created_ms: i64,
    /// `updated_at`.
    pub updated_ms: i64,
}

impl Timestamps {
    /// The times of a resource that was not updated since.
    #[must_use]
    pub const fn created(at_ms: i64) -> Self {
        Self { created_ms: at_ms, updated_ms: at_ms }
    }

    /// The same resource, updated later.
    #[must_use]
    pub const fn updated(self, at_ms: i64) -> Self {
        Self { created_ms: self.created_ms, updated_ms: at_ms }
    }
}

/// A user with these app roles in `public_metadata.roles`.
#[must_use]
pub fn user(person: &SampleUser, roles: &[&str], times: Timestamps) -> Value {
    // Reversed: `primary_email_address_id` names the primary address. A receiver that takes the
    // first of the list must fail the tests.
    let emails: Vec<Value> = person
        .emails
        .iter()
        .rev()
        .map(|email| email_address(email.id, email.address, times))
        .collect();
    json!({
        "object": "user",
        "id": person.id,
        "external_id": null,
        "primary_email_address_id": person.emails.first().map(|email| email.id),
        "primary_phone_number_id": null,
        "primary_web3_wallet_id": null,
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "locale": null,
        "profile_image_url": "https://www.gravatar.com/avatar?d=mp",
        "image_url": "https://img.clerk.com/local",
        "has_image": false,
        "public_metadata": public_metadata(roles),
        "private_metadata": { "note": "for the backend alone: never to be kept" },
        "unsafe_metadata": {},
        "email_addresses": emails,
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "external_accounts": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        "password_enabled": true,
        "two_factor_enabled": false,
        "totp_enabled": false,
        "backup_code_enabled": false,
        "mfa_enabled_at": null,
        "mfa_disabled_at": null,
        "last_sign_in_at": null,
        "last_active_at": times.created_ms,
        "banned": false,
        "locked": false,
        "lockout_expires_in_seconds": null,
        "verification_attempts_remaining": 100,
        "delete_self_enabled": true,
        "create_organization_enabled": true,
        "create_organizations_limit": null,
        "legal_accepted_at": null,
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// App roles are no field of Clerk: the application keeps them in the metadata.
fn public_metadata(roles: &[&str]) -> Value {
    if roles.is_empty() { json!({}) } else { json!({ "roles": roles }) }
}

fn email_address(id: &str, address: &str, times: Timestamps) -> Value {
    json!({
        "object": "email_address",
        "id": id,
        "email_address": address,
        "reserved": false,
        "verification": {
            "status": "verified",
            "strategy": "email_code",
            "attempts": 1,
            "expire_at": times.created_ms.saturating_add(600_000),
        },
        "linked_to": [],
        "matches_sso_connection": false,
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// The data of a deleted resource: its kind and its id.
#[must_use]
pub fn deleted(object: &str, id: &str) -> Value {
    json!({ "object": object, "id": id, "deleted": true })
}

/// The organization Acme, created by Ada.
#[must_use]
pub fn acme(times: Timestamps) -> Value {
    json!({
        "object": "organization",
        "id": ACME_ID,
        "name": "Acme",
        "slug": "acme",
        "image_url": "https://img.clerk.com/local",
        "has_image": false,
        "members_count": 2,
        "missing_member_with_elevated_permissions": false,
        "pending_invitations_count": 0,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": true,
        "public_metadata": {},
        "private_metadata": { "note": "for the backend alone" },
        "created_by": ADA.id,
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// A membership. It contains the whole organization, as at Clerk.
#[must_use]
pub fn membership(
    id: &str,
    person: &SampleUser,
    role: &SampleRole,
    organization: &Value,
    times: Timestamps,
) -> Value {
    let permissions: Vec<&str> = role.permissions.iter().map(|permission| permission.key).collect();
    json!({
        "object": "organization_membership",
        "id": id,
        "role": role.key,
        "role_name": role.name,
        "permissions": permissions,
        "public_metadata": {},
        "private_metadata": {},
        "organization": organization,
        "public_user_data": {
            "user_id": person.id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "profile_image_url": "https://www.gravatar.com/avatar?d=mp",
            "image_url": "https://img.clerk.com/local",
            "has_image": false,
            "identifier": person.primary_email().or(person.username),
            "username": person.username,
            "banned": false,
        },
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// A role of the instance's catalogue, with all of its permissions.
#[must_use]
pub fn role(role: &SampleRole, times: Timestamps) -> Value {
    let permissions: Vec<Value> =
        role.permissions.iter().map(|held| permission(held, times)).collect();
    json!({
        "object": "role",
        "id": role.id,
        "name": role.name,
        "key": role.key,
        "description": role.name,
        "is_creator_eligible": true,
        "permissions": permissions,
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// A permission of the instance's catalogue.
#[must_use]
pub fn permission(permission: &SamplePermission, times: Timestamps) -> Value {
    json!({
        "object": "permission",
        "id": permission.id,
        "name": permission.name,
        "key": permission.key,
        "description": permission.name,
        "type": "custom",
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}

/// A session. It contains the whole user.
#[must_use]
pub fn session(id: &str, person: &SampleUser, user: &Value, times: Timestamps) -> Value {
    json!({
        "object": "session",
        "id": id,
        "user_id": person.id,
        "user": user,
        "client_id": "client_3LOCALbrowser0000000000001",
        "actor": null,
        "status": "active",
        "last_active_organization_id": null,
        "last_active_at": times.updated_ms,
        "expire_at": times.created_ms.saturating_add(604_800_000),
        "abandon_at": times.created_ms.saturating_add(2_592_000_000),
        "created_at": times.created_ms,
        "updated_at": times.updated_ms,
    })
}
