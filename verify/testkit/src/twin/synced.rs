//! What is known of one id as the row that the statements of `shared::sql` write for it.

use shared::merge::{self, EntityKind, EntityState, LiveState, MergeContext};
use shared::projection::EntityFields;

use super::Rows;
use super::rows::{Key, List, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, User};
use super::write::{AnyWrite, put};

impl Rows {
    /// The write that makes this the row of an id.
    pub(super) fn synced(&self, entity: EntityKind, id: &str, state: &EntityState) -> AnyWrite {
        match state {
            EntityState::Deleted => self.blank(entity, id.into()),
            EntityState::Live(live) => self.live(id.into(), live),
        }
    }

    /// The writes that make these rows hold what was heard, behind the changes of one table.
    pub(super) fn remember(&self, entity: EntityKind, heard: &MergeContext) -> Vec<AnyWrite> {
        let keys = |keys: &std::collections::BTreeSet<String>| -> Vec<Key> {
            keys.iter().map(|key| Key { key: key.clone() }).collect()
        };
        match entity {
            EntityKind::Membership => {
                let pairs = heard.pairs.iter().map(|(pair, greatest)| Pair {
                    org_id: pair.org_id.clone(),
                    user_id: pair.user_id.clone(),
                    rank: rank(greatest),
                });
                pairs.filter_map(|pair| self.raise(pair)).collect()
            }
            EntityKind::Role => {
                let keys = keys(&heard.role_keys).into_iter();
                keys.filter_map(|key| self.role_key(key)).collect()
            }
            EntityKind::Permission => {
                let keys = keys(&heard.permission_keys).into_iter();
                keys.filter_map(|key| self.permission_key(key)).collect()
            }
            EntityKind::User | EntityKind::Organization => vec![],
        }
    }

    fn live(&self, id: String, live: &LiveState) -> AnyWrite {
        let rank = rank(&live.rank);
        match live.fields.clone() {
            EntityFields::User(user) => AnyWrite::User(put(
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
            EntityFields::Organization(it) => {
                let row = Organization { id, name: it.name, slug: it.slug, rank };
                AnyWrite::Organization(put(&self.organizations, row))
            }
            EntityFields::Membership(it) => AnyWrite::Membership(put(
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
            EntityFields::Role(role) => {
                let permissions = List::of(&role.permissions);
                let row = OrgRole { id, key: role.key, permissions, rank };
                AnyWrite::OrgRole(put(&self.org_roles, row))
            }
            EntityFields::Permission(it) => {
                let row = OrgPermission { id, key: it.key, rank };
                AnyWrite::OrgPermission(put(&self.org_permissions, row))
            }
        }
    }

    /// A tombstone says nothing but that the id is dead.
    fn blank(&self, entity: EntityKind, id: String) -> AnyWrite {
        let (rank, none) = (Rank { deleted: true, ..Rank::default() }, List::of::<String>(&[]));
        let text = String::new;
        match entity {
            EntityKind::User => {
                let row =
                    User { id, email: None, banned: false, app_roles: none, created_at: 0, rank };
                AnyWrite::User(put(&self.users, row))
            }
            EntityKind::Organization => {
                let row = Organization { id, name: text(), slug: None, rank };
                AnyWrite::Organization(put(&self.organizations, row))
            }
            EntityKind::Membership => AnyWrite::Membership(put(
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
            EntityKind::Role => {
                let row = OrgRole { id, key: text(), permissions: none, rank };
                AnyWrite::OrgRole(put(&self.org_roles, row))
            }
            EntityKind::Permission => {
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
