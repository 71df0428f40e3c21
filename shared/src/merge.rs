//! The merge law: which of two states of one id wins.
//!
//! ```text
//! state(id) = Deleted | Live { updated_at, event_at, projection, digest, fields }
//! join(a,b) = Deleted if either is Deleted,
//!             else the greater by (updated_at, event_at, projection, digest)
//! ```
//!
//! A join-semilattice: commutative, associative, idempotent. So the order and the repetition of
//! deliveries do not matter. A deletion always wins, because Clerk does not reuse an id.
//! `shared::sql` implements the same law in SQL; tests compare the two over every permutation of
//! small histories.
//!
//! A state may also depend on other ids (an older membership of the same pair, the key of a deleted
//! role): see [`MergeContext`].

mod context;

use crate::id::EntityId;
use crate::projection::{ContentDigest, EntityFields};
use crate::time::UnixMillis;

pub use crate::entity::EntityKind;
pub use context::{MembershipPair, MergeContext};

/// Orders the live states of one id. A total order: the digest breaks the last tie, never the order
/// of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// `updated_at` of the synced thing.
    pub updated_at: UnixMillis,
    /// The time of the event.
    pub event_at: UnixMillis,
    /// The projection of the build that parsed it: a newer build wins.
    pub projection: u32,
    /// The digest of the fields.
    pub digest: ContentDigest,
}

/// A live state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveState {
    /// Its rank.
    pub rank: Rank,
    /// Its fields.
    pub fields: EntityFields,
}

/// The state of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityState {
    /// It exists, with these fields.
    Live(LiveState),
    /// It was deleted, for good.
    Deleted,
}

/// One state of one id, from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityChange {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id.
    pub id: EntityId,
    /// Its state in the event.
    pub state: EntityState,
}

/// Returns whether `incoming` replaces `stored`. An equal state is a repetition and does not.
#[must_use]
pub fn supersedes(incoming: &EntityState, stored: Option<&EntityState>) -> bool {
    match (stored, incoming) {
        (None, _) | (Some(EntityState::Live(_)), EntityState::Deleted) => true,
        (Some(EntityState::Deleted), _) => false,
        (Some(EntityState::Live(stored)), EntityState::Live(incoming)) => {
            stored.rank < incoming.rank
        }
    }
}

/// The winning state.
#[must_use]
pub fn join(a: EntityState, b: EntityState) -> EntityState {
    if supersedes(&b, Some(&a)) { b } else { a }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::{EntityState, LiveState, Rank, join};
    use crate::projection::{EntityFields, PermissionFields};
    use crate::time::UnixMillis;

    /// Few values, so that ties are common.
    fn state() -> impl Strategy<Value = EntityState> {
        let live = (0..3_i64, 0..3_i64, 1..3_u32, 0..3_u8).prop_map(|(updated, event, p, key)| {
            let fields = EntityFields::Permission(PermissionFields { key: format!("org:f:{key}") });
            let digest = crate::projection::digest("perm_1", &fields);
            let (updated_at, event_at) = (UnixMillis(updated), UnixMillis(event));
            EntityState::Live(LiveState {
                rank: Rank { updated_at, event_at, projection: p, digest },
                fields,
            })
        });
        prop_oneof![1 => any::<()>().prop_map(|()| EntityState::Deleted), 6 => live]
    }

    proptest! {
        #[test]
        fn join_is_commutative(a in state(), b in state()) {
            assert_eq!(join(a.clone(), b.clone()), join(b, a));
        }

        #[test]
        fn join_is_associative(a in state(), b in state(), c in state()) {
            let left = join(join(a.clone(), b.clone()), c.clone());
            assert_eq!(left, join(a, join(b, c)));
        }

        #[test]
        fn join_is_idempotent(a in state()) {
            assert_eq!(join(a.clone(), a.clone()), a);
        }

        #[test]
        fn a_deletion_always_wins(a in state()) {
            assert_eq!(join(a.clone(), EntityState::Deleted), EntityState::Deleted);
            assert_eq!(join(EntityState::Deleted, a), EntityState::Deleted);
        }
    }
}
