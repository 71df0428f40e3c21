//! Histories: lists of events and grants. Those here have seven steps, and each tests a difficult
//! case of the merge law.

use serde_json::{Value, json};
use shared::plan::{BatchPlan, OpenedMessage, plan};
use shared::sql::{GRANT, Statement, statements};
use shared::time::UnixMillis;
use testkit::twin::{Effect, Twin, Word};

use crate::support::clerk::{
    banned, deleted, deliver, event_at, event_without_time, membership, organization, permission,
    role, user, user_with,
};
use crate::support::{START, statement};

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Clerk delivers.
    Event(Box<OpenedMessage>),
    /// An operator grants or revokes.
    Grant(Grant),
}

/// An operator's grant or revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) user: &'static str,
    pub(super) role: &'static str,
    pub(super) granted: bool,
    pub(super) at: i64,
    pub(super) id: &'static str,
}

pub(super) type History = Vec<Step>;

/// The roles that exist before any history begins. A role's number is its place in this list.
pub(super) const ROLES: [&str; 2] = ["admin", "editor"];

pub(super) const DEFAULT_ROLE: &str = "member";

/// The users who are watched from the beginning.
pub(super) const WATCHED: [&str; 2] = [ADA, BOB];

pub(super) const ADA: &str = "user_ada";
pub(super) const BOB: &str = "user_bob";
pub(super) const USER: &str = "user.updated";
pub(super) const MEMBER: &str = "organizationMembership.updated";
pub(super) const GONE: &str = "organizationMembership.deleted";

/// The plan for the deliveries among these steps, as one batch.
pub(super) fn planned(steps: &[Step]) -> BatchPlan {
    let messages = steps.iter().filter_map(|step| match step {
        Step::Event(message) => Some((**message).clone()),
        Step::Grant(_) => None,
    });
    plan("rolecall-events", &messages.collect::<Vec<_>>(), vec![])
}

/// The statements of these steps, as one D1 batch.
pub(super) fn batch(steps: &[Step]) -> Vec<Statement> {
    let mut batch = statements(&planned(steps), UnixMillis(START));
    batch.extend(steps.iter().filter_map(|step| match step {
        Step::Event(_) => None,
        Step::Grant(Grant { user, role, granted, at, id }) => {
            let place = ROLES.iter().zip(1_i64..).find(|(name, _)| *name == role).unwrap().1;
            let granted = i64::from(*granted);
            Some(statement(GRANT, &[user, &place, &granted, at, id, &"ops", &"why", &0]))
        }
    }));
    batch
}

/// Applies these steps to the twin.
pub(super) fn apply_to_twin(twin: &mut Twin, steps: &[Step]) -> Effect {
    let mut all = twin.run(&planned(steps));
    for step in steps {
        let effect = match step {
            Step::Event(_) => continue,
            Step::Grant(Grant { user, role, granted, at, id }) => {
                twin.grant(Word { user, role, granted: *granted, at: *at, id })
            }
        };
        all += effect;
    }
    all
}

/// A time, in seconds since the start.
pub(super) const fn t(seconds: i64) -> i64 {
    START + seconds * 1000
}

/// A delivery of an event that happened this many seconds after the start.
pub(super) fn at(seconds: i64, kind: &str, data: &Value) -> Step {
    event(&event_at(kind, t(seconds), data))
}

pub(super) fn event(body: &Value) -> Step {
    let digest = shared::projection::ContentDigest::of(body.to_string().as_bytes());
    Step::Event(Box::new(deliver(&format!("msg_{}", digest.as_str()), body, t(3600))))
}

pub(super) fn grant(
    user: &'static str,
    role: &'static str,
    granted: bool,
    s: i64,
    id: &'static str,
) -> Step {
    Step::Grant(Grant { user, role, granted, at: t(s), id })
}

/// A create, an update, two updates with the same `updated_at` but another content or another event
/// time, a delete, a late update, and another user's event without a time.
pub(super) fn a_user_is_updated_twice_at_once_and_deleted() -> History {
    vec![
        at(0, "user.created", &user(ADA, t(0), &json!({}))),
        at(1, USER, &user_with(ADA, t(1), &["admin"])),
        at(1, USER, &user_with(ADA, t(1), &["editor", "org:admin", "new"])),
        at(2, USER, &user_with(ADA, t(1), &[])),
        at(3, "user.deleted", &deleted("user", ADA)),
        at(9, USER, &user_with(ADA, t(9), &["admin", "late"])),
        event(&event_without_time("user.created", &user_with(BOB, t(0) / 1000, &["owner"]))),
    ]
}

/// The organization is deleted, in some orders before its membership arrives.
pub(super) fn an_organization_is_deleted_around_its_members() -> History {
    vec![
        at(0, "user.created", &user(ADA, t(0), &json!({}))),
        at(0, "organization.created", &organization("org_1", t(0), "Acme")),
        at(1, "organization.updated", &organization("org_1", t(0), "Acme Two")),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "basic_member"], t(1), &["org:a:b"])),
        at(2, MEMBER, &membership(["orgmem_1", "org_1", ADA, "admin"], t(2), &["org:c:d"])),
        at(2, MEMBER, &membership(["orgmem_2", "org_2", ADA, "org:x"], t(1), &[])),
        at(3, "organization.deleted", &deleted("organization", "org_1")),
    ]
}

/// A member leaves and returns, under a new id. The old one's last update is late.
pub(super) fn a_member_leaves_and_returns() -> History {
    let mut gone = membership(["orgmem_1", "org_1", ADA, "org:admin"], t(2), &["org:a:b"]);
    gone["organization"]["updated_at"] = json!(t(3));
    vec![
        at(0, "user.created", &user_with(ADA, t(0), &["editor"])),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:member"], t(1), &[])),
        at(2, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:admin"], t(2), &["org:a:b"])),
        at(3, GONE, &gone),
        at(4, MEMBER, &membership(["orgmem_2", "org_1", ADA, "org:member"], t(4), &["org:a:c"])),
        at(5, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:admin"], t(5), &["org:a:b"])),
        at(4, MEMBER, &membership(["orgmem_2", "org_1", BOB, "org:member"], t(4), &["org:a:d"])),
    ]
}

/// The catalogue: a role and a permission, each made, changed and deleted.
pub(super) fn a_role_and_its_permission_come_and_go() -> History {
    let own = ["org:own:read"];
    vec![
        at(0, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(0), &own)),
        at(1, "role.created", &role("role_1", "org:x", t(1), &[("perm_1", "org:p:old")])),
        at(2, "role.updated", &role("role_1", "x", t(2), &[("perm_2", "org:q:read")])),
        at(1, "permission.created", &permission("perm_1", "org:p:old", t(1))),
        at(3, "permission.updated", &permission("perm_1", "org:p:new", t(3))),
        at(4, "permission.deleted", &deleted("permission", "perm_1")),
        at(5, "role.deleted", &deleted("role", "role_1")),
    ]
}

/// The delete of the first membership never comes, that of the second does; the first one's last
/// update is late, and the organization has another member.
pub(super) fn a_member_returns_and_the_first_delete_is_lost() -> History {
    let own = ["org:own:read"];
    vec![
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:admin"], t(1), &own)),
        at(2, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:owner"], t(2), &own)),
        at(4, MEMBER, &membership(["orgmem_2", "org_1", ADA, "org:member"], t(4), &own)),
        at(5, GONE, &membership(["orgmem_2", "org_1", ADA, "org:member"], t(4), &[])),
        at(6, MEMBER, &membership(["orgmem_3", "org_1", ADA, "org:guest"], t(6), &[])),
        at(4, MEMBER, &membership(["orgmem_4", "org_1", BOB, "org:member"], t(4), &[])),
        at(1, "role.created", &role("role_1", "org:auditor", t(1), &[])),
    ]
}

/// A role and a permission are renamed and deleted, while memberships still list them.
pub(super) fn keys_are_renamed_and_retired() -> History {
    let own = ["org:p:old", "org:q:read"];
    vec![
        at(0, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(0), &own)),
        at(0, MEMBER, &membership(["orgmem_2", "org_1", BOB, "org:lone"], t(0), &own)),
        at(1, "role.created", &role("role_1", "org:x", t(1), &[("perm_2", "org:q:read")])),
        at(2, "role.updated", &role("role_1", "org:y", t(2), &[])),
        at(1, "permission.created", &permission("perm_1", "org:p:old", t(1))),
        at(2, "permission.updated", &permission("perm_1", "org:q:read", t(2))),
        at(3, "permission.deleted", &deleted("permission", "perm_1")),
    ]
}

/// Two roles with one key: the live one of the greater rank counts.
pub(super) fn two_roles_share_a_key() -> History {
    let both = [("perm_1", "org:p:read"), ("perm_2", "org:p:write")];
    vec![
        at(0, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(0), &["org:own:read"])),
        at(0, MEMBER, &membership(["orgmem_2", "org_1", BOB, "org:y"], t(0), &["org:own:read"])),
        at(1, "role.created", &role("role_1", "org:x", t(1), &both)),
        at(1, "role.created", &role("role_2", "org:x", t(1), &[("perm_2", "org:p:write")])),
        at(2, "role.updated", &role("role_1", "org:y", t(2), &both)),
        at(3, "permission.updated", &permission("perm_2", "org:p:delete", t(3))),
        at(4, "role.deleted", &deleted("role", "role_2")),
    ]
}

/// A ban and its end, an operator's grant and revocations, two at one instant.
pub(super) fn a_user_is_banned_and_operators_grant_and_revoke() -> History {
    vec![
        at(0, "user.created", &user_with(ADA, t(0), &["editor"])),
        at(1, USER, &banned(ADA, t(1))),
        at(2, USER, &user_with(ADA, t(2), &["editor"])),
        grant(ADA, "admin", true, 1, "g1"),
        grant(ADA, "admin", false, 1, "g2"),
        grant(ADA, "editor", false, 3, "g3"),
        grant(BOB, "editor", true, 0, "g0"),
    ]
}

/// Two members of one organization, which is deleted; one is banned, the other deleted.
pub(super) fn two_members_lose_their_organization() -> History {
    vec![
        at(0, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:admin"], t(0), &["org:a:b"])),
        at(0, MEMBER, &membership(["orgmem_2", "org_1", BOB, "org:member"], t(0), &[])),
        at(1, USER, &banned(ADA, t(1))),
        at(2, USER, &user(ADA, t(2), &json!({}))),
        at(2, "user.deleted", &deleted("user", BOB)),
        grant(BOB, "admin", true, 9, "g9"),
        at(3, "organization.deleted", &deleted("organization", "org_1")),
    ]
}

/// A membership's own list of permissions, with changes that keep it and changes that end it.
pub(super) fn a_memberships_own_permissions_come_to_an_end() -> History {
    vec![
        at(0, "user.created", &user(BOB, t(0), &json!({}))),
        at(1, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(1), &["org:own:read"])),
        at(2, MEMBER, &membership(["orgmem_1", "org_1", ADA, "org:x"], t(2), &["org:own:write"])),
        at(2, "permission.deleted", &deleted("permission", "perm_9")),
        at(3, "role.created", &role("role_1", "org:x", t(3), &[("perm_9", "org:own:read")])),
        at(4, "role.deleted", &deleted("role", "role_1")),
        at(1, "permission.created", &permission("perm_9", "org:own:write", t(1))),
    ]
}
