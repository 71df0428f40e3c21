//! Histories of eight steps, and of six, with every kind of change in each.

use serde_json::json;
use shared::event::Payload;
use shared::merge::EntityState;

use super::history::{ADA, BOB, GONE, History, MEMBER, Step, USER, at, event, grant, t};
use crate::support::clerk::{
    banned, deleted, event_without_time, membership, organization, permission, role, user,
    user_with,
};

/// Six steps: a user, an organization's delete, a membership, a role, a permission, a revocation.
pub(super) fn one_of_each_kind() -> History {
    vec![
        at(0, "user.created", &user_with(ADA, t(0), &["admin", "editor"])),
        at(3, "organization.deleted", &deleted("organization", "org_1")),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &["org:own:read"])),
        at(1, "role.created", &role("role_1", "org:x", t(1), &[("perm_1", "org:p:old")])),
        at(2, "permission.updated", &permission("perm_1", "org:p:new", t(2))),
        grant(ADA, "admin", false, 1, "g1"),
    ]
}

/// Six steps: deletes before, between and after two updates at one time.
pub(super) fn deletes_and_ties() -> History {
    vec![
        at(1, USER, &user_with(BOB, t(1), &["admin"])),
        at(1, USER, &user_with(BOB, t(1), &["editor"])),
        at(2, "user.deleted", &deleted("user", BOB)),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", BOB, "org:x"], t(1), &["org:own:read"])),
        both(
            &at(2, "role.created", &role("role_1", "org:x", t(2), &[("perm_1", "org:p:old")])),
            &at(2, "permission.deleted", &deleted("permission", "perm_1")),
        ),
        grant(BOB, "admin", false, 1, "g1"),
    ]
}

/// Two updates of a user at one time, one update of everything else, and the organization's delete.
pub(super) fn all_kinds_of_change() -> History {
    vec![
        at(1, USER, &user_with(ADA, t(1), &["editor"])),
        at(1, USER, &user_with(ADA, t(1), &["admin", "new"])),
        at(2, "organization.updated", &organization("org_1", t(2), "Acme")),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &["org:own:read"])),
        at(1, "role.created", &role("role_1", "org:x", t(1), &[("perm_1", "org:p:old")])),
        at(2, "permission.updated", &permission("perm_1", "org:p:new", t(2))),
        grant(ADA, "admin", false, 1, "g1"),
        at(3, "organization.deleted", &deleted("organization", "org_1")),
    ]
}

/// A delivery read by a newer build outranks the same delivery read by an older build, but not a
/// later event.
pub(super) fn two_builds_read_the_same() -> History {
    let own = ["org:own:read"];
    vec![
        at(1, USER, &user_with(ADA, t(1), &["editor"])),
        newer(at(1, USER, &user_with(ADA, t(1), &["admin"]))),
        at(2, USER, &banned(ADA, t(1))),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &own)),
        newer(at(1, MEMBER, &membership(["orgmem_1", "org_1", BOB, "org:y"], t(1), &own))),
        newer(at(1, "role.updated", &role("role_1", "org:x", t(1), &[("perm_1", "org:p:old")]))),
        both(
            &at(1, "role.updated", &role("role_1", "org:y", t(1), &[])),
            &at(3, "permission.deleted", &deleted("permission", "perm_1")),
        ),
        grant(BOB, "editor", true, 1, "g1"),
    ]
}

/// Two updates of each entity, all at one time.
pub(super) fn all_at_one_time() -> History {
    let own = ["org:own:read"];
    let carried = [("perm_1", "org:p:old")];
    vec![
        both(
            &at(1, USER, &user_with(ADA, t(1), &["editor"])),
            &at(1, "permission.updated", &permission("perm_1", "org:p:one", t(1))),
        ),
        both(
            &at(1, USER, &user_with(ADA, t(1), &["admin"])),
            &at(1, "permission.updated", &permission("perm_1", "org:p:two", t(1))),
        ),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &own)),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:y"], t(1), &own)),
        at(1, "role.created", &role("role_1", "org:x", t(1), &carried)),
        at(1, "role.created", &role("role_2", "org:x", t(1), &[])),
        grant(ADA, "admin", true, 1, "g1"),
        grant(ADA, "admin", false, 1, "g2"),
    ]
}

/// A delete of each entity, in some orders before the events that it ends.
pub(super) fn everything_is_deleted() -> History {
    let mut gone = membership(["orgmem_1", "org_1", BOB, "org:x"], t(2), &[]);
    gone["organization"]["updated_at"] = json!(t(3));
    vec![
        event(&event_without_time("user.created", &user_with(BOB, t(1) / 1000, &["admin"]))),
        at(4, "user.deleted", &deleted("user", BOB)),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", BOB, "org:x"], t(1), &["org:own:read"])),
        at(4, GONE, &gone),
        at(1, "role.created", &role("role_1", "org:x", t(1), &[("perm_1", "org:p:old")])),
        both(
            &at(4, "role.deleted", &deleted("role", "role_1")),
            &at(4, "permission.deleted", &deleted("permission", "perm_1")),
        ),
        at(9, "permission.updated", &permission("perm_1", "org:p:late", t(9))),
        grant(BOB, "editor", true, 1, "g1"),
    ]
}

/// Two users, each with a membership that moves to the other, a ban, and a role with a changed key.
pub(super) fn two_users_change_places() -> History {
    let carried = [("perm_1", "org:p:old"), ("perm_2", "org:p:write")];
    vec![
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &["org:own:read"])),
        at(2, MEMBER, &membership(["orgmem_1", "org_1", BOB, "org:x"], t(2), &["org:own:write"])),
        at(2, MEMBER, &membership(["orgmem_2", "org_1", ADA, "org:y"], t(2), &["org:own:read"])),
        both(
            &at(1, USER, &banned(ADA, t(1))),
            &at(3, "organization.deleted", &deleted("organization", "org_2")),
        ),
        both(
            &at(2, USER, &user(ADA, t(2), &json!({}))),
            &at(2, MEMBER, &membership(["orgmem_3", "org_2", ADA, "org:x"], t(2), &[])),
        ),
        both(
            &at(3, "role.updated", &role("role_1", "org:x", t(3), &carried)),
            &at(4, "permission.deleted", &deleted("permission", "perm_2")),
        ),
        at(2, "role.updated", &role("role_1", "org:y", t(2), &[])),
        grant(ADA, "editor", true, 1, "g1"),
    ]
}

/// Both steps as one delivery with two changes.
fn both(first: &Step, second: &Step) -> Step {
    let (Step::Event(first), Step::Event(second)) = (first, second) else {
        panic!("only deliveries say two things");
    };
    let (mut joined, mut changes) = (first.clone(), vec![]);
    if let Payload::Event(event) = &second.envelope.payload {
        changes.clone_from(&event.changes);
    }
    assert!(!changes.is_empty(), "{second:?}");
    if let Payload::Event(event) = &mut joined.envelope.payload {
        event.changes.extend(changes);
    }
    Step::Event(joined)
}

/// The delivery as the next build reads it.
fn newer(step: Step) -> Step {
    let Step::Event(mut message) = step else { panic!("only deliveries are read") };
    if let Payload::Event(event) = &mut message.envelope.payload {
        for change in &mut event.changes {
            if let EntityState::Live(live) = &mut change.state {
                live.rank.projection += 1;
            }
        }
    }
    Step::Event(message)
}
