//! From Clerk's shapes to the synced fields.

use super::roles::app_roles;
use super::wire::{
    self, Flaw, Notes, Read, needed, needed_part, needed_text, spare, spare_items, spare_raw,
};
use super::{Event, Unread, Verb};
use crate::id::{ObjectId, UserId};
use crate::json::{Object, leaf};
use crate::limits::UPDATE_AHEAD_MS_MAX;
use crate::merge::{Change, Entity, Live, Rank, State};
use crate::projection::{
    Carried, Fields, MembershipFields, OrganizationFields, PROJECTION, PermissionFields,
    RoleFields, UserFields, digest,
};
use crate::time::UnixMillis;

pub(super) fn event(
    entity: Entity,
    verb: Verb,
    data: &Object<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut Notes,
) -> Read<Event> {
    match (verb, entity) {
        (Verb::Delete, _) => deletion(entity, data, event_at, notes),
        (Verb::Write, Entity::User) => user(data, event_at, notes),
        (Verb::Write, Entity::Organization) => organization(data, event_at, notes).map(alone),
        (Verb::Write, Entity::Membership) => membership(data, event_at, notes),
        (Verb::Write, Entity::Role) => role(data, event_at, notes).map(alone),
        (Verb::Write, Entity::Permission) => permission(data, event_at).map(alone),
    }
}

fn alone(change: Change) -> Event {
    Event { changes: vec![change], users: Vec::new() }
}

/// A deletion has no `updated_at`, and a membership's is that of its last update: neither dates it.
/// It needs its id alone.
fn deletion(
    entity: Entity,
    data: &Object<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut Notes,
) -> Read<Event> {
    let Some(raw) = needed::<String>(data, "data.id")? else {
        return Err(Flaw { reason: Unread::NoSubject, at: "data.id is absent".into() });
    };
    let id = ObjectId::parse(&raw).map_err(|_| Flaw::id("data.id"))?;
    let mut users = Vec::new();
    let mut changes = vec![Change { entity, id, state: State::Dead }];
    match entity {
        Entity::User => users.push(user_id(data, "data.id")?),
        Entity::Membership => {
            users.extend(member(data, notes));
            let organization = spare_raw(data, "data.organization", notes);
            let read = organization.map(|raw| Object::read(raw.get(), &wire::ORGANIZATION));
            match read {
                None => {}
                Some(Ok(read)) => changes.extend(nested_organization(&read, event_at, notes)),
                Some(Err(_)) => notes.unread("data.organization"),
            }
        }
        Entity::Organization | Entity::Role | Entity::Permission => {}
    }
    Ok(Event { changes, users })
}

fn user(data: &Object<'_>, event_at: Option<UnixMillis>, notes: &mut Notes) -> Read<Event> {
    let id = object_id(data, "data.id")?;
    let user = user_id(data, "data.id")?;
    let banned = needed(data, "data.banned")?.unwrap_or(false);
    let email = primary_email(data, notes);
    let app_roles = app_roles(data, notes);
    let created_at = created_at(data, notes).0;
    let fields = Fields::User(UserFields { email, banned, app_roles, created_at });
    let change = live(id, fields, data, event_at)?;
    Ok(Event { changes: vec![change], users: vec![user] })
}

fn organization(
    data: &Object<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut Notes,
) -> Read<Change> {
    let id = object_id(data, "data.id")?;
    let name = spare(data, "data.name", notes).unwrap_or_default();
    let slug = spare(data, "data.slug", notes);
    live(id, Fields::Organization(OrganizationFields { name, slug }), data, event_at)
}

fn membership(data: &Object<'_>, event_at: Option<UnixMillis>, notes: &mut Notes) -> Read<Event> {
    let id = object_id(data, "data.id")?;
    let organization = needed_part(data, "data.organization", &wire::ORGANIZATION)?;
    let org_id = object_id(&organization, "data.organization.id")?;
    let who = needed_part(data, "data.public_user_data", &wire::PUBLIC_USER_DATA)?;
    let user = user_id(&who, "data.public_user_data.user_id")?;
    let role = needed_text(data, "data.role")?;
    let mut permissions: Vec<String> =
        spare_items(data, "data.permissions", notes, |raw| leaf(raw).ok());
    permissions.sort_unstable();
    permissions.dedup();
    let fields = Fields::Membership(MembershipFields {
        org_id: org_id.as_str().into(),
        user_id: user.as_str().into(),
        role: role_key(&role),
        permissions,
    });
    let mut changes = vec![live(id, fields, data, event_at)?];
    changes.extend(nested_organization(&organization, event_at, notes));
    Ok(Event { changes, users: vec![user] })
}

/// A permission of the list that cannot be read is one that the role does not give.
fn role(data: &Object<'_>, event_at: Option<UnixMillis>, notes: &mut Notes) -> Read<Change> {
    let id = object_id(data, "data.id")?;
    let key = needed_text(data, "data.key")?;
    let mut permissions = spare_items(data, "data.permissions", notes, |raw| {
        let carried = Object::read(raw.get(), &wire::PERMISSION).ok()?;
        let id = object_id(&carried, "data.permissions.id").ok()?.as_str().into();
        Some(Carried { id, key: needed_text(&carried, "data.permissions.key").ok()? })
    });
    permissions.sort_unstable();
    permissions.dedup();
    let fields = Fields::Role(RoleFields { key: role_key(&key), permissions });
    live(id, fields, data, event_at)
}

fn permission(data: &Object<'_>, event_at: Option<UnixMillis>) -> Read<Change> {
    let id = object_id(data, "data.id")?;
    let key = needed_text(data, "data.key")?;
    live(id, Fields::Permission(PermissionFields { key }), data, event_at)
}

fn live(
    id: ObjectId,
    fields: Fields,
    data: &Object<'_>,
    event_at: Option<UnixMillis>,
) -> Read<Change> {
    let at = "data.updated_at";
    let raw = needed(data, at)?.ok_or_else(|| Flaw::absent(at))?;
    let updated_at = UnixMillis::from_outside(raw).ok_or_else(|| Flaw::time(at))?;
    let event_at = event_at.unwrap_or(updated_at);
    if UPDATE_AHEAD_MS_MAX < updated_at.since(event_at) {
        return Err(Flaw::time("data.updated_at lies more than an hour after the event"));
    }
    let digest = digest(id.as_str(), &fields);
    let rank = Rank { updated_at, event_at, projection: PROJECTION, digest };
    let entity = fields.entity();
    Ok(Change { entity, id, state: State::Live(Live { rank, fields }) })
}

/// A membership nests its organization whole: a change of its own. One that is not whole is left to
/// the organization's own events; the membership does not need it, and half of it could take the
/// place of what those said.
fn nested_organization(
    data: &Object<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut Notes,
) -> Option<Change> {
    if matches!(data.some("updated_at"), Ok(None)) {
        return None; // Only mentioned.
    }
    let mut own = Notes::default();
    match organization(data, event_at, &mut own) {
        Ok(change) if own.is_empty() => Some(change),
        Ok(_) | Err(_) => {
            notes.say("data.organization cannot be read, and is left to its own events");
            None
        }
    }
}

fn member(data: &Object<'_>, notes: &mut Notes) -> Option<UserId> {
    let at = "data.public_user_data";
    let raw = spare_raw(data, at, notes)?;
    let who = Object::read(raw.get(), &wire::PUBLIC_USER_DATA).ok();
    let user = who.and_then(|who| user_id(&who, "data.public_user_data.user_id").ok());
    if user.is_none() {
        notes.unread(at);
    }
    user
}

fn object_id(object: &Object<'_>, at: &str) -> Read<ObjectId> {
    let raw: String = needed(object, at)?.ok_or_else(|| Flaw::absent(at))?;
    ObjectId::parse(&raw).map_err(|_| Flaw::id(at))
}

fn user_id(object: &Object<'_>, at: &str) -> Read<UserId> {
    let raw: String = needed(object, at)?.ok_or_else(|| Flaw::absent(at))?;
    UserId::parse(&raw).map_err(|_| Flaw::id(at))
}

/// The address whose id is the primary one; not the first of the list, and perhaps none.
fn primary_email(data: &Object<'_>, notes: &mut Notes) -> Option<String> {
    let primary: String = spare(data, "data.primary_email_address_id", notes)?;
    let addresses = spare_items(data, "data.email_addresses", notes, |raw| {
        let address = Object::read(raw.get(), &wire::EMAIL_ADDRESS).ok()?;
        let id: Option<String> = address.get("id").ok()?;
        Some((id, address.get::<String>("email_address").ok()?))
    });
    addresses.into_iter().find(|(id, _)| id.as_ref() == Some(&primary))?.1
}

fn created_at(data: &Object<'_>, notes: &mut Notes) -> UnixMillis {
    let at = "data.created_at";
    let Some(raw) = spare(data, at, notes) else { return UnixMillis(0) };
    UnixMillis::from_outside(raw).unwrap_or_else(|| {
        notes.unread(at);
        UnixMillis(0)
    })
}

/// A role's key with its `org:`; `admin` and `basic_member` are the spellings from before custom
/// roles, and mean `org:admin` and `org:member`.
fn role_key(raw: &str) -> String {
    match raw {
        "basic_member" => "org:member".into(),
        _ if raw.starts_with("org:") => raw.into(),
        _ => format!("org:{raw}"),
    }
}
