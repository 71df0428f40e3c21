//! The body of a genuine delivery, read and projected.
//!
//! Whatever it is, it travels: within the limits, and it opens as it was sealed. The order of its
//! keys tells nothing. What was projected, written down as Clerk would and read again, is the
//! same: fields, digest and rank.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::event::{self, ParsedDelivery, Payload, UnreadableReason};
use shared::id::SvixId;
use shared::limits::ENVELOPE_BYTES_MAX;
use shared::merge::{EntityChange, EntityState, LiveState};
use shared::projection::{
    EntityFields, MembershipFields, OrganizationFields, PermissionFields, RoleFields, UserFields,
    digest,
};
use shared::signature::{SvixHeaders, WebhookSecrets, verify};
use shared::time::UnixMillis;

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "clerk_event",
    run,
    met: &["user", "organization", "membership", "role", "permission", "ignored", "unreadable"],
};

const KEY: &[u8] = b"the key of every case";

static SECRETS: LazyLock<WebhookSecrets> = LazyLock::new(|| {
    WebhookSecrets::parse(&STANDARD.encode(KEY)).expect("a key of more than 16 bytes")
});

const SVIX_ID: &str = "msg_1";

const AT: UnixMillis = UnixMillis(0);

/// Reads one body.
///
/// # Panics
/// When it is not the same after the queue, or is read in two ways.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let incoming = read(data);
    check_round_trip(&incoming);
    if let Ok(value) = serde_json::from_slice(data) {
        let (forwards, backwards) = (write_json(&value, false), write_json(&value, true));
        let (forwards, backwards) = (read(forwards.as_bytes()), read(backwards.as_bytes()));
        assert_eq!(without_position(&forwards), without_position(&backwards), "the order of keys");
        // Of two members with one name this reading keeps the last, and ours none.
        if matches!(incoming.payload, Payload::Event(_))
            && count_colons(data) == count_members(&value)
        {
            assert_eq!(
                without_position(&incoming),
                without_position(&forwards),
                "the order of keys"
            );
        }
    }
    match &incoming.payload {
        Payload::Ignored => "ignored",
        Payload::Unreadable(_) => "unreadable",
        Payload::Event(event) => {
            event.changes.iter().for_each(check_parsed_again);
            event.changes.first().map_or("", |change| change.kind.as_str())
        }
    }
}

/// Signs a body and reads it, as the door does.
pub(crate) fn read(body: &[u8]) -> ParsedDelivery {
    let signed = [SVIX_ID.as_bytes(), b".0.", body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac_sha256::HMAC::mac(signed, KEY)));
    let headers = SvixHeaders::from_fn(|name| match name {
        "svix-id" => Some(SVIX_ID.to_owned()),
        "svix-timestamp" => Some("0".to_owned()),
        "svix-signature" => Some(signature.clone()),
        _ => None,
    });
    event::parse(&verify(&headers, body, &SECRETS, AT).expect("a genuine delivery"))
}

/// The envelope of a delivery, as a seed: with projection 1 and a digest of zeros, so that another
/// projection leaves the committed corpus as it is.
pub(crate) fn seed_envelope(body: &[u8]) -> String {
    let mut envelope = envelope_of(&read(body));
    let mut digests = Vec::new();
    if let Payload::Event(event) = &mut envelope.payload {
        for change in &mut event.changes {
            if let EntityState::Live(live) = &mut change.state {
                live.rank.projection = 1;
                digests.push(live.rank.digest.as_str().to_owned());
            }
        }
    }
    let zeros = "0".repeat(32);
    digests.iter().fold(envelope.encode(), |text, digest| text.replace(digest, &zeros))
}

fn envelope_of(incoming: &ParsedDelivery) -> Envelope {
    let id = SvixId::parse(SVIX_ID).expect("an id");
    Envelope::new(id, AT, AT, incoming.clone())
}

fn check_round_trip(incoming: &ParsedDelivery) {
    let envelope = envelope_of(incoming);
    let text = envelope.encode();
    assert!(text.len() <= ENVELOPE_BYTES_MAX, "{} bytes", text.len());
    let opened = Envelope::decode(&text).expect("what was sealed opens");
    if opened != envelope {
        let Payload::Unreadable(unreadable) = opened.payload else {
            panic!("{envelope:?}: {text}")
        };
        assert_eq!(unreadable.reason, UnreadableReason::Size, "{envelope:?}: {text}");
    }
}

/// What a delivery says, without where it stood in the text.
pub(crate) fn without_position(incoming: &ParsedDelivery) -> ParsedDelivery {
    let mut same = incoming.clone();
    same.body_digest = shared::projection::ContentDigest::of(b"");
    if let Payload::Unreadable(unreadable) = &mut same.payload {
        unreadable.detail.clear();
    }
    same
}

/// The members of all objects.
fn count_members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count_members).sum(),
        Value::Object(all) => all.len() + all.values().map(count_members).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The same of a JSON text, repeated ones too: its colons outside of texts.
fn count_colons(json: &[u8]) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b':' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

/// The same JSON, with the keys of each object in one order or in the other.
fn write_json(value: &Value, backwards: bool) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| write_json(item, backwards)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}:{}", json!(name), write_json(value, backwards))
            };
            let mut members: Vec<String> = members.iter().map(member).collect();
            if backwards {
                members.reverse();
            }
            format!("{{{}}}", members.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Writes one change as Clerk would have, and parses it again.
fn check_parsed_again(change: &EntityChange) {
    let id = change.id.as_str();
    let (verb, timestamp, data) = match &change.state {
        EntityState::Deleted => ("deleted", 0, json!({ "id": id })),
        EntityState::Live(live) => {
            assert_eq!(live.rank.digest, digest(id, &live.fields));
            ("updated", clerk_time(live.rank.event_at.0), clerk_json(id, live))
        }
    };
    let kind = format!("{}.{verb}", change.kind.clerk_noun());
    let body = json!({ "type": kind, "timestamp": timestamp, "data": data });
    let again = read(body.to_string().as_bytes());
    let Payload::Event(event) = again.payload else { panic!("{body} gives {again:?}") };
    assert_eq!(event.changes.as_slice(), std::slice::from_ref(change), "{body}");
}

fn clerk_json(id: &str, LiveState { rank, fields }: &LiveState) -> Value {
    let updated_at = clerk_time(rank.updated_at.0);
    match fields {
        EntityFields::User(UserFields { email, banned, app_roles, created_at }) => json!({
            "id": id, "updated_at": updated_at, "banned": banned,
            "primary_email_address_id": email.as_ref().map(|_| "idn_1"),
            "email_addresses": [{ "id": "idn_1", "email_address": email }],
            "public_metadata": { "roles": app_roles },
            "created_at": clerk_time(*created_at),
        }),
        EntityFields::Organization(OrganizationFields { name, slug }) => json!({
            "id": id, "updated_at": updated_at, "name": name, "slug": slug,
        }),
        EntityFields::Membership(MembershipFields { org_id, user_id, role, permissions }) => {
            json!({
                "id": id, "updated_at": updated_at, "role": role, "permissions": permissions,
                "organization": { "id": org_id }, "public_user_data": { "user_id": user_id },
            })
        }
        EntityFields::Role(RoleFields { key, permissions }) => json!({
            "id": id, "updated_at": updated_at, "key": key, "permissions": permissions,
        }),
        EntityFields::Permission(PermissionFields { key }) => {
            json!({ "id": id, "updated_at": updated_at, "key": key })
        }
    }
}

/// A point in time as Clerk may send it: small numbers are read as seconds.
fn clerk_time(ms: i64) -> i64 {
    if 100_000_000_000 <= ms {
        return ms;
    }
    assert_eq!(ms % 1000, 0, "{ms} ms can only have come from seconds");
    ms / 1000
}
