//! Facts from every live state ever seen, whether it won or not. They only grow, so order and
//! repetition do not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::{EntityChange, EntityState, LiveState, Rank};
use crate::projection::EntityFields;

/// An organization and a user. Clerk has at most one membership for a pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MembershipPair {
    /// The organization's id.
    pub org_id: String,
    /// The user's id.
    pub user_id: String,
}

/// The facts that other ids depend on, and that the row of their own id may no longer show.
///
/// [`MergeContext::join`] is a join-semilattice like [`super::join`]: greatest ranks and unions of
/// sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeContext {
    /// For each pair the greatest rank of a live membership of it. See
    /// [`MergeContext::is_current`].
    pub pairs: BTreeMap<MembershipPair, Rank>,
    /// The keys of roles. For these a membership's own list of permissions is ignored.
    pub role_keys: BTreeSet<String>,
    /// Every permission key received. One that no live permission has is removed from every list.
    pub permission_keys: BTreeSet<String>,
}

impl MergeContext {
    /// Adds the facts of a change. A deletion has none.
    pub fn observe(&mut self, change: &EntityChange) {
        let EntityState::Live(LiveState { rank, fields }) = &change.state else { return };
        match fields {
            EntityFields::Membership(it) => {
                let pair =
                    MembershipPair { org_id: it.org_id.clone(), user_id: it.user_id.clone() };
                self.raise_rank(pair, rank.clone());
            }
            EntityFields::Role(it) => drop(self.role_keys.insert(it.key.clone())),
            EntityFields::Permission(it) => drop(self.permission_keys.insert(it.key.clone())),
            EntityFields::User(_) | EntityFields::Organization(_) => {}
        }
    }

    /// The union of both.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (pair, rank) in other.pairs {
            self.raise_rank(pair, rank);
        }
        self.role_keys.extend(other.role_keys);
        self.permission_keys.extend(other.permission_keys);
        self
    }

    /// Returns whether a live membership of this rank is the current one of its pair: no greater
    /// rank was seen.
    ///
    /// An older membership ended before the newer one began. It stays ignored, even if the newer
    /// one is deleted and the older one's own deletion was lost.
    #[must_use]
    pub fn is_current(&self, pair: &MembershipPair, rank: &Rank) -> bool {
        self.pairs.get(pair).is_none_or(|greatest| greatest <= rank)
    }

    fn raise_rank(&mut self, pair: MembershipPair, rank: Rank) {
        if self.pairs.get(&pair).is_none_or(|stored| *stored < rank) {
            self.pairs.insert(pair, rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::{MembershipPair, MergeContext};
    use crate::id::EntityId;
    use crate::merge::{EntityChange, EntityState, LiveState, Rank};
    use crate::projection::{EntityFields, MembershipFields, PermissionFields, RoleFields, digest};
    use crate::time::UnixMillis;

    /// Few values, so that several changes are about one pair or one key.
    fn change() -> impl Strategy<Value = EntityChange> {
        let member = (0..2_u8, 0..2_u8, 0..2_u8).prop_map(|(org, user, role)| {
            EntityFields::Membership(MembershipFields {
                org_id: format!("org_{org}"),
                user_id: format!("user_{user}"),
                role: format!("org:{role}"),
                permissions: vec![],
            })
        });
        let key = |key: u8| format!("org:f:{key}");
        let role = (0..3_u8).prop_map(move |it| {
            EntityFields::Role(RoleFields { key: key(it), permissions: vec![] })
        });
        let permission = (0..3_u8)
            .prop_map(move |it| EntityFields::Permission(PermissionFields { key: key(it) }));
        let fields = prop_oneof![2 => member, 1 => role, 1 => permission];
        (fields, 0..3_u8, 0..3_i64, any::<bool>()).prop_map(|(fields, id, at, dead)| {
            let id = EntityId::parse(&format!("it_{id}")).unwrap();
            let (entity, updated_at) = (fields.entity(), UnixMillis(at));
            let digest = digest(id.as_str(), &fields);
            let rank = Rank { updated_at, event_at: updated_at, projection: 1, digest };
            let live = EntityState::Live(LiveState { rank, fields });
            EntityChange { kind: entity, id, state: if dead { EntityState::Deleted } else { live } }
        })
    }

    fn context(changes: &[EntityChange]) -> MergeContext {
        let mut context = MergeContext::default();
        for change in changes {
            context.observe(change);
        }
        context
    }

    fn changes() -> impl Strategy<Value = Vec<EntityChange>> {
        vec(change(), 0..6)
    }

    proptest! {
        #[test]
        fn a_merge_context_is_a_semilattice(a in changes(), b in changes(), c in changes()) {
            let (x, y, z) = (context(&a), context(&b), context(&c));
            assert_eq!(x.clone().join(y.clone()), y.clone().join(x.clone()));
            assert_eq!(x.clone().join(x.clone()), x);
            let left = x.clone().join(y.clone()).join(z.clone());
            assert_eq!(left, x.join(y.join(z)));
        }

        #[test]
        fn batching_does_not_change_the_context(a in changes(), b in changes()) {
            let both: Vec<_> = b.iter().chain(&a).cloned().collect();
            assert_eq!(context(&a).join(context(&b)), context(&both));
        }

        #[test]
        fn only_the_greatest_rank_of_a_pair_is_current(a in changes(), b in changes()) {
            let (first, both) = (context(&a), context(&a).join(context(&b)));
            let lives = a.iter().chain(&b).filter_map(|change| match &change.state {
                EntityState::Live(LiveState { rank, fields: EntityFields::Membership(it) }) => {
                    let (org_id, user_id) = (it.org_id.clone(), it.user_id.clone());
                    Some((MembershipPair { org_id, user_id }, rank))
                }
                EntityState::Live(_) | EntityState::Deleted => None,
            });
            for (pair, rank) in lives {
                assert_eq!(both.is_current(&pair, rank), both.pairs[&pair] == *rank);
                assert!(first.is_current(&pair, rank) || !both.is_current(&pair, rank));
            }
        }
    }
}
