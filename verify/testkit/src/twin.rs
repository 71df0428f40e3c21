//! The twin of D1's half of the pipeline in Rust: the law, rows, views and triggers once more.
//!
//! [`Twin`] takes in what the statements of `shared::sql` are given, and says how many rows they
//! write and whose watches the triggers bump. [`Rows`] is what stands in D1, written in any way.
//! The integration tests hold both to the migrations and the statements themselves; so whatever
//! models D1 may rest on them.

mod effect;
mod list;
mod read;
mod rows;
mod synced;
mod tables;
mod triggers;
mod views;
mod watched;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value as Cell;
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, MergeContext, join};
use shared::plan::BatchPlan;
use shared::projection::EntityFields;

pub use effect::{Bumps, Effect};
pub use read::WRITTEN;
pub use rows::{
    AppRole, Grant, Key, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, Setting,
    User,
};
pub use tables::TABLES;
pub use write::{AnyWrite, Write};

use effect::{once, rise};
use write::{Table, put, write};

/// The rows that roles depend on, and who is watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    users: Table<User>,
    organizations: Table<Organization>,
    memberships: Table<Membership>,
    org_roles: Table<OrgRole>,
    org_permissions: Table<OrgPermission>,
    app_roles: Table<AppRole>,
    grants: Table<Grant>,
    settings: Table<Setting>,
    pairs: Table<Pair>,
    role_keys: Table<Key>,
    permission_keys: Table<Key>,
    watched: BTreeSet<String>,
    behind: BTreeSet<String>,
}

impl Rows {
    /// Writes one row, whatever the law says of it, and what triggers write behind it. Gives how
    /// often the version of each user rises by triggers; who is behind rises later.
    pub fn apply(&mut self, any: &AnyWrite) -> Bumps {
        match any {
            AnyWrite::User(it) => write(&mut self.users, it),
            AnyWrite::Organization(it) => write(&mut self.organizations, it),
            AnyWrite::Membership(it) => write(&mut self.memberships, it),
            AnyWrite::OrgRole(it) => write(&mut self.org_roles, it),
            AnyWrite::OrgPermission(it) => write(&mut self.org_permissions, it),
            AnyWrite::AppRole(it) => write(&mut self.app_roles, it),
            AnyWrite::Grant(it) => write(&mut self.grants, it),
            AnyWrite::Setting(it) => write(&mut self.settings, it),
            AnyWrite::Pair(it) => write(&mut self.pairs, it),
            AnyWrite::RoleKey(it) => write(&mut self.role_keys, it),
            AnyWrite::PermissionKey(it) => write(&mut self.permission_keys, it),
        }
        if self.concerns_everybody(any) {
            self.behind.clone_from(&self.watched);
        }
        let mut bumps = once(self.bumped_by(any));
        if let Some(behind) = self.behind(any) {
            rise(&mut bumps, self.apply(&behind));
        }
        bumps
    }

    fn role_named(&self, name: &str) -> Option<&AppRole> {
        self.app_roles.values().find(|role| role.text() == Some(name))
    }
}

/// One operator's word on one role, as [`shared::sql::GRANT`] takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Whose role.
    pub user: &'a str,
    /// The role's name.
    pub role: &'a str,
    /// Granted, or revoked.
    pub granted: bool,
    /// When, in milliseconds.
    pub at: i64,
    /// Breaks ties.
    pub id: &'a str,
}

/// What is known, by the Rust law alone, and the rows that follow from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Twin {
    states: BTreeMap<(EntityKind, String), EntityState>,
    heard: MergeContext,
    rows: Rows,
}

impl Twin {
    /// What stands in D1.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Watches a user.
    pub fn watch(&mut self, user: &str) {
        self.rows.watch(user);
    }

    /// Ends a watch.
    pub fn unwatch(&mut self, user: &str) {
        self.rows.unwatch(user);
    }

    /// What is known of an id.
    #[must_use]
    pub fn state(&self, entity: EntityKind, id: &str) -> Option<&EntityState> {
        self.states.get(&(entity, id.into()))
    }

    /// The ids that are dead.
    pub fn dead(&self) -> impl Iterator<Item = &(EntityKind, String)> {
        self.states.iter().filter(|(_, state)| **state == EntityState::Deleted).map(|(id, _)| id)
    }

    /// Takes in a plan, as the batch of [`shared::sql::statements`] does: role names, then the
    /// changes table by table. The account of deliveries and dead letters is not kept here.
    pub fn run(&mut self, plan: &BatchPlan) -> Effect {
        let mut effect = Effect::default();
        for name in &plan.role_names {
            self.name(name, &mut effect);
        }
        self.heard = std::mem::take(&mut self.heard).join(plan.context.clone());
        for (entity, changes) in &plan.changes {
            for change in changes {
                self.join(change, &mut effect);
            }
            self.remember(*entity, &mut effect);
        }
        effect
    }

    /// Takes in one change, with the role names that it mentions.
    pub fn take(&mut self, change: &EntityChange) -> Effect {
        let mut effect = Effect::default();
        if let EntityState::Live(LiveState { fields: EntityFields::User(user), .. }) = &change.state
        {
            for name in &user.app_roles {
                self.name(name, &mut effect);
            }
        }
        self.heard.observe(change);
        self.join(change, &mut effect);
        self.remember(change.kind, &mut effect);
        effect
    }

    /// Takes in an operator's word. Of a role that has no name here nothing is written.
    pub fn grant(&mut self, word: Word<'_>) -> Effect {
        let mut effect = Effect::default();
        let Some(role) = self.rows.role_named(word.role) else { return effect };
        let (user_id, role_id) = (word.user.to_owned(), role.id);
        let (granted, at, id) = (word.granted, word.at, word.id.to_owned());
        let stored = self.rows.grants.get(&(user_id.clone(), role_id));
        if stored.is_some_and(|stored| (at, &id) <= (stored.at, &stored.id)) {
            return effect;
        }
        let grant = Grant { user_id, role_id, granted, at, id };
        self.write(&AnyWrite::Grant(put(&self.rows.grants, grant)), &mut effect);
        effect
    }

    /// Makes a setting. One that stands so is not written again.
    pub fn set(&mut self, key: &str, value: &str) -> Effect {
        let mut effect = Effect::default();
        if self.rows.settings.get(key).is_none_or(|stored| stored.value != value) {
            let setting = Setting { key: key.into(), value: value.into() };
            self.write(&AnyWrite::Setting(put(&self.rows.settings, setting)), &mut effect);
        }
        effect
    }

    /// The default role and its name, as [`shared::sql::default_role`] makes them among no more
    /// watches than one step takes.
    pub fn default_role(&mut self, name: &str) -> Effect {
        let mut effect = self.role_name(name);
        effect += self.set("default_role", name);
        let behind = self.rows.catch_up_all();
        effect.rows += behind.len();
        rise(&mut effect.bumps, behind);
        effect
    }

    /// Names an app role; the empty name is none.
    pub fn role_name(&mut self, name: &str) -> Effect {
        let mut effect = Effect::default();
        if !name.is_empty() {
            self.name(name, &mut effect);
        }
        effect
    }

    /// SQLite numbers a new row one above the greatest.
    fn name(&mut self, name: &str, effect: &mut Effect) {
        if self.rows.role_named(name).is_none() {
            let id = self.rows.app_roles.keys().next_back().map_or(1, |id| id.saturating_add(1));
            let role = AppRole { id, name: Cell::Text(name.into()) };
            self.write(&AnyWrite::AppRole(Write::Insert(role)), effect);
        }
    }

    fn join(&mut self, change: &EntityChange, effect: &mut Effect) {
        let key = (change.kind, change.id.as_str().to_owned());
        let stored = self.states.get(&key);
        let joined = match stored.cloned() {
            Some(stored) => join(stored, change.state.clone()),
            None => change.state.clone(),
        };
        if stored != Some(&joined) {
            let write = self.rows.synced(change.kind, change.id.as_str(), &joined);
            self.states.insert(key, joined);
            self.write(&write, effect);
        }
    }

    /// Lets the rows hold what was heard, behind the changes of one table.
    fn remember(&mut self, entity: EntityKind, effect: &mut Effect) {
        for write in self.rows.remember(entity, &self.heard) {
            self.write(&write, effect);
        }
    }

    fn write(&mut self, write: &AnyWrite, effect: &mut Effect) {
        effect.add(self.rows.apply(write));
    }
}
