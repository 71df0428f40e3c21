//! Maps Clerk's JSON to the synced fields.
//!
//! Shapes: <https://github.com/clerk/openapi-specs>, `webhooks/2025-04-15.yml`; examples break
//! their own schema, so nearly everything is optional and unknown fields are ignored.

use super::Event;
use super::members::{
    ParseIssue, ParseNotes, ParseResult, optional, optional_items, required, required_object,
    required_text,
};
use super::roles::app_roles;
use crate::id::{EntityId, UserId};
use crate::json::{JsonObject, parse_scalar};
use crate::limits::UPDATE_AHEAD_MS_MAX;
use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use crate::projection::{
    EntityFields, MembershipFields, OrganizationFields, PROJECTION_VERSION, PermissionFields,
    RoleFields, RolePermission, UserFields, digest,
};
use crate::time::UnixMillis;

/// The members of `data` that are parsed, for all event types.
pub(super) const DATA_MEMBERS: [&str; 14] = [
    "id",
    "primary_email_address_id",
    "email_addresses",
    "public_metadata",
    "banned",
    "created_at",
    "updated_at",
    "name",
    "slug",
    "role",
    "permissions",
    "organization",
    "public_user_data",
    "key",
];

const EMAIL_ADDRESS_MEMBERS: [&str; 2] = ["id", "email_address"];

pub(super) const ORGANIZATION_MEMBERS: [&str; 4] = ["id", "name", "slug", "updated_at"];

pub(super) const PUBLIC_USER_DATA_MEMBERS: [&str; 1] = ["user_id"];

const PERMISSION_MEMBERS: [&str; 2] = ["id", "key"];

/// The event of an entity that was created or updated.
pub(super) fn upsert(
    entity: EntityKind,
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<Event> {
    match entity {
        EntityKind::User => user_event(data, event_at, notes),
        EntityKind::Organization => organization(data, event_at, notes).map(event_of_one_change),
        EntityKind::Membership => membership(data, event_at, notes),
        EntityKind::Role => role(data, event_at, notes).map(event_of_one_change),
        EntityKind::Permission => permission(data, event_at).map(event_of_one_change),
    }
}

fn event_of_one_change(change: EntityChange) -> Event {
    Event { changes: vec![change], users: Vec::new() }
}

fn user_event(
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<Event> {
    let id = object_id(data, "data.id")?;
    let user = user_id(data, "data.id")?;
    let banned = required(data, "data.banned")?.unwrap_or(false);
    let email = primary_email(data, notes);
    let app_roles = app_roles(data, notes);
    let created_at = created_at(data, notes).0;
    let fields = EntityFields::User(UserFields { email, banned, app_roles, created_at });
    let change = live_change(id, fields, data, event_at)?;
    Ok(Event { changes: vec![change], users: vec![user] })
}

fn organization(
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<EntityChange> {
    let id = object_id(data, "data.id")?;
    let name = optional(data, "data.name", notes).unwrap_or_default();
    let slug = optional(data, "data.slug", notes);
    live_change(id, EntityFields::Organization(OrganizationFields { name, slug }), data, event_at)
}

fn membership(
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<Event> {
    let id = object_id(data, "data.id")?;
    let organization = required_object(data, "data.organization", &ORGANIZATION_MEMBERS)?;
    let org_id = object_id(&organization, "data.organization.id")?;
    let member = required_object(data, "data.public_user_data", &PUBLIC_USER_DATA_MEMBERS)?;
    let user = user_id(&member, "data.public_user_data.user_id")?;
    let role = required_text(data, "data.role")?;
    let mut permissions: Vec<String> =
        optional_items(data, "data.permissions", notes, |raw| parse_scalar(raw).ok());
    permissions.sort_unstable();
    permissions.dedup();
    let fields = EntityFields::Membership(MembershipFields {
        org_id: org_id.as_str().into(),
        user_id: user.as_str().into(),
        role: role_key(&role),
        permissions,
    });
    let mut changes = vec![live_change(id, fields, data, event_at)?];
    changes.extend(nested_organization(&organization, event_at, notes));
    Ok(Event { changes, users: vec![user] })
}

/// A malformed permission in the list is skipped: the role does not grant it.
fn role(
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<EntityChange> {
    let id = object_id(data, "data.id")?;
    let key = required_text(data, "data.key")?;
    let mut permissions = optional_items(data, "data.permissions", notes, |raw| {
        let permission = JsonObject::parse(raw.get(), &PERMISSION_MEMBERS).ok()?;
        let id = object_id(&permission, "data.permissions.id").ok()?.as_str().into();
        Some(RolePermission { id, key: required_text(&permission, "data.permissions.key").ok()? })
    });
    permissions.sort_unstable();
    permissions.dedup();
    let fields = EntityFields::Role(RoleFields { key: role_key(&key), permissions });
    live_change(id, fields, data, event_at)
}

fn permission(data: &JsonObject<'_>, event_at: Option<UnixMillis>) -> ParseResult<EntityChange> {
    let id = object_id(data, "data.id")?;
    let key = required_text(data, "data.key")?;
    live_change(id, EntityFields::Permission(PermissionFields { key }), data, event_at)
}

fn live_change(
    id: EntityId,
    fields: EntityFields,
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
) -> ParseResult<EntityChange> {
    let at = "data.updated_at";
    let raw = required(data, at)?.ok_or_else(|| ParseIssue::missing(at))?;
    let updated_at = UnixMillis::from_clerk(raw).ok_or_else(|| ParseIssue::bad_time(at))?;
    let event_at = event_at.unwrap_or(updated_at);
    if UPDATE_AHEAD_MS_MAX < updated_at.since(event_at) {
        return Err(ParseIssue::bad_time(
            "data.updated_at is more than one hour later than the event",
        ));
    }
    let digest = digest(id.as_str(), &fields);
    let rank = Rank { updated_at, event_at, projection: PROJECTION_VERSION, digest };
    let entity = fields.entity();
    Ok(EntityChange { kind: entity, id, state: EntityState::Live(LiveState { rank, fields }) })
}

/// The organization in a membership is a change of its own if it is complete. An incomplete one is
/// skipped, so that it cannot overwrite complete data.
pub(super) fn nested_organization(
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> Option<EntityChange> {
    if matches!(data.non_null_member("updated_at"), Ok(None)) {
        return None; // Only a reference: no data to sync.
    }
    let mut own = ParseNotes::default();
    match organization(data, event_at, &mut own) {
        Ok(change) if own.is_empty() => Some(change),
        Ok(_) | Err(_) => {
            notes.add("data.organization is malformed: the organization's own events will sync it");
            None
        }
    }
}

fn object_id(object: &JsonObject<'_>, at: &str) -> ParseResult<EntityId> {
    let raw: String = required(object, at)?.ok_or_else(|| ParseIssue::missing(at))?;
    EntityId::parse(&raw).map_err(|_| ParseIssue::bad_id(at))
}

pub(super) fn user_id(object: &JsonObject<'_>, at: &str) -> ParseResult<UserId> {
    let raw: String = required(object, at)?.ok_or_else(|| ParseIssue::missing(at))?;
    UserId::parse(&raw).map_err(|_| ParseIssue::bad_id(at))
}

/// The primary e-mail address, if there is one: not simply the first of the list.
fn primary_email(data: &JsonObject<'_>, notes: &mut ParseNotes) -> Option<String> {
    let primary: String = optional(data, "data.primary_email_address_id", notes)?;
    let addresses = optional_items(data, "data.email_addresses", notes, |raw| {
        let address = JsonObject::parse(raw.get(), &EMAIL_ADDRESS_MEMBERS).ok()?;
        let id: Option<String> = address.scalar("id").ok()?;
        Some((id, address.scalar::<String>("email_address").ok()?))
    });
    addresses.into_iter().find(|(id, _)| id.as_ref() == Some(&primary))?.1
}

fn created_at(data: &JsonObject<'_>, notes: &mut ParseNotes) -> UnixMillis {
    let at = "data.created_at";
    let Some(raw) = optional(data, at, notes) else { return UnixMillis(0) };
    UnixMillis::from_clerk(raw).unwrap_or_else(|| {
        notes.add_malformed(at);
        UnixMillis(0)
    })
}

/// A role's key with the prefix `org:`. `admin` and `basic_member` are from before custom roles,
/// and mean `org:admin` and `org:member`.
fn role_key(raw: &str) -> String {
    match raw {
        "basic_member" => "org:member".into(),
        _ if raw.starts_with("org:") => raw.into(),
        _ => format!("org:{raw}"),
    }
}
