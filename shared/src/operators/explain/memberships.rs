//! Memberships: which count, which permissions they give, and why. The rules are those of the view
//! that role caches read, `migrations/derived/views/organizations.sql`.

use std::collections::BTreeSet;

use super::rows::{DecidingRole, ListedPermission, MembershipRow, OwnPermission};
use crate::operators::api::explain::MembershipReason;
use crate::operators::words::counted;

/// Memberships in one explanation. The statement reads one more, which tells that there are more.
pub const MEMBERSHIPS_MAX: usize = 100;

/// Each membership with its reasons, by organization, and whether there are more of them.
pub(super) fn membership_reasons(
    mut rows: Vec<MembershipRow>,
    roles: &[DecidingRole],
) -> (Vec<MembershipReason>, bool) {
    rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let more = MEMBERSHIPS_MAX < rows.len();
    rows.truncate(MEMBERSHIPS_MAX);
    rows.sort_by(|one, other| one.org_id.cmp(&other.org_id));
    (rows.into_iter().map(|row| membership_reason(row, roles)).collect(), more)
}

fn membership_reason(row: MembershipRow, roles: &[DecidingRole]) -> MembershipReason {
    let bars = bars(&row);
    let counts = bars.is_empty();
    let mut because = bars;
    if counts {
        because.push(
            "It counts: none of a greater rank is known for this user and organization.".into(),
        );
        if row.organization.is_none() {
            because.push("No event about the organization has arrived: that bars nothing.".into());
        }
    }
    let mut permissions = BTreeSet::new();
    if !row.deleted.0 {
        let mut given = Given { permissions: &mut permissions, because: &mut because };
        given.by_role(&row, roles);
    }
    let permissions = if counts { permissions.into_iter().collect() } else { vec![] };
    let MembershipRow { id, org_id, role, .. } = row;
    MembershipReason { id, org_id, role, counts, permissions, because }
}

/// Why a membership does not count; empty if it does.
fn bars(row: &MembershipRow) -> Vec<String> {
    let mut bars = Vec::new();
    if row.deleted.0 {
        bars.push("It was deleted in Clerk.".into());
        return bars;
    }
    if row.outranked.0 {
        let rival = row.rival.as_ref().map_or_else(
            || "one that was deleted or replaced since".into(),
            |rival| format!("it is {rival}"),
        );
        bars.push(format!(
            "A membership of a greater rank was heard of for this user and organization ({rival}). \
             Clerk has at most one for the two, so this one was left."
        ));
    }
    if row.organization.as_deref() == Some("dead") {
        bars.push("The organization was deleted in Clerk.".into());
    }
    match row.user.as_deref() {
        Some("dead") => bars.push("The user was deleted in Clerk.".into()),
        Some("banned") => bars.push("The user is banned in Clerk.".into()),
        _ => {}
    }
    bars
}

/// The permissions of one membership, while they are collected.
struct Given<'a> {
    permissions: &'a mut BTreeSet<String>,
    because: &'a mut Vec<String>,
}

impl Given<'_> {
    fn by_role(&mut self, row: &MembershipRow, roles: &[DecidingRole]) {
        let mut deciding = roles.iter().filter(|role| role.role == row.role).peekable();
        let role = &row.role;
        if deciding.peek().is_some() {
            for DecidingRole { role_id, listed, .. } in deciding {
                self.because.push(format!(
                    "The role {role_id} decides for {role}: it lists {}.",
                    counted(&u64::try_from(listed.len()).unwrap_or(u64::MAX), "permission")
                ));
                self.listed(listed);
            }
        } else if row.role_is_known.0 {
            self.because.push(format!(
                "The role {role} was deleted or renamed in Clerk. The membership's own list no \
                 longer counts, so it gives no permission."
            ));
        } else {
            self.because.push(format!(
                "No event about the role {role} has arrived, so the membership's own list decides."
            ));
            self.own(&row.own);
        }
    }

    fn own(&mut self, list: &[OwnPermission]) {
        for OwnPermission { key, retired } in list {
            if retired.0 {
                self.retired(key);
            } else {
                self.permissions.insert(key.clone());
            }
        }
    }

    fn listed(&mut self, list: &[ListedPermission]) {
        for permission in list {
            self.listed_one(permission);
        }
    }

    fn listed_one(&mut self, permission: &ListedPermission) {
        let ListedPermission { id, listed, key, deleted, retired } = permission;
        match (key, deleted) {
            (Some(_), Some(deleted)) if deleted.0 => self
                .because
                .push(format!("{listed} is left out: the permission {id} was deleted in Clerk.")),
            (Some(key), _) => {
                if key != listed {
                    self.because.push(format!("{listed} is now called {key} ({id})."));
                }
                self.permissions.insert(key.clone());
            }
            (None, _) if retired.0 => self.retired(listed),
            (None, _) => {
                self.permissions.insert(listed.clone());
            }
        }
    }

    fn retired(&mut self, key: &str) {
        self.because
            .push(format!("{key} is left out: no permission in Clerk has this key any more."));
    }
}
