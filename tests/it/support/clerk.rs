//! Deliveries as Clerk sends them: a JSON body, signed by Svix's own library, taken through the
//! door and the queue.

use serde_json::{Map, Value, json};
use shared::envelope::Envelope;
use shared::event;
use shared::id::MessageId;
use shared::plan::Message;
use shared::signature::{Headers, Secrets, verify};
use shared::time::UnixMillis;
use svix::webhooks::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Signs a body under this `svix-id`, verifies it, reads it, and sends it through the queue.
#[track_caller]
pub(crate) fn deliver(id: &str, body: &Value, attempted_at: i64) -> Message {
    let bytes = body.to_string().into_bytes();
    let seconds = attempted_at / 1000;
    let signature = Webhook::new(SECRET).unwrap().sign(id, seconds, &bytes).unwrap();
    let headers = Headers::read(|name| match name {
        "svix-id" => Some(id.into()),
        "svix-timestamp" => Some(seconds.to_string()),
        "svix-signature" => Some(signature.clone()),
        _ => None,
    });
    let (secrets, now) = (Secrets::parse(SECRET).unwrap(), UnixMillis(attempted_at));
    let verified = verify(&headers, &bytes, &secrets, now).unwrap();
    let (id, attempted_at) = (verified.id().clone(), verified.attempted_at());
    message(&Envelope::new(id, attempted_at, now, event::parse(&verified)))
}

/// An envelope as the consumer gets it from the queue.
fn message(envelope: &Envelope) -> Message {
    let text = envelope.seal();
    let envelope = Envelope::open(&text).unwrap();
    let id = format!("queue-{}", envelope.svix_id);
    let sent_at = envelope.received_at;
    Message { id, attempts: 1, sent_at, text, envelope }
}

/// The same delivery, handed out once more by Svix: another message of the queue.
pub(crate) fn again(message: &Message, copy: usize) -> Message {
    Message { id: format!("{}-{copy}", message.id), ..message.clone() }
}

/// Another delivery that says the same.
pub(crate) fn under(message: &Message, svix_id: &str) -> Message {
    let mut envelope = message.envelope.clone();
    envelope.svix_id = MessageId::parse(svix_id).unwrap();
    self::message(&envelope)
}

/// An event of this kind at this time.
pub(crate) fn event_at(kind: &str, timestamp: i64, data: &Value) -> Value {
    json!({
        "object": "event", "type": kind, "timestamp": timestamp, "data": data,
        "instance_id": "ins_2vU3fBhx47yeddqKhd5taTbaaaa", "event_attributes": {},
    })
}

/// An event whose envelope has no time.
pub(crate) fn event_without_time(kind: &str, data: &Value) -> Value {
    json!({ "object": "event", "type": kind, "data": data })
}

/// A user, with more fields or others in place of these.
pub(crate) fn user(id: &str, updated_at: i64, more: &Value) -> Value {
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
pub(crate) fn user_with(id: &str, updated_at: i64, roles: &[&str]) -> Value {
    user(id, updated_at, &json!({ "public_metadata": { "roles": roles } }))
}

/// A user who is banned.
pub(crate) fn banned(id: &str, updated_at: i64) -> Value {
    user(id, updated_at, &json!({ "banned": true, "public_metadata": { "role": "editor" } }))
}

/// An organization.
pub(crate) fn organization(id: &str, updated_at: i64, name: &str) -> Value {
    json!({
        "object": "organization", "id": id, "name": name, "slug": name.to_lowercase(),
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// A membership: id, organization, user and role, with the permissions that it lists itself.
pub(crate) fn membership(
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
pub(crate) fn role(id: &str, key: &str, updated_at: i64, permissions: &[(&str, &str)]) -> Value {
    let permission = |(id, key): &(&str, &str)| permission(id, key, updated_at);
    let permissions: Vec<_> = permissions.iter().map(permission).collect();
    json!({
        "object": "role", "id": id, "key": key, "name": key, "permissions": permissions,
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// A permission.
pub(crate) fn permission(id: &str, key: &str, updated_at: i64) -> Value {
    json!({
        "object": "permission", "id": id, "key": key, "type": "custom",
        "created_at": 1_700_000_000_000_i64, "updated_at": updated_at,
    })
}

/// What a deletion says.
pub(crate) fn deleted(object: &str, id: &str) -> Value {
    json!({ "object": object, "id": id, "deleted": true })
}

fn merged(mut common: Value, more: &Value) -> Value {
    let none = Map::new();
    let fields = common.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap_or(&none) {
        fields.insert(name.clone(), value.clone());
    }
    common
}
