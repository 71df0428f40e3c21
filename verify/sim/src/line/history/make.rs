//! The changes that a history is made of.

use shared::id::ObjectId;
use shared::merge::{Change, Entity, Live, Rank, State};
use shared::projection::{
    Carried, Fields, MembershipFields, OrganizationFields, PROJECTION, PermissionFields,
    RoleFields, UserFields, digest,
};
use shared::time::UnixMillis;

use super::{ORG, PERMISSION};
use crate::wire::user_id;

pub(super) fn user(user: u8, at: i64, admin: bool, banned: bool) -> Change {
    let app_roles = if admin { vec!["admin".into()] } else { vec![] };
    let fields = UserFields { email: None, banned, app_roles, created_at: 0 };
    live(Entity::User, user_id(user), at, Fields::User(fields))
}

pub(super) fn member(id: &'static str, user: u8, at: i64, role: &str) -> Change {
    let fields = MembershipFields {
        org_id: ORG.into(),
        user_id: user_id(user).into(),
        role: role.into(),
        permissions: vec![],
    };
    live(Entity::Membership, id, at, Fields::Membership(fields))
}

/// A membership that lists the permission itself.
pub(super) fn lists(member: Change) -> Change {
    let State::Live(Live { rank, fields: Fields::Membership(mut fields) }) = member.state else {
        return member;
    };
    fields.permissions = vec![PERMISSION.into()];
    live(member.entity, member.id.as_str(), rank.updated_at.0, Fields::Membership(fields))
}

pub(super) fn role(at: i64, key: &str, carries: bool) -> Change {
    let one = Carried { id: "perm_p".into(), key: PERMISSION.into() };
    let permissions = if carries { vec![one] } else { vec![] };
    live(Entity::Role, "role_r", at, Fields::Role(RoleFields { key: key.into(), permissions }))
}

pub(super) fn permission(at: i64) -> Change {
    let fields = PermissionFields { key: PERMISSION.into() };
    live(Entity::Permission, "perm_p", at, Fields::Permission(fields))
}

pub(super) fn organization(at: i64) -> Change {
    let fields = OrganizationFields { name: "O".into(), slug: None };
    live(Entity::Organization, ORG, at, Fields::Organization(fields))
}

fn live(entity: Entity, id: &str, at: i64, fields: Fields) -> Change {
    let updated_at = UnixMillis(at);
    let rank = Rank {
        updated_at,
        event_at: updated_at,
        projection: PROJECTION,
        digest: digest(id, &fields),
    };
    Change { entity, id: named(id), state: State::Live(Live { rank, fields }) }
}

pub(super) fn dead(entity: Entity, id: &str) -> Change {
    Change { entity, id: named(id), state: State::Dead }
}

/// The ids of this file are well formed; a test says so.
fn named(id: &str) -> ObjectId {
    match ObjectId::parse(id) {
        Ok(id) => id,
        Err(_) => named("malformed"),
    }
}
