//! From Clerk's shapes to the synced fields.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Event, Unread, Unreadable, Verb, wire};
use crate::id::{ObjectId, UserId};
use crate::limits::UPDATE_AHEAD_MS_MAX;
use crate::merge::{Change, Entity, Live, Rank, State};
use crate::projection::{
    Carried, Fields, MembershipFields, OrganizationFields, PROJECTION, PermissionFields,
    RoleFields, UserFields, digest,
};
use crate::roles::is_app_role;
use crate::time::UnixMillis;

/// What is wrong with the data, and where. Holds no value: those may be personal.
#[derive(Debug)]
pub(super) struct Flaw {
    reason: Unread,
    at: String,
}

impl Flaw {
    pub(super) fn time(at: &str) -> Self {
        Self { reason: Unread::Time, at: at.into() }
    }

    fn id(at: &str) -> Self {
        Self { reason: Unread::Id, at: at.into() }
    }

    fn absent(at: &str) -> Self {
        Self { reason: Unread::Shape, at: format!("{at} is absent") }
    }

    fn shape(error: &serde_json::Error) -> Self {
        let at = format!("data, line {} column {}", error.line(), error.column());
        Self { reason: Unread::Shape, at }
    }

    pub(super) fn unreadable(self, data: &str) -> Unreadable {
        let loose: wire::Loose = serde_json::from_str(data).unwrap_or_default();
        Unreadable { object_id: loose.id(), reason: self.reason, detail: self.at }
    }
}

type Read<T> = Result<T, Flaw>;

pub(super) fn event(
    entity: Entity,
    verb: Verb,
    data: &str,
    event_at: Option<UnixMillis>,
) -> Read<Event> {
    match (verb, entity) {
        (Verb::Delete, _) => deletion(entity, data, event_at),
        (Verb::Write, Entity::User) => user(read(data)?, event_at),
        (Verb::Write, Entity::Organization) => alone(organization(read(data)?, event_at)?),
        (Verb::Write, Entity::Membership) => membership(read(data)?, event_at),
        (Verb::Write, Entity::Role) => role(read(data)?, event_at),
        (Verb::Write, Entity::Permission) => permission(read(data)?, event_at),
    }
}

fn read<T: DeserializeOwned>(data: &str) -> Read<T> {
    let read = serde_json::from_str(data).map_err(|error| Flaw::shape(&error))?;
    // As with the envelope: an array would fill the struct as well.
    if !data.starts_with('{') {
        return Err(Flaw { reason: Unread::Shape, at: "data is no object".into() });
    }
    Ok(read)
}

#[expect(clippy::unnecessary_wraps, reason = "ends a chain of readings that can fail")]
fn alone(change: Change) -> Read<Event> {
    Ok(Event { changes: vec![change], users: Vec::new() })
}

/// A deletion has no `updated_at`, and a membership's is that of its last update: neither dates it.
fn deletion(entity: Entity, data: &str, event_at: Option<UnixMillis>) -> Read<Event> {
    let wire: wire::Deleted = read(data)?;
    let Some(raw) = wire.id else {
        return Err(Flaw { reason: Unread::NoSubject, at: "data.id is absent".into() });
    };
    let id = object_id(Some(raw), "data.id")?;
    let users = match entity {
        Entity::User => vec![user_id(Some(id.as_str().into()), "data.id")?],
        Entity::Membership => member(wire.public_user_data).into_iter().collect(),
        Entity::Organization | Entity::Role | Entity::Permission => Vec::new(),
    };
    let mut changes = vec![Change { entity, id, state: State::Dead }];
    if entity == Entity::Membership {
        changes.extend(nested_organization(wire.organization, event_at));
    }
    Ok(Event { changes, users })
}

fn user(wire: wire::User, event_at: Option<UnixMillis>) -> Read<Event> {
    let id = object_id(wire.id, "data.id")?;
    let user = user_id(Some(id.as_str().into()), "data.id")?;
    let email = primary_email(wire.primary_email_address_id, wire.email_addresses);
    let created_at = wire.created_at.and_then(UnixMillis::from_outside).unwrap_or_default().0;
    let app_roles = app_roles(wire.public_metadata.as_ref());
    let banned = wire.banned.unwrap_or(false);
    let fields = Fields::User(UserFields { email, banned, app_roles, created_at });
    let change = live(id, fields, wire.updated_at, event_at)?;
    Ok(Event { changes: vec![change], users: vec![user] })
}

fn organization(wire: wire::Organization, event_at: Option<UnixMillis>) -> Read<Change> {
    let id = object_id(wire.id, "data.id")?;
    let name = wire.name.unwrap_or_default();
    let fields = Fields::Organization(OrganizationFields { name, slug: wire.slug });
    live(id, fields, wire.updated_at, event_at)
}

fn membership(wire: wire::Membership, event_at: Option<UnixMillis>) -> Read<Event> {
    let id = object_id(wire.id, "data.id")?;
    let org = wire.organization.as_ref().and_then(|org| org.get("id")).and_then(Value::as_str);
    let org_id = object_id(org.map(String::from), "data.organization.id")?;
    let who = wire.public_user_data.and_then(|data| data.user_id);
    let user = user_id(who, "data.public_user_data.user_id")?;
    let role = wire.role.ok_or_else(|| Flaw::absent("data.role"))?;
    let mut permissions = wire.permissions.unwrap_or_default();
    permissions.sort_unstable();
    permissions.dedup();
    let fields = Fields::Membership(MembershipFields {
        org_id: org_id.as_str().into(),
        user_id: user.as_str().into(),
        role: role_key(&role),
        permissions,
    });
    let mut changes = vec![live(id, fields, wire.updated_at, event_at)?];
    changes.extend(nested_organization(wire.organization, event_at));
    Ok(Event { changes, users: vec![user] })
}

fn role(wire: wire::Role, event_at: Option<UnixMillis>) -> Read<Event> {
    let id = object_id(wire.id, "data.id")?;
    let key = wire.key.ok_or_else(|| Flaw::absent("data.key"))?;
    let mut permissions = Vec::new();
    for carried in wire.permissions.unwrap_or_default() {
        let id = object_id(carried.id, "data.permissions.id")?.as_str().into();
        let key = carried.key.ok_or_else(|| Flaw::absent("data.permissions.key"))?;
        permissions.push(Carried { id, key });
    }
    permissions.sort_unstable();
    permissions.dedup();
    let fields = Fields::Role(RoleFields { key: role_key(&key), permissions });
    alone(live(id, fields, wire.updated_at, event_at)?)
}

fn permission(wire: wire::Permission, event_at: Option<UnixMillis>) -> Read<Event> {
    let id = object_id(wire.id, "data.id")?;
    let key = wire.key.ok_or_else(|| Flaw::absent("data.key"))?;
    alone(live(id, Fields::Permission(PermissionFields { key }), wire.updated_at, event_at)?)
}

fn live(
    id: ObjectId,
    fields: Fields,
    updated_at: Option<i64>,
    event_at: Option<UnixMillis>,
) -> Read<Change> {
    let raw = updated_at.ok_or_else(|| Flaw::absent("data.updated_at"))?;
    let updated_at = UnixMillis::from_outside(raw).ok_or_else(|| Flaw::time("data.updated_at"))?;
    let event_at = event_at.unwrap_or(updated_at);
    if UPDATE_AHEAD_MS_MAX < updated_at.since(event_at) {
        return Err(Flaw::time("data.updated_at lies more than an hour after the event"));
    }
    let digest = digest(id.as_str(), &fields);
    let rank = Rank { updated_at, event_at, projection: PROJECTION, digest };
    let entity = fields.entity();
    Ok(Change { entity, id, state: State::Live(Live { rank, fields }) })
}

/// A membership nests its organization whole: a change of its own. One that cannot be read is left
/// to the organization's own events; the membership does not need it.
fn nested_organization(value: Option<Value>, event_at: Option<UnixMillis>) -> Option<Change> {
    let wire = serde_json::from_value(value?).ok()?;
    organization(wire, event_at).ok()
}

fn member(public_user_data: Option<Value>) -> Option<UserId> {
    UserId::parse(public_user_data?.get("user_id")?.as_str()?).ok()
}

fn object_id(raw: Option<String>, at: &str) -> Read<ObjectId> {
    let raw = raw.ok_or_else(|| Flaw::absent(at))?;
    ObjectId::parse(&raw).map_err(|_| Flaw::id(at))
}

fn user_id(raw: Option<String>, at: &str) -> Read<UserId> {
    let raw = raw.ok_or_else(|| Flaw::absent(at))?;
    UserId::parse(&raw).map_err(|_| Flaw::id(at))
}

/// The address whose id is the primary one; not the first of the list, and perhaps none.
fn primary_email(
    primary: Option<String>,
    addresses: Option<Vec<wire::EmailAddress>>,
) -> Option<String> {
    let primary = primary?;
    let mut addresses = addresses?.into_iter();
    addresses.find(|address| address.id.as_ref() == Some(&primary))?.email_address
}

/// `roles` (an array) and `role` (a string) together. What is not a string is ignored, and so is
/// what only an organization can give.
fn app_roles(metadata: Option<&Value>) -> Vec<String> {
    let get = |name| metadata.and_then(|metadata| metadata.get(name));
    let list = get("roles").and_then(Value::as_array).into_iter().flatten();
    let names = list.chain(get("role")).filter_map(Value::as_str).filter(|name| is_app_role(name));
    let mut names: Vec<String> = names.map(String::from).collect();
    names.sort_unstable();
    names.dedup();
    names
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
