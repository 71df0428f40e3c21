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
//! are told by what was heard of other ids. [`Heard`] is the rest of the law.

mod heard;

use crate::id::ObjectId;
use crate::projection::{Digest, Fields};
use crate::time::UnixMillis;

pub use heard::{Heard, Pair};

/// What kind of thing an id names. Each has its own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// `users`
    User,
    /// `organizations`
    Organization,
    /// `memberships`
    Membership,
    /// `org_roles`
    Role,
    /// `org_permissions`
    Permission,
}

impl Entity {
    /// Every kind, in the order in which a batch writes them.
    pub const ALL: [Self; 5] =
        [Self::User, Self::Organization, Self::Membership, Self::Role, Self::Permission];
}

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
    pub digest: Digest,
}

/// A live state: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Where it stands.
    pub rank: Rank,
    /// What it says.
    pub fields: Fields,
}

/// What is known of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It lives, and this is the latest word.
    Live(Live),
    /// It was deleted. Nothing brings it back.
    Dead,
}

/// One state of one id, as an event says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What kind of thing it is.
    pub entity: Entity,
    /// Which.
    pub id: ObjectId,
    /// What the event says of it.
    pub state: State,
}

/// Whether `incoming` replaces `stored`. Equal is a repeat, and does not.
#[must_use]
pub fn supersedes(incoming: &State, stored: Option<&State>) -> bool {
    match (stored, incoming) {
        (None, _) | (Some(State::Live(_)), State::Dead) => true,
        (Some(State::Dead), _) => false,
        (Some(State::Live(stored)), State::Live(incoming)) => stored.rank < incoming.rank,
    }
}

/// The state that counts after both were heard.
#[must_use]
pub fn join(a: State, b: State) -> State {
    if supersedes(&b, Some(&a)) { b } else { a }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::{Live, Rank, State, join};
    use crate::projection::{Fields, PermissionFields};
    use crate::time::UnixMillis;

    /// Few values, so that ties are common.
    fn state() -> impl Strategy<Value = State> {
        let live = (0..3_i64, 0..3_i64, 1..3_u32, 0..3_u8).prop_map(|(updated, event, p, key)| {
            let fields = Fields::Permission(PermissionFields { key: format!("org:f:{key}") });
            let digest = crate::projection::digest("perm_1", &fields);
            let (updated_at, event_at) = (UnixMillis(updated), UnixMillis(event));
            State::Live(Live { rank: Rank { updated_at, event_at, projection: p, digest }, fields })
        });
        prop_oneof![1 => any::<()>().prop_map(|()| State::Dead), 6 => live]
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
            assert_eq!(join(a.clone(), State::Dead), State::Dead);
            assert_eq!(join(State::Dead, a), State::Dead);
        }
    }
}
