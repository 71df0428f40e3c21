//! The twin's rows as queries give them.

use rusqlite::types::Value as Cell;

use super::Rows;
use super::rows::{
    AppRole, Grant, Key, Membership, OrgPermission, OrgRole, Organization, Pair, User,
};
use crate::sqlite::Cells;

/// A query for each table that must not depend on the order of what happened, without generated
/// numbers and times of arrival, last the view of the app roles that count. [`Rows::tables`] gives
/// what they give. The first eight are functions of the events alone.
pub const TABLES: [&str; 12] = [
    User::QUERY,
    Organization::QUERY,
    Membership::QUERY,
    OrgRole::QUERY,
    OrgPermission::QUERY,
    "SELECT org_id, user_id, updated_at, event_at, projection, digest FROM membership_pairs \
     ORDER BY 1, 2",
    "SELECT key FROM org_role_keys ORDER BY 1",
    "SELECT key FROM org_permission_keys ORDER BY 1",
    "SELECT name FROM roles WHERE typeof(name) = 'text' ORDER BY 1",
    "SELECT g.user_id, r.name, g.granted, g.at, g.id FROM role_grants g \
     JOIN roles r ON r.id = g.role_id WHERE typeof(r.name) = 'text' ORDER BY 1, 2",
    "SELECT key, value FROM settings ORDER BY 1",
    "SELECT ur.user_id, r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id ORDER BY 1, 2",
];

impl Rows {
    /// What [`TABLES`] give, in that order.
    #[must_use]
    pub fn tables(&self) -> [Vec<Cells>; 12] {
        let mut names: Vec<&str> = self.app_roles.values().filter_map(AppRole::text).collect();
        names.sort_unstable();
        let settings = self.settings.values();
        [
            self.users.values().map(User::cells).collect(),
            self.organizations.values().map(Organization::cells).collect(),
            self.memberships.values().map(Membership::cells).collect(),
            self.org_roles.values().map(OrgRole::cells).collect(),
            self.org_permissions.values().map(OrgPermission::cells).collect(),
            self.pairs.values().map(pair).collect(),
            self.role_keys.values().map(key).collect(),
            self.permission_keys.values().map(key).collect(),
            names.into_iter().map(|name| vec![text(name)]).collect(),
            self.grant_cells(),
            settings.map(|setting| vec![text(&setting.key), text(&setting.value)]).collect(),
            self.role_cells(),
        ]
    }

    fn grant_cells(&self) -> Vec<Cells> {
        let grants = self.grants.values();
        let named = grants.filter_map(|it| Some((it, self.app_roles.get(&it.role_id)?.text()?)));
        let mut grants: Vec<_> = named.collect();
        grants.sort_unstable_by_key(|(grant, role)| (grant.user_id.as_str(), *role));
        let cells = grants.into_iter().map(|(grant, role)| {
            let Grant { user_id, granted, at, id, .. } = grant;
            vec![text(user_id), text(role), bit(*granted), Cell::Integer(*at), text(id)]
        });
        cells.collect()
    }

    fn role_cells(&self) -> Vec<Cells> {
        let users = self.users.keys();
        let mut roles: Vec<_> =
            users.flat_map(|user| self.user_roles(user).map(move |role| (user, role))).collect();
        roles.sort_unstable();
        roles.into_iter().map(|(user, role)| vec![text(user), text(role)]).collect()
    }
}

fn pair(row: &Pair) -> Cells {
    let mut cells = vec![text(&row.org_id), text(&row.user_id)];
    cells.extend(row.rank.live_cells());
    cells
}

fn key(row: &Key) -> Cells {
    vec![text(&row.key)]
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn bit(bit: bool) -> Cell {
    Cell::Integer(bit.into())
}
