//! What is known of one id as the row that the statements of `shared::sql` write for it.

use shared::merge::{self, Entity, Heard, Live, State};
use shared::projection::Fields;

use super::Rows;
use super::rows::{Key, List, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, User};
use super::write::{AnyWrite, put};

impl Rows {
    /// The write that makes this the row of an id.
    pub(super) fn synced(&self, entity: Entity, id: &str, state: &State) -> AnyWrite {
        match state {
            State::Dead => self.blank(entity, id.into()),
            State::Live(live) => self.live(id.into(), live),
        }
    }

    /// The writes that make these rows hold what was heard, behind the changes of one table.
    pub(super) fn remember(&self, entity: Entity, heard: &Heard) -> Vec<AnyWrite> {
        let keys = |keys: &std::collections::BTreeSet<String>| -> Vec<Key> {
            keys.iter().map(|key| Key { key: key.clone() }).collect()
        };
        match entity {
            Entity::Membership => {
                let pairs = heard.pairs.iter().map(|(pair, greatest)| Pair {
                    org_id: pair.org_id.clone(),
                    user_id: pair.user_id.clone(),
                    rank: rank(greatest),
                });
                pairs.filter_map(|pair| self.raise(pair)).collect()
            }
            Entity::Role => {
                let keys = keys(&heard.role_keys).into_iter();
                keys.filter_map(|key| self.role_key(key)).collect()
            }
            Entity::Permission => {
                let keys = keys(&heard.permission_keys).into_iter();
                keys.filter_map(|key| self.permission_key(key)).collect()
            }
            Entity::User | Entity::Organization => vec![],
        }
    }

    fn live(&self, id: String, live: &Live) -> AnyWrite {
        let rank = rank(&live.rank);
        match live.fields.clone() {
            Fields::User(user) => AnyWrite::User(put(
                &self.users,
                User {
                    id,
                    email: user.email,
                    banned: user.banned,
                    app_roles: List::of(&user.app_roles),
                    created_at: user.created_at,
                    rank,
                },
            )),
            Fields::Organization(it) => {
                let row = Organization { id, name: it.name, slug: it.slug, rank };
                AnyWrite::Organization(put(&self.organizations, row))
            }
            Fields::Membership(it) => AnyWrite::Membership(put(
                &self.memberships,
                Membership {
                    id,
                    org_id: it.org_id,
                    user_id: it.user_id,
                    role: it.role,
                    permissions: List::of(&it.permissions),
                    rank,
                },
            )),
            Fields::Role(role) => {
                let permissions = List::of(&role.permissions);
                let row = OrgRole { id, key: role.key, permissions, rank };
                AnyWrite::OrgRole(put(&self.org_roles, row))
            }
            Fields::Permission(it) => {
                let row = OrgPermission { id, key: it.key, rank };
                AnyWrite::OrgPermission(put(&self.org_permissions, row))
            }
        }
    }

    /// A tombstone says nothing but that the id is dead.
    fn blank(&self, entity: Entity, id: String) -> AnyWrite {
        let (rank, none) = (Rank { deleted: true, ..Rank::default() }, List::of::<String>(&[]));
        let text = String::new;
        match entity {
            Entity::User => {
                let row =
                    User { id, email: None, banned: false, app_roles: none, created_at: 0, rank };
                AnyWrite::User(put(&self.users, row))
            }
            Entity::Organization => {
                let row = Organization { id, name: text(), slug: None, rank };
                AnyWrite::Organization(put(&self.organizations, row))
            }
            Entity::Membership => AnyWrite::Membership(put(
                &self.memberships,
                Membership {
                    id,
                    org_id: text(),
                    user_id: text(),
                    role: text(),
                    permissions: none,
                    rank,
                },
            )),
            Entity::Role => {
                let row = OrgRole { id, key: text(), permissions: none, rank };
                AnyWrite::OrgRole(put(&self.org_roles, row))
            }
            Entity::Permission => {
                let row = OrgPermission { id, key: text(), rank };
                AnyWrite::OrgPermission(put(&self.org_permissions, row))
            }
        }
    }
}

fn rank(rank: &merge::Rank) -> Rank {
    Rank {
        deleted: false,
        updated_at: rank.updated_at.0,
        event_at: rank.event_at.0,
        projection: rank.projection.into(),
        digest: rank.digest.as_str().into(),
    }
}
