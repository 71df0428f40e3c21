//! What is under way between the parts, small enough to be counted by the million. The types of
//! `shared` are made from these at the borders.

use std::hash::{Hash, Hasher};

use shared::cache::{Fill, State};
use shared::object::Hint;
use shared::outbox::Pending;
use shared::time::UnixMillis;

/// The users' ids, by number.
pub const USERS: [&str; 2] = ["user_a", "user_b"];

/// The id of a user.
#[must_use]
pub fn user_id(user: u8) -> &'static str {
    USERS.get(usize::from(user)).copied().unwrap_or_default()
}

/// A hint, or the answer to one: `(owner, version)` of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Told {
    /// Whose.
    pub user: u8,
    /// The incarnation that the watch names.
    pub owner: i64,
    /// The version that D1 had reached.
    pub version: i64,
}

impl Told {
    /// As a row of the outbox.
    #[must_use]
    pub fn pending(&self) -> Pending {
        let user_id = user_id(self.user).into();
        Pending { user_id, owner: self.owner, version: self.version }
    }

    /// As the hint that the object gets.
    #[must_use]
    pub fn hint(&self) -> Hint {
        self.pending().hint()
    }
}

/// A fill on its way to D1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sent {
    /// Whose.
    pub user: u8,
    /// As in [`Fill`].
    pub owner: i64,
    /// As in [`Fill`].
    pub floor: i64,
    /// As in [`Fill`].
    pub registers: bool,
    /// As in [`Fill`].
    pub sent_at: UnixMillis,
}

impl Sent {
    /// From what the cache's machine asks to send.
    #[must_use]
    pub fn new(user: u8, fill: &Fill) -> Self {
        let Fill { owner, floor, registers, sent_at } = *fill;
        Self { user, owner, floor, registers, sent_at }
    }

    /// As the machine knows it.
    #[must_use]
    pub fn fill(&self) -> Fill {
        let Self { owner, floor, registers, sent_at, .. } = *self;
        Fill { owner, floor, registers, sent_at }
    }
}

/// A row that D1 read for a fill. `what` stands for the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Read {
    /// The incarnation that holds the watch.
    pub owner: i64,
    /// The version of the watch.
    pub version: i64,
    /// The roles, by number: each model says what the number means.
    pub what: u16,
}

/// The cache's machine with a hash, which the checker needs to know a state again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(pub State);

impl Hash for Kept {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let State { user_id: _, owner, floor, entry, used_at, ending } = &self.0;
        (owner, floor, used_at, ending).hash(to);
        if let Some(entry) = entry {
            let set = &entry.set;
            (entry.verified_at, set.version, &set.roles).hash(to);
            std::mem::discriminant(&set.standing).hash(to);
            for held in &set.organizations {
                (&held.id, &held.role, &held.permissions).hash(to);
            }
        }
    }
}
