//! What is left behind: memberships whose delete may be lost, and lists that name what is gone.

use shared::merge::{EntityChange, EntityKind};

use super::make::{dead, lists, member, permission, role, user};

pub(super) fn before_again() -> Vec<EntityChange> {
    vec![user(0, 1, false, false)]
}

pub(super) fn again() -> Vec<EntityChange> {
    vec![
        member("orgmem_a", 0, 1, "org:admin"),
        dead(EntityKind::Membership, "orgmem_a"),
        member("orgmem_c", 0, 3, "org:member"),
        dead(EntityKind::Membership, "orgmem_c"),
    ]
}

pub(super) fn before_keys() -> Vec<EntityChange> {
    vec![lists(member("orgmem_a", 0, 1, "org:admin")), lists(member("orgmem_b", 1, 1, "org:guest"))]
}

pub(super) fn keys() -> Vec<EntityChange> {
    vec![
        role(1, "org:admin", true),
        role(2, "org:member", true),
        permission(1),
        dead(EntityKind::Permission, "perm_p"),
    ]
}
