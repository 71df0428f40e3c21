//! The twin's rows as queries give them.

use rusqlite::types::Value as Cell;

use super::Rows;
use super::rows::{
    AppRole, Grant, Key, List, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, User,
};
use crate::sqlite::Cells;

macro_rules! synced {
    ($columns:literal, $table:literal) => {
        concat!(
            "SELECT ",
            $columns,
            ", deleted, updated_at, event_at, projection, digest FROM ",
            $table,
            " ORDER BY 1"
        )
    };
}

/// A query for each table that must not depend on the order of what happened, without generated
/// numbers and times of arrival, last the view of the app roles that count. [`Rows::tables`] gives
/// what they give. The first eight are functions of the events alone.
pub const TABLES: [&str; 12] = [
    synced!("id, email, banned, app_roles, created_at", "users"),
    synced!("id, name, slug", "organizations"),
    synced!("id, org_id, user_id, role, permissions", "memberships"),
    synced!("id, key, permissions", "org_roles"),
    synced!("id, key", "org_permissions"),
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
            self.users.values().map(user).collect(),
            self.organizations.values().map(organization).collect(),
            self.memberships.values().map(membership).collect(),
            self.org_roles.values().map(org_role).collect(),
            self.org_permissions.values().map(org_permission).collect(),
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

fn user(row: &User) -> Cells {
    let User { id, email, banned, app_roles, created_at, rank } = row;
    let created_at = Cell::Integer(*created_at);
    let columns =
        vec![text(id), optional(email.as_deref()), bit(*banned), list(app_roles), created_at];
    ranked(columns, rank)
}

fn organization(row: &Organization) -> Cells {
    ranked(vec![text(&row.id), text(&row.name), optional(row.slug.as_deref())], &row.rank)
}

fn membership(row: &Membership) -> Cells {
    let Membership { id, org_id, user_id, role, permissions, rank } = row;
    let columns = vec![text(id), text(org_id), text(user_id), text(role), list(permissions)];
    ranked(columns, rank)
}

fn org_role(row: &OrgRole) -> Cells {
    ranked(vec![text(&row.id), text(&row.key), list(&row.permissions)], &row.rank)
}

fn org_permission(row: &OrgPermission) -> Cells {
    ranked(vec![text(&row.id), text(&row.key)], &row.rank)
}

fn pair(row: &Pair) -> Cells {
    alive(vec![text(&row.org_id), text(&row.user_id)], &row.rank)
}

fn key(row: &Key) -> Cells {
    vec![text(&row.key)]
}

fn ranked(mut columns: Cells, rank: &Rank) -> Cells {
    columns.push(bit(rank.deleted));
    alive(columns, rank)
}

fn alive(mut columns: Cells, rank: &Rank) -> Cells {
    let Rank { deleted: _, updated_at, event_at, projection, digest } = rank;
    columns.extend([updated_at, event_at, projection].map(|number| Cell::Integer(*number)));
    columns.push(text(digest));
    columns
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn optional(value: Option<&str>) -> Cell {
    value.map_or(Cell::Null, text)
}

fn bit(bit: bool) -> Cell {
    Cell::Integer(bit.into())
}

fn list(list: &List) -> Cell {
    text(list.as_str())
}
