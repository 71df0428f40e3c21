//! What is known of one id as the row that the statements of `shared::sql` write for it.

use shared::merge::{self, EntityKind, EntityState, MergeContext};
use shared::projection::EntityFields;

use super::Rows;
use super::rows::{Key, Membership, OrgPermission, OrgRole, Organization, Pair, Rank, User};
use super::write::{AnyWrite, put};

impl Rows {
    /// The write that makes this the row of an id.
    pub(super) fn synced(&self, entity: EntityKind, id: &str, state: &EntityState) -> AnyWrite {
        let (fields, rank) = match state {
            EntityState::Deleted => {
                (EntityFields::empty(entity), Rank { deleted: true, ..Rank::default() })
            }
            EntityState::Live(live) => (live.fields.clone(), rank(&live.rank)),
        };
        self.row(id.into(), fields, rank)
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

    fn row(&self, id: String, fields: EntityFields, rank: Rank) -> AnyWrite {
        match fields {
            EntityFields::User(it) => AnyWrite::User(put(&self.users, User::new(id, it, rank))),
            EntityFields::Organization(it) => {
                AnyWrite::Organization(put(&self.organizations, Organization::new(id, it, rank)))
            }
            EntityFields::Membership(it) => {
                AnyWrite::Membership(put(&self.memberships, Membership::new(id, it, rank)))
            }
            EntityFields::Role(it) => {
                AnyWrite::OrgRole(put(&self.org_roles, OrgRole::new(id, it, rank)))
            }
            EntityFields::Permission(it) => {
                let row = OrgPermission::new(id, it, rank);
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
