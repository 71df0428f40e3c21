//! The merge law: which of two states of one id counts.
//!
//! ```text
//! state(id) = Dead | Live { updated_at, event_at, projection, digest, fields }
//! join(a,b) = Dead if either is Dead,
//!             else the greater by (updated_at, event_at, projection, digest)
//! ```
//!
//! A join-semilattice: commutative, associative, idempotent. So the order and the repetition of
//! deliveries cannot matter. Delete absorbs, for Clerk does not reuse an id. `shared::sql` holds
//! the twin of this law; tests hold the two together over every permutation of small histories.
//!
//! Each id by itself is not all: an older membership of a pair, and the key of a role that is gone,
//! are told by what was heard of other ids. [`MergeContext`] is the rest of the law.

mod context;

use crate::id::EntityId;
use crate::projection::{ContentDigest, EntityFields};
use crate::time::UnixMillis;

pub use crate::entity::EntityKind;
pub use context::{MembershipPair, MergeContext};

/// Where a live state stands among the live states of its id. A total order: the digest breaks
/// the last tie, by value and never by arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// The object's own `updated_at`.
    pub updated_at: UnixMillis,
    /// The event's time, of the envelope.
    pub event_at: UnixMillis,
    /// The version of the code that read it: a delivery read again by a newer build wins.
    pub projection: u32,
    /// Of the projected fields.
    pub digest: ContentDigest,
}

/// A live state: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveState {
    /// Where it stands.
    pub rank: Rank,
    /// What it says.
    pub fields: EntityFields,
}

/// What is known of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityState {
    /// It lives, and this is the latest word.
    Live(LiveState),
    /// It was deleted. Nothing brings it back.
    Deleted,
}

/// One state of one id, as an event says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityChange {
    /// What kind of thing it is.
    pub entity: EntityKind,
    /// Which.
    pub id: EntityId,
    /// What the event says of it.
    pub state: EntityState,
}

/// Whether `incoming` replaces `stored`. Equal is a repeat, and does not.
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

/// The state that counts after both were heard.
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
        fn delete_absorbs(a in state()) {
            assert_eq!(join(a.clone(), EntityState::Deleted), EntityState::Deleted);
            assert_eq!(join(EntityState::Deleted, a), EntityState::Deleted);
        }
    }
}
