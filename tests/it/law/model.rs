//! The rows as the Rust law has them: a store of nothing but `merge::join`, and the roles that
//! follow from it.

use super::history::{Grant, Step};
use crate::support::Cells;
use rusqlite::types::Value;
use shared::envelope::Letter;
use shared::merge::{Entity, Live, Rank, State, join};
use shared::projection::{Fields, MembershipFields, RoleFields, UserFields};
use shared::roles::{Membership, RoleSet, Standing};
use std::collections::{BTreeMap, BTreeSet};

/// What is known after some steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Store {
    states: BTreeMap<(Entity, String), State>,
    role_names: BTreeSet<String>,
    /// By user and name of the role.
    grants: BTreeMap<(String, String), Grant>,
    default_role: String,
    catalogue_complete: bool,
}

impl Store {
    /// Nothing is known but the default role and the roles that an operator made.
    pub(super) fn new(default_role: &str, role_names: &[&str]) -> Self {
        let role_names = role_names.iter().chain([&default_role]).map(ToString::to_string);
        Self {
            role_names: role_names.collect(),
            default_role: default_role.into(),
            ..Self::default()
        }
    }

    /// Takes a step in. Gives the number of rows that it changes.
    pub(super) fn take(&mut self, step: &Step) -> usize {
        match step {
            Step::Grant(grant) => self.grant(grant),
            Step::CatalogueComplete => {
                usize::from(!std::mem::replace(&mut self.catalogue_complete, true))
            }
            Step::Event(message) => {
                let Letter::Event(event) = &message.envelope.letter else { panic!("{message:?}") };
                let changes = event.changes.iter();
                changes.map(|c| self.change(c.entity, c.id.as_str(), &c.state)).sum()
            }
        }
    }

    fn change(&mut self, entity: Entity, id: &str, incoming: &State) -> usize {
        let mut written = 0;
        if let State::Live(Live { fields: Fields::User(user), .. }) = incoming {
            for name in &user.app_roles {
                written += usize::from(self.role_names.insert(name.clone()));
            }
        }
        let key = (entity, id.to_owned());
        let stored = self.states.get(&key).cloned();
        let joined =
            stored.clone().map_or(incoming.clone(), |stored| join(stored, incoming.clone()));
        written += usize::from(stored.as_ref() != Some(&joined));
        self.states.insert(key, joined);
        written
    }

    fn grant(&mut self, grant: &Grant) -> usize {
        let key = (grant.user.to_owned(), grant.role.to_owned());
        let stands = self.grants.get(&key).is_some_and(|g| (grant.at, grant.id) <= (g.at, g.id));
        if !stands {
            self.grants.insert(key, grant.clone());
        }
        usize::from(!stands)
    }

    /// What a fill gives for a user, at this version.
    pub(super) fn fill(&self, user: &str, version: i64) -> RoleSet {
        let standing = match self.states.get(&(Entity::User, user.into())) {
            None => Standing::Unknown,
            Some(State::Dead) => Standing::Dead,
            Some(_) if self.user(user).is_some_and(|fields| fields.banned) => Standing::Banned,
            Some(State::Live(_)) => Standing::Live,
        };
        let organizations = if standing.admits() { self.organizations(user) } else { vec![] };
        RoleSet { version, standing, roles: self.roles(user), organizations }.canonical()
    }

    fn user(&self, user: &str) -> Option<&UserFields> {
        match self.states.get(&(Entity::User, user.into()))? {
            State::Live(Live { fields: Fields::User(fields), .. }) => Some(fields),
            State::Live(_) | State::Dead => None,
        }
    }

    fn roles(&self, user: &str) -> Vec<String> {
        let Some(fields) = self.user(user).filter(|fields| !fields.banned) else {
            return vec![];
        };
        let has = |name: &String| match self.grants.get(&(user.into(), name.clone())) {
            Some(grant) => grant.granted,
            None => *name == self.default_role || fields.app_roles.contains(name),
        };
        self.role_names.iter().filter(|name| has(name)).cloned().collect()
    }

    fn organizations(&self, user: &str) -> Vec<Membership> {
        let mine = self.live(Entity::Membership).filter_map(|live| {
            let Fields::Membership(fields) = &live.fields else { panic!("{live:?}") };
            (fields.user_id == user).then_some(fields)
        });
        let dead = |id: &String| {
            self.states.get(&(Entity::Organization, id.clone())) == Some(&State::Dead)
        };
        let counts = mine.filter(|membership| !dead(&membership.org_id));
        counts.map(|membership| self.membership(membership)).collect()
    }

    fn membership(&self, membership: &MembershipFields) -> Membership {
        let MembershipFields { org_id, role, permissions, .. } = membership;
        let catalogue =
            |(entity, _): &(Entity, String)| matches!(entity, Entity::Role | Entity::Permission);
        let permissions = if let Some(role) = self.role(role) {
            role.permissions.iter().filter_map(|c| self.permission(&c.id, &c.key)).collect()
        } else if self.catalogue_complete || self.states.keys().any(catalogue) {
            vec![]
        } else {
            permissions.clone()
        };
        Membership { id: org_id.clone(), role: role.clone(), permissions }
    }

    /// The live role of this key with the greatest rank.
    fn role(&self, key: &str) -> Option<&RoleFields> {
        let roles = self.live(Entity::Role).filter_map(|live| {
            let Fields::Role(fields) = &live.fields else { panic!("{live:?}") };
            (fields.key == key).then_some((&live.rank, fields))
        });
        roles.max_by_key(|(rank, _)| *rank).map(|(_, fields)| fields)
    }

    /// A permission's own key; the one in the role until it is known; none once it is dead.
    fn permission(&self, id: &str, stand_in: &str) -> Option<String> {
        match self.states.get(&(Entity::Permission, id.into())) {
            None => Some(stand_in.into()),
            Some(State::Live(Live { fields: Fields::Permission(fields), .. })) => {
                Some(fields.key.clone())
            }
            Some(State::Live(_) | State::Dead) => None,
        }
    }

    fn live(&self, entity: Entity) -> impl Iterator<Item = &Live> {
        self.states.iter().filter_map(move |((kind, _), state)| match state {
            State::Live(live) if *kind == entity => Some(live),
            State::Live(_) | State::Dead => None,
        })
    }

    /// What [`TABLES`] give, in that order.
    pub(super) fn tables(&self) -> Vec<Vec<Cells>> {
        let mut tables: Vec<_> = Entity::ALL.iter().map(|entity| self.table(*entity)).collect();
        tables.push(self.role_names.iter().map(|name| vec![text(name)]).collect());
        let grant = |((user, role), grant): (&(String, String), &Grant)| {
            vec![
                text(user),
                text(role),
                Value::Integer(grant.granted.into()),
                Value::Integer(grant.at),
                text(grant.id),
            ]
        };
        tables.push(self.grants.iter().map(grant).collect());
        let users = self.states.keys().filter(|(entity, _)| *entity == Entity::User);
        let roles = users.flat_map(|(_, id)| {
            self.roles(id).into_iter().map(move |role| vec![text(id), text(&role)])
        });
        tables.push(roles.collect());
        tables
    }

    fn table(&self, entity: Entity) -> Vec<Cells> {
        let of = self.states.iter().filter(|((kind, _), _)| *kind == entity);
        of.map(|((_, id), state)| {
            let (mut columns, rank) = match state {
                State::Dead => (
                    blank(entity),
                    [Value::Integer(0), Value::Integer(0), Value::Integer(0), text("")],
                ),
                State::Live(Live { rank, fields }) => (columns(fields), cells(rank)),
            };
            columns.insert(0, text(id));
            columns.push(Value::Integer((*state == State::Dead).into()));
            columns.extend(rank);
            columns
        })
        .collect()
    }
}

/// Every table that must not depend on the order, without generated numbers and times of arrival.
pub(super) const TABLES: [&str; 8] = [
    "SELECT id, email, banned, app_roles, created_at, deleted, updated_at, event_at, projection, digest FROM users ORDER BY 1",
    "SELECT id, name, slug, deleted, updated_at, event_at, projection, digest FROM organizations ORDER BY 1",
    "SELECT id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest FROM memberships ORDER BY 1",
    "SELECT id, key, permissions, deleted, updated_at, event_at, projection, digest FROM org_roles ORDER BY 1",
    "SELECT id, key, deleted, updated_at, event_at, projection, digest FROM org_permissions ORDER BY 1",
    "SELECT name FROM roles ORDER BY 1",
    "SELECT g.user_id, r.name, g.granted, g.at, g.id FROM role_grants g JOIN roles r ON r.id = g.role_id ORDER BY 1, 2",
    "SELECT ur.user_id, r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id ORDER BY 1, 2",
];

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn list<T: serde::Serialize>(items: &[T]) -> Value {
    Value::Text(serde_json::to_string(items).unwrap())
}

fn cells(rank: &Rank) -> [Value; 4] {
    [
        Value::Integer(rank.updated_at.0),
        Value::Integer(rank.event_at.0),
        Value::Integer(rank.projection.into()),
        text(rank.digest.as_str()),
    ]
}

fn columns(fields: &Fields) -> Cells {
    let optional = |value: &Option<String>| value.as_deref().map_or(Value::Null, text);
    match fields {
        Fields::User(user) => vec![
            optional(&user.email),
            Value::Integer(user.banned.into()),
            list(&user.app_roles),
            Value::Integer(user.created_at),
        ],
        Fields::Organization(org) => vec![text(&org.name), optional(&org.slug)],
        Fields::Membership(MembershipFields { org_id, user_id, role, permissions }) => {
            vec![text(org_id), text(user_id), text(role), list(permissions)]
        }
        Fields::Role(role) => vec![text(&role.key), list(&role.permissions)],
        Fields::Permission(permission) => vec![text(&permission.key)],
    }
}

fn blank(entity: Entity) -> Cells {
    match entity {
        Entity::User => vec![Value::Null, Value::Integer(0), text("[]"), Value::Integer(0)],
        Entity::Organization => vec![text(""), Value::Null],
        Entity::Membership => vec![text(""), text(""), text(""), text("[]")],
        Entity::Role => vec![text(""), text("[]")],
        Entity::Permission => vec![text("")],
    }
}
