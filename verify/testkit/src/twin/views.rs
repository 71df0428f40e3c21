//! The views, and what a role cache reads of them.

use shared::roles::{Membership as Held, RoleSet, UserStatus};

use super::Rows;
use super::rows::{Membership, OrgRole, User};

impl Rows {
    /// What a fill gives for a user, at this version.
    #[must_use]
    pub fn fill(&self, user: &str, version: i64) -> RoleSet {
        let status = match self.users.get(user) {
            None => UserStatus::Unknown,
            Some(row) if row.rank.deleted => UserStatus::Deleted,
            Some(row) if row.banned => UserStatus::Banned,
            Some(_) => UserStatus::Active,
        };
        let roles = self.user_roles(user).map(String::from).collect();
        let organizations =
            if status.may_have_access() { self.org_memberships(user).collect() } else { vec![] };
        RoleSet { version, status, roles, organizations }.normalized()
    }

    /// The view `user_roles`: the app roles of one user that count.
    pub fn user_roles(&self, user: &str) -> impl Iterator<Item = &str> {
        let user = self.users.get(user).filter(|user| !user.rank.deleted && !user.banned);
        user.into_iter().flat_map(|user| {
            let counts = |id: i64, name: &str| self.has_app_role(user, id, name);
            let roles = self.app_roles.values();
            let named = roles.filter_map(|role| Some((role.id, role.text()?)));
            named.filter(move |(id, name)| !name.is_empty() && counts(*id, name)).map(|it| it.1)
        })
    }

    fn has_app_role(&self, user: &User, id: i64, name: &str) -> bool {
        match self.grants.get(&(user.id.clone(), id)) {
            Some(grant) => grant.granted,
            None => {
                self.default_role() == Some(name) || user.app_roles.strings().any(|it| it == name)
            }
        }
    }

    /// The view `org_memberships`, of one user who is neither dead nor banned.
    fn org_memberships(&self, user: &str) -> impl Iterator<Item = Held> {
        let dead = |org: &str| self.organizations.get(org).is_some_and(|org| org.rank.deleted);
        let memberships = self.memberships.values();
        let counts = memberships.filter(move |membership| {
            membership.user_id == user && self.is_current(membership) && !dead(&membership.org_id)
        });
        counts.map(|membership| Held {
            org_id: membership.org_id.clone(),
            role: membership.role.clone(),
            permissions: self.permissions(membership).into(),
        })
    }

    fn permissions(&self, membership: &Membership) -> Vec<String> {
        if self.has_role(&membership.role) {
            let counting = self.counting(&membership.role);
            let carried = counting.flat_map(|role| role.permissions.carried());
            return carried.filter_map(|(id, key)| self.permission(id, key)).collect();
        }
        if self.speaks(&membership.role) {
            let own = membership.permissions.strings().filter(|key| !self.is_retired(key));
            return own.map(String::from).collect();
        }
        vec![]
    }

    /// Whether a live membership counts in its pair: the view `current_memberships`.
    pub(super) fn is_current(&self, membership: &Membership) -> bool {
        let pair = (membership.org_id.clone(), membership.user_id.clone());
        let passed = self.pairs.get(&pair).is_some_and(|pair| membership.rank < pair.rank);
        !membership.rank.deleted && !passed
    }

    /// Whether memberships of this role have their own lists: nothing was ever heard of it.
    pub(super) fn speaks(&self, role: &str) -> bool {
        !self.has_role(role) && !self.role_keys.contains_key(role)
    }

    /// The view `retired_permissions`.
    pub(super) fn is_retired(&self, key: &str) -> bool {
        self.permission_keys.contains_key(key) && !self.is_borne(key)
    }

    /// Whether a live permission has this key.
    pub(super) fn is_borne(&self, key: &str) -> bool {
        self.org_permissions.values().any(|row| !row.rank.deleted && row.key == key)
    }

    /// A permission's own key; the one in the role until it is known, unless that is retired; none
    /// once it is dead.
    fn permission(&self, id: &str, stand_in: &str) -> Option<String> {
        match self.org_permissions.get(id) {
            None if self.is_retired(stand_in) => None,
            None => Some(stand_in.into()),
            Some(row) if row.rank.deleted => None,
            Some(row) => Some(row.key.clone()),
        }
    }

    /// The view `org_role_catalogue`: of the live roles of one key the greatest; several that tie.
    fn counting(&self, key: &str) -> impl Iterator<Item = &OrgRole> {
        let greatest = self.live_roles(key).map(|role| &role.rank).max();
        self.live_roles(key).filter(move |role| Some(&role.rank) == greatest)
    }

    pub(super) fn live_roles(&self, key: &str) -> impl Iterator<Item = &OrgRole> {
        self.org_roles.values().filter(move |role| !role.rank.deleted && role.key == key)
    }

    pub(super) fn has_role(&self, key: &str) -> bool {
        self.live_roles(key).next().is_some()
    }

    pub(super) fn default_role(&self) -> Option<&str> {
        self.settings.get("default_role").map(|setting| setting.value.as_str())
    }
}
