//! The changes that a history is made of.

use shared::id::EntityId;
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use shared::projection::{
    EntityFields, MembershipFields, OrganizationFields, PROJECTION_VERSION, PermissionFields,
    RoleFields, RolePermission, UserFields, digest,
};
use shared::time::UnixMillis;

use super::{ORG, PERMISSION};
use crate::wire::user_id;

pub(super) fn user(user: u8, at: i64, admin: bool, banned: bool) -> EntityChange {
    let app_roles = if admin { vec!["admin".into()] } else { vec![] };
    let fields = UserFields { banned, app_roles, ..UserFields::default() };
    live(EntityKind::User, user_id(user), at, EntityFields::User(fields))
}

pub(super) fn member(id: &'static str, user: u8, at: i64, role: &str) -> EntityChange {
    let fields = MembershipFields {
        org_id: ORG.into(),
        user_id: user_id(user).into(),
        role: role.into(),
        ..MembershipFields::default()
    };
    live(EntityKind::Membership, id, at, EntityFields::Membership(fields))
}

/// A membership that lists the permission itself.
pub(super) fn lists(member: EntityChange) -> EntityChange {
    let EntityState::Live(LiveState { rank, fields: EntityFields::Membership(mut fields) }) =
        member.state
    else {
        return member;
    };
    fields.permissions = vec![PERMISSION.into()];
    live(member.kind, member.id.as_str(), rank.updated_at.0, EntityFields::Membership(fields))
}

pub(super) fn role(at: i64, key: &str, carries: bool) -> EntityChange {
    let one = RolePermission { id: "perm_p".into(), key: PERMISSION.into() };
    let permissions = if carries { vec![one] } else { vec![] };
    live(
        EntityKind::Role,
        "role_r",
        at,
        EntityFields::Role(RoleFields { key: key.into(), permissions }),
    )
}

pub(super) fn permission(at: i64) -> EntityChange {
    let fields = PermissionFields { key: PERMISSION.into() };
    live(EntityKind::Permission, "perm_p", at, EntityFields::Permission(fields))
}

pub(super) fn organization(at: i64) -> EntityChange {
    let fields = OrganizationFields { name: "O".into(), ..OrganizationFields::default() };
    live(EntityKind::Organization, ORG, at, EntityFields::Organization(fields))
}

fn live(entity: EntityKind, id: &str, at: i64, fields: EntityFields) -> EntityChange {
    let updated_at = UnixMillis(at);
    let rank = Rank {
        updated_at,
        event_at: updated_at,
        projection: PROJECTION_VERSION,
        digest: digest(id, &fields),
    };
    EntityChange {
        kind: entity,
        id: named(id),
        state: EntityState::Live(LiveState { rank, fields }),
    }
}

pub(super) fn dead(entity: EntityKind, id: &str) -> EntityChange {
    EntityChange { kind: entity, id: named(id), state: EntityState::Deleted }
}

/// The ids of this file are well formed; a test says so.
fn named(id: &str) -> EntityId {
    match EntityId::parse(id) {
        Ok(id) => id,
        Err(_) => named("malformed"),
    }
}
