//! Clerk's JSON, as far as it is synced. The only place that spells its names.
//!
//! Shapes: <https://github.com/clerk/openapi-specs>, `webhooks/2025-04-15.yml`; examples break
//! their own schema, so nearly everything is optional and unknown fields are ignored. A field given
//! twice is refused by serde: two readers could each believe another one.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    pub(super) timestamp: Option<i64>,
    pub(super) instance_id: Option<String>,
}

/// Reads an event. serde would fill the struct from a JSON array as well, by the order of the
/// fields here; that is no event of Clerk's.
pub(super) fn envelope(bytes: &[u8]) -> serde_json::Result<Envelope<'_>> {
    let envelope = serde_json::from_slice(bytes)?;
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(serde::de::Error::custom("not an object"));
    }
    Ok(envelope)
}

/// Whatever JSON it is: to say what a delivery was about that could not be read.
#[derive(Default, Deserialize)]
pub(super) struct Loose(Value);

impl Loose {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().map(String::from)
    }

    pub(super) fn object_id(&self) -> Option<String> {
        self.0.get("data")?.get("id")?.as_str().map(String::from)
    }

    pub(super) fn id(&self) -> Option<String> {
        self.text("id")
    }
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: Option<String>,
    pub(super) primary_email_address_id: Option<String>,
    pub(super) email_addresses: Option<Vec<EmailAddress>>,
    pub(super) public_metadata: Option<Value>,
    pub(super) banned: Option<bool>,
    pub(super) created_at: Option<i64>,
    pub(super) updated_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct EmailAddress {
    pub(super) id: Option<String>,
    pub(super) email_address: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Organization {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) slug: Option<String>,
    pub(super) updated_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Membership {
    pub(super) id: Option<String>,
    pub(super) role: Option<String>,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) organization: Option<Value>,
    pub(super) public_user_data: Option<PublicUserData>,
    pub(super) updated_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct PublicUserData {
    pub(super) user_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Role {
    pub(super) id: Option<String>,
    pub(super) key: Option<String>,
    pub(super) permissions: Option<Vec<Permission>>,
    pub(super) updated_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Permission {
    pub(super) id: Option<String>,
    pub(super) key: Option<String>,
    pub(super) updated_at: Option<i64>,
}

/// A deletion: at least an id. Whatever else it carries is read as loosely as can be, for a
/// deletion must not be lost to a field that it does not need.
#[derive(Deserialize)]
pub(super) struct Deleted {
    pub(super) id: Option<String>,
    pub(super) organization: Option<Value>,
    pub(super) public_user_data: Option<Value>,
}
